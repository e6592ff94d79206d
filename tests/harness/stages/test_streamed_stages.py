"""Cells that are predicted, scored and shown in parts come to what they come to as a whole."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import harness.run as main_path
from harness.components.task import Task
from harness.records.outputs import Score
from harness.runtime.run_excerpt import excerpt_of
from harness.runtime.run_folder import RunFolder
from harness.stages import predict, score
from harness.suite.suite import Suite
from harness.summary.answered_cells import Answered, AnsweredCell, prompts_digest
from harness.summary.lost_cells import lost_cells
from reports.html import render

SUITE = """\
name: parts
models:
  weak: {scripted: {rules: [{match: "n[1357]$", fail: "gone"}], default: "n2"}}
  robot: {scripted: {rules: [{match: "(n\\\\w+)", reply: "\\\\1"}]}}
tasks:
  t:
    data: {tsv: {path: test.tsv, input: input, target: target}}
    prompt: "{{ input }}"
    metrics: {terms: term_set, accuracy: exact_match}
variants:
  right: {prompting: {model: robot}}
  often-failed: {prompting: {model: weak}}
"""
FILES = ("samples.jsonl", "predictions.jsonl", "scores.jsonl")
Run = Callable[..., RunFolder]


@pytest.fixture
def run(write_suite: Callable[..., Path], run_suite: Run) -> Callable[[], RunFolder]:
    rows = "input\ttarget\n" + "".join(f"n{i}\tn{i}\n" for i in range(10))
    return lambda: run_suite(write_suite(SUITE, test__tsv=rows))


def untimed(folder: RunFolder) -> dict[str, list[dict[str, object]]]:
    lines = {name: (folder.path / name).read_text(encoding="utf-8").splitlines() for name in FILES}
    return {
        name: [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in own]
        for name, own in lines.items()
    }


@pytest.mark.parametrize(("items", "predictions"), [(1, 1), (3, 4), (10, 7)])
def test_parts_of_any_size_leave_the_same_files(
    run: Callable[[], RunFolder], monkeypatch: pytest.MonkeyPatch, items: int, predictions: int
) -> None:
    whole = run()
    expected, figures = untimed(whole), whole.summary().results
    monkeypatch.setattr(predict, "SLICE", items)
    monkeypatch.setattr(score, "BLOCK", predictions)
    again = run()
    assert untimed(again) == expected
    assert again.summary().results == figures
    assert not list(again.path.glob(".*.partial"))


def test_figures_are_made_without_the_prompts(run: Callable[[], RunFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the rendered questions nor the messages of a cell are held; the items are held once."""
    cells: list[AnsweredCell] = []
    tasks: list[Task] = []
    cell_of, summarize = AnsweredCell.of, main_path.summarize

    def kept(answered: Iterable[Answered]) -> AnsweredCell:
        cells.append(cell_of(answered))
        return cells[-1]

    def summarized(suite: Suite, prepared: Mapping[str, Task], folder: RunFolder) -> None:
        tasks.extend(prepared.values())
        summarize(suite, prepared, folder)

    monkeypatch.setattr(AnsweredCell, "of", kept)
    monkeypatch.setattr(main_path, "summarize", summarized)
    folder = run()
    (task,) = tasks
    assert not task._questions
    assert len(cells) == 2
    for cell in cells:
        assert all(own is item for (own, _), item in zip(cell.items, task.data.test, strict=True))
        assert all(own.messages[0].content != item.input for item, own in cell.items)
    digests = {own.variant: own.prompts for own in folder.summary().usage}
    assert digests == {
        own[0].variant: prompts_digest(own) for own in (folder.predictions()[:10], folder.predictions()[10:])
    }


def test_what_failed_is_unknown_in_every_part_where_its_prediction_stands(
    run: Callable[[], RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four parts of `terms` for each of ten items; n1, n3, n5 and n7 failed."""
    monkeypatch.setattr(score, "BLOCK", 1)
    own = [one for one in run().scores() if one.variant == "often-failed" and one.metric.startswith("terms")]
    parts = ("terms", "terms.precision", "terms.recall", "terms.exact")
    assert [(one.sample_id, one.metric) for one in own] == [(f"test:{i}", part) for i in range(1, 11) for part in parts]
    assert {one.sample_id for one in own if one.value is None} == {"test:2", "test:4", "test:6", "test:8"}
    assert {one.error for one in own if one.value is None} == {"gone"}


def test_an_excerpt_takes_items_evenly_with_all_that_belongs_to_them(
    run: Callable[[], RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 answers of which 8 may be shown: every third of ten items, whose four are shown in eight answers."""
    folder = run()
    assert excerpt_of(folder, most=20) == folder.finished()
    finished = excerpt_of(folder, most=8)
    ids = ["test:1", "test:4", "test:7", "test:10"]
    assert [sample.id for sample in finished.samples] == ids
    assert [(one.variant, one.sample_id) for one in finished.predictions] == [
        (variant, sample_id) for variant in ("right", "often-failed") for sample_id in ids
    ]
    assert list(finished.scores) == [one for one in folder.stream_scores() if one.sample_id in ids]
    assert finished.sizes == {"t": 10}
    page = render(finished)
    assert "10 items" in page
    assert "4 of 10 items, taken evenly" in page
    assert "taken evenly" not in render(folder.finished())


def test_an_excerpt_without_a_value_is_no_lost_cell(run: Callable[[], RunFolder]) -> None:
    """Of a cell whose shown answer failed by chance the summary still has a figure."""
    whole = run().finished()
    failed = [one for one in whole.predictions if one.error is not None][:1]
    assert lost_cells(replace(whole, predictions=failed, scores=[], sizes={"t": 10})) is None
    assert lost_cells(replace(whole, predictions=failed, scores=[])) is not None


def test_the_scores_of_a_part_that_nobody_wrote_are_those_of_failures_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    late = Score(sample_id="2", task="t", variant="v", metric="m", value=None, error="gone")
    early = [Score(sample_id=own, task="t", variant="v", metric="m", value=1.0) for own in "13"]
    with folder.parts("scores.jsonl", Score) as parts:
        parts.extend("b", early)
        parts.join(["a", "b"], {"a": [(0, [late])], "b": [(1, [late])]})
    assert [one.sample_id for one in folder.scores()] == ["2", "1", "2", "3"]
