"""The first screen and what proves it, as a file: what it says in each situation, and what it never does."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from harness.records.decisions import DecisionRecord
from harness.records.figures import Comparison
from harness.records.finished_run import FinishedRun
from harness.records.inputs import Language
from harness.records.summary import Summary
from reports.charts.scatter import cost_axis, place_labels
from reports.facts import cost_texts
from reports.facts.broken_limits import broken_lines
from reports.facts.candidates import candidate_chart, headline_columns
from reports.facts.comparison_table import comparison_tables, task_tables
from reports.facts.contrasts import turned
from reports.html import render
from reports.section import find_sections
from reports.sections.approach_table import ApproachTable
from reports.sections.efficiency import Efficiency
from reports.sections.pair_matrix import PairMatrix
from reports.sections.results import Results
from tests.shared import decided
from tests.shared.finished import finished, visible

P_VALUE = re.compile(r"\bp\s*[=<>]")


@pytest.fixture(autouse=True)
def _sentences() -> Iterator[None]:
    with decided.sentences():
        yield


@cache
def whole_page(situation: str, language: Language = "en") -> str:
    return render(decided.decided_run(situation), language=language)


def page_of(situation: str, language: Language = "en") -> str:
    """The body that is shown first, as markup."""
    return whole_page(situation, language).partition('<div class="body"')[2].partition("<template")[0]


def first_screen(situation: str, language: Language = "en") -> str:
    """The text of the recommendation."""
    section = page_of(situation, language).partition('<section id="recommendation"')[2].partition("</section>")[0]
    return visible(f"<{section}")


@pytest.mark.parametrize(
    ("situation", "text"),
    [
        ("choose", "Sure Choose · Fine-tuning + RAG Deploy lora+rag : it answers 78.0 % of the items right"),
        ("choose", "Why lora+rag beats the best of every other approach by at least 7.0 points. 1,000 requests cost USD 1.15"),
        ("choose", "What would change the answer If a labelled row cost less than USD 0.20, few-shot would be cheaper. With 200 more labelled rows, lora may gain."),
        ("choose", "Prompting few-shot 46.0 % 39.0–53.0 0.61 520 ms zero-shot 33.0 % 26.0–40.0 0.19 310 ms RAG rag 64.0 %"),
        ("choose", "lora+rag chosen 78.0 % 71.0–85.0 1.15 790 ms Floor nearest 42.0 %"),
        ("choose", "mean, 95 % interval floor: nearest, 42.0 % upper bound: oracle, 90.0 %"),
        ("choose simplest", "Likely Choose the simplest · Fine-tuning lora or lora+rag and rag : no difference could be shown."),
        ("choose simplest", "With 1 more labelled row, lora may gain. Left out of the decision norm.style was left out"),
        ("undecided", "Cannot tell Undecided Undecided between lora and lora+rag : about 400 to 1,900 more items"),
        ("undecided", "rag 64.0 % 57.0–71.0 1,189 740 ms"),  # without prices: tokens, 1,180 + 9, and seconds
        ("deploy floor", "Deploy the floor · Floor No model is shown to beat nearest , which needs none"),
        ("trade-off", "A trade-off lora is best on norm.accuracy, rag on exam.accuracy"),
        ("trade-off", "rag 64.0 % 57.0–71.0 58.0 % 51.0–65.0 1.12"),  # both figures stand beside each other
        ("infeasible", "max_p95_ms: 800 rag (1,332), lora+rag (1,422)"),
        ("infeasible", "max_memory_gb: 1.5 lora (not measured) local_only: yes few-shot (no)"),
        ("not trustworthy", "Cannot tell Not trustworthy yet Not trustworthy yet: 40 % of the answers"),
        ("one variant", "Nothing to choose There is nothing to choose: no item has a value. Variant norm.accuracy Tokens p50 Prompting zero-shot 33.0 %"),
        ("all unknown", "Fine-tuning lora unknown"),
        ("two hundred", "Prompting 48 variants more prompting 196 78.8 %"),  # 50 of them, 2 shown: 0.2 + 0.003 × 196
    ],
)  # fmt: skip
def test_the_first_screen_says(situation: str, text: str) -> None:
    assert text in first_screen(situation)


@pytest.mark.parametrize("situation", decided.SITUATIONS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_p_value_on_the_first_screen(situation: str, language: Language) -> None:
    text = first_screen(situation, language)
    assert text
    assert not P_VALUE.search(text)


@pytest.mark.parametrize("situation", decided.SITUATIONS)
def test_nothing_of_a_run_becomes_markup(situation: str) -> None:
    page = whole_page(situation)
    assert "<img" not in page
    assert len(re.findall(r'<script(?:>| type="module">)', page)) == 2  # ours; what else there is only holds data
    assert not re.search(r'\b(?:style|onerror|onclick)="', page.partition("<body>")[2].replace("&#34;", ""))
    assert "nan%" not in page
    assert "inf%" not in page


@pytest.mark.parametrize("situation", decided.SITUATIONS)
def test_old_runs_have_none_of_the_new_sections(situation: str) -> None:
    whole = decided.decided_run(situation)
    old = replace(whole, summary=replace(whole.summary, decisions=DecisionRecord()))
    page = render(old)
    assert "decided" not in page.partition("<head>")[0]
    for anchor in ("recommendation", "approaches", "efficiency", "pairs", "effects", "trade-offs"):
        assert f'<section id="{anchor}"' not in page
    assert '<section id="results"' in page


def test_alarms_stand_above_the_recommendation_and_cautions_below() -> None:
    summary = decided.SITUATIONS["choose"]()
    worse = tuple(replace(c, verdict="worse") for c in summary.floors)
    page = render(finished(replace(summary, floors=worse), {"suite": {}}))
    alarm = page.index("No variant is worth deploying")
    assert page.index('<main id="content">') < alarm < page.index('<section id="recommendation"')


def test_the_order_of_the_page() -> None:
    page = page_of("choose")
    anchors = re.findall(r'<section id="([^"]+)"', page)
    assert anchors == [
        "recommendation", "approaches", "efficiency", "results", "pairs", "differences", "effects", "trade-offs",
        "samples", "method",
    ]  # fmt: skip
    assert [s.anchor for s in find_sections() if s.is_printed] == ["recommendation", "approaches", "efficiency"]


def test_contests_are_turned_in_favour_and_sorted() -> None:
    (table,) = ApproachTable().build(decided.decided_run("choose"))
    rows = [
        (row.comparison.variant, row.comparison.reference, row.contrast.difference, row.words) for row in table.rows
    ]
    assert rows == [
        ("lora+rag", "few-shot", "+32.0", "better"),  # 78 − 46
        ("lora", "few-shot", "+25.0", "better"),
        ("rag", "few-shot", "+18.0", "better"),
        ("lora+rag", "rag", "+14.0", "better"),
        ("lora", "rag", "+7.0", "not told apart"),  # 7 ± 8
        ("lora+rag", "lora", "+7.0", "lora loses less than 10.0 points"),  # the margin test of the two
    ]


def test_a_comparison_turned_twice_is_itself() -> None:
    pair = Comparison(
        task="t", metric="m", variant="a", reference="b", samples=9, difference=0.2, low=0.1, high=0.4, wins=5, losses=3,
        verdict="better",
    )  # fmt: skip
    assert turned(pair) == replace(
        pair, variant="b", reference="a", difference=-0.2, low=-0.4, high=-0.1, wins=3, losses=5, verdict="worse"
    )
    assert turned(turned(pair)) == pair


def test_the_matrix_has_both_sides_and_the_best_first() -> None:
    (grid,) = PairMatrix().build(decided.decided_run("choose"))
    assert grid.variants == ("lora+rag", "lora", "rag", "few-shot", "zero-shot")
    assert ["".join(cell.sign if cell else " " for cell in row) for row in grid.cells] == [
        " ·▲▲▲",  # 78 against 71 (± 8: open), 64, 46, 33
        "· ·▲▲",
        "▼· ▲▲",
        "▼▼▼ ▲",
        "▼▼▼▼ ",
    ]
    cell = grid.cells[0][2]
    assert cell
    assert cell.explanation == (
        "lora+rag is better than rag by +14.0 (simultaneous 95 % interval 6.0–22.0; 120 items, 22 won, 40 lost)."
    )


def test_two_hundred_variants_stay_small() -> None:
    run = decided.decided_run("two hundred")
    (grid,) = PairMatrix().build(run)
    assert (len(grid.variants), grid.left_out) == (30, 168)
    chart = candidate_chart(run.summary, headline_columns(run.summary))
    assert sum(len(group.candidates) for group in chart.groups) == 10  # 2 of 4 approaches, a floor, an upper bound
    assert sum(group.left_out for group in chart.groups) == 190
    assert len(render(run)) < 3_000_000


def test_the_cheapest_that_nothing_beats_are_joined() -> None:
    facts = Efficiency().build(decided.decided_run("choose"))
    assert facts
    assert facts.chart
    assert [point.variant for point in facts.chart.points if point.style in ("efficient", "chosen")] == [
        "lora",
        "lora+rag",
    ]
    assert len(facts.chart.steps) == 4  # nearest → lora → lora+rag: to the right and up, twice
    assert facts.break_even[0].startswith("lora costs more before its first request than few-shot, and less from 833")
    assert facts.break_even[1].endswith("never makes up for it.")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.31, "310 ms"), (0.0001, "0.1 ms"), (0.0, "0 ms"), (0.9996, "1.0 s"), (12.3, "12 s"), (None, "–"), (float("nan"), "–"), (float("inf"), "–")],
)  # fmt: skip
def test_time_of_a_request(seconds: float | None, text: str) -> None:
    assert cost_texts.request_time(seconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "0"), (0.42, "0.42"), (12.4, "12.40"), (1240.0, "1,240"), (0.0123, "0.012"), (0.000056, "0.000056"), (None, "–"), (float("nan"), "–")],
)  # fmt: skip
def test_money(amount: float | None, text: str) -> None:
    assert cost_texts.money(amount) == text


def test_costs_that_differ_by_orders_are_drawn_by_orders() -> None:
    assert not cost_axis([0.0, 1.0, 19.0]).is_logarithmic
    axis = cost_axis([0.0, 0.1, 10.0])
    assert axis.is_logarithmic
    assert axis.place(0.0) == 0.0
    assert axis.place(1.0) == 50.0  # halfway between 0.1 / 1.6 and 10 × 1.6
    assert axis.ticks() == [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]


def test_labels_do_not_overlap() -> None:
    labels = place_labels([(50.0, 50.0, "alpha"), (51.0, 51.0, "beta"), (50.5, 49.0, "gamma"), (50.2, 50.4, "d" * 80)])
    places = [(label.x, label.y) for label in labels[:3] if label]
    assert len(set(places)) == 3
    assert labels[3] is None  # no room: the point explains itself


def test_constraints_that_many_break_are_counted() -> None:
    broken = [replace(decided.INFEASIBLE.broken[0], variant=f"v{i}", value=900 + i) for i in range(30)]
    ((constraint, limit, variants),) = broken_lines(broken)
    assert (constraint, limit) == ("max_p95_ms", "800")
    assert variants == "v0 (900), v1 (901), v2 (902), v3 (903), 26 variants more"


CHIPS = [
    # below the floor, verdict, distinction, beaten by → the strongest that is true
    (True, "better", "leading", None, "below the floor"),
    (True, None, None, None, "below the floor"),
    (False, "worse", None, None, "worse"),
    (False, "worse", None, "lora", "worse"),
    (False, "better", None, "lora", "beaten"),
    (False, "better", "best", None, "best"),
    (False, "better", "leading", None, "leading"),
    (False, "better", None, None, "better"),
    (False, "inconclusive", None, None, "inconclusive"),
    (False, None, None, None, None),
]


@pytest.mark.parametrize(("below", "verdict", "distinction", "beaten", "expected"), CHIPS)
def test_one_chip_the_strongest_statement(
    below: bool, verdict: str | None, distinction: str | None, beaten: str | None, expected: str | None
) -> None:
    entry = comparison_tables(decided.SITUATIONS["choose"]())[0].rows[0].entries[0]
    assert entry
    changed = replace(entry, is_below_floor=below, verdict=verdict, distinction=distinction, beaten_by=beaten)
    assert changed.chip == expected


def test_no_cell_has_two_chips() -> None:
    results = page_of("choose").partition('<section id="results"')[2].partition("</section>")[0]
    cells = re.findall(r'<td[^>]*data-label="norm\.accuracy".*?</td>', results, re.DOTALL)
    assert len(cells) == 8
    assert all(cell.count('class="verdict') <= 1 for cell in cells)


def with_beaten_oracle(oracle: bool) -> FinishedRun:
    figures = {**decided.QUICKSTART, "oracle": ("upper bound", 0.6, 0.8, 0.41, 240, 0.32)}
    settings = {"component": "Rag", "settings": {"model": "base", "oracle": oracle}}
    return finished(decided.made(decided.CHOOSE, figures), {"variants": {"oracle": settings}})


def test_an_upper_bound_that_is_beaten_says_so() -> None:
    (line,) = Results().build(with_beaten_oracle(True)).beaten_bounds
    assert line == (
        "The upper bound oracle lies below lora+rag on norm.accuracy (60.0 %): the model was not trained to use passages, "
        "so that being shown the right one is no bound."
    )
    (line,) = Results().build(with_beaten_oracle(False)).beaten_bounds
    assert line == "The upper bound oracle lies below lora+rag on norm.accuracy (60.0 %): it bounds nothing here."
    assert Results().build(decided.decided_run("choose")).beaten_bounds == ()
    table = comparison_tables(with_beaten_oracle(True).summary)[0]
    assert {row.variant: row.entries[0].chip for row in table.rows if row.entries[0]}["oracle"] == "beaten"


def test_headline_columns_come_first_in_each_task(summary: Summary) -> None:
    tables = task_tables(summary)
    assert [(table.title, [column.name for column in table.columns]) for table in tables] == [
        ("norm", ["norm.accuracy", "norm.terms", "norm.edits", "norm.terms.precision"])
    ]


def test_lower_is_better_is_turned_too() -> None:
    run = decided.decided_run("choose")
    lower = replace(decided.QUALITY, better="lower")
    summary = replace(run.summary, metrics={"norm.accuracy": lower})
    (table,) = ApproachTable().build(replace(run, summary=summary))
    first = table.rows[0]
    assert (first.comparison.variant, first.comparison.reference, first.contrast.difference) == (
        "few-shot",
        "lora+rag",
        "−32.0",
    )
    (grid,) = PairMatrix().build(replace(run, summary=summary))
    assert grid.variants[0] == "zero-shot"
