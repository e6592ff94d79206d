"""A trend of generated nights: what its generator put into them is what is seen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.records.trends import Trend
from harness.regression.history import read_histories
from harness.regression.trend import make_trend
from reports.facts.trend_overview import overview
from reports.facts.trend_payload import trend_payload
from reports.trend_page import render_trend
from tests.shared.night_runs import generated_nights

NIGHTS, ITEMS = 12, 20  # a prompt changes with night 7, a package with night 9


@pytest.fixture(scope="module")
def trend(tmp_path_factory: pytest.TempPathFactory) -> Trend:
    place = generated_nights(tmp_path_factory.mktemp("nights"), NIGHTS, 3, ITEMS)
    (history,), nameless = read_histories(place)
    assert nameless == []
    return make_trend(history, "runs/nights")


def test_changes_are_annotated_and_interrupt_the_lines_that_they_touch(trend: Trend) -> None:
    seen = [(own.night, [(d.kind, d.name, d.changes_figures) for d in own.differences]) for own in trend.changes]
    assert seen == [(7, [("prompt", "exam: prompt", True)]), (9, [("package", "numpy", False)])]
    breaks = {chart.name: chart.lines[0].breaks for chart in trend.charts if chart.quantity == "figure"}
    assert breaks == {"norm.accuracy": (), "exam.accuracy": (7,)}


def test_lines_have_the_figures_of_the_nights(trend: Trend) -> None:
    line = next(own for own in trend.charts[0].lines if own.variant == "variant-1")
    first = line.values[0]
    assert first is not None
    assert first.known == ITEMS
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.value < first.high
    assert len(line.values) == NIGHTS == len(trend.nights)


def test_items_of_identical_nights_that_waver_are_found(trend: Trend) -> None:
    assert trend.flakiness.nights == (9, 10, 11)  # since the package changed
    flaky = {(own.task, own.variant): own.flaky for own in trend.flakiness.cells}
    listed: dict[tuple[str, str], int] = {}
    for own in trend.flakiness.items:
        listed[own.task, own.variant] = listed.get((own.task, own.variant), 0) + 1
        assert own.answers == 2
        assert 1 <= own.changes < own.nights == 3
    assert {key: count for key, count in flaky.items() if count} == listed
    assert all(cell.low <= cell.flaky / cell.items <= cell.high for cell in trend.flakiness.cells)


def test_an_answer_that_failed_is_no_other_answer(tmp_path: Path) -> None:
    (history,), _ = read_histories(generated_nights(tmp_path, NIGHTS, 1, 4))
    before = sum(cell.flaky for cell in make_trend(history, "runs").flakiness.cells)
    file = history.nights[10].path / "predictions.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    failed = [{**row, "text": "", "error": "the line broke"} for row in rows]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in failed), encoding="utf-8")
    flakiness = make_trend(history, "runs").flakiness
    assert (flakiness.problem, flakiness.nights) == ("", (9, 10, 11))
    assert sum(cell.flaky for cell in flakiness.cells) <= before
    assert all(item.nights == 2 for item in flakiness.items)


def test_the_last_night_broke_and_fixed_items(trend: Trend) -> None:
    assert trend.last.shared == 2 * ITEMS
    broken = sum(own.broken for own in trend.last.counts)
    assert broken == sum(own.kind == "broken" for own in trend.last.items) > 0
    assert all((own.before, own.after) == (1.0, 0.0) for own in trend.last.items if own.kind == "broken")


def test_runs_in_no_line_are_named_on_the_page(trend: Trend) -> None:
    page = render_trend(trend)
    assert {own.reason for own in trend.left_out} == {"limited", "interrupted", "unreadable"}
    assert all(own.key in page for own in trend.left_out)
    assert len(overview(trend)) == 4
    assert len(trend_payload(trend)["charts"]) == len(trend.charts) >= 3


def test_a_name_in_a_run_cannot_leave_its_place(trend: Trend) -> None:
    page = render_trend(replace(trend, suite='</script><img src=x onerror="1">'))
    assert "<img" not in page
