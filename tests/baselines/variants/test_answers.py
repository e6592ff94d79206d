"""Answers made elsewhere in a run: no calls, an approach of their own, a cost that is unknown and never 0."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.components.display import Display
from harness.errors import HarnessError, StoreError
from harness.run import run
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.stages.plan_decision import foresee_decision, foresee_timing
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite

SUITE = """\
models: {m: {scripted: {rules: [{match: "问1", reply: 答1}], default: 不知道}}}
tasks:
  norm:
    data: {csv: {path: test.csv, train: train.csv, input: q, target: a}}
    prompt: "{{ input }}"
    answer: text
    metrics: {accuracy: exact_match}
prices: {currency: EUR, device_hour: 3}
latency: {items: 2}
variants:
  base: {prompting: {model: m}}
  gpt: {answers: {from: gpt.jsonl, FURTHER}}
  floor: {floor: {by: majority}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [(f"问{i:02}", f"答{i % 7}") for i in range(70)]
    for name, own in (("test", rows[:40]), ("train", rows[40:])):
        (tmp_path / f"{name}.csv").write_text("q,a\n" + "".join(f"{q},{a}\n" for q, a in own), encoding="utf-8")
    answers = [{"id": f"test:{i + 1}", "prediction": a if i % 5 else "错"} for i, (_, a) in enumerate(rows[:40])]
    (tmp_path / "gpt.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in answers), encoding="utf-8"
    )
    return tmp_path


def suite_in(folder: Path, further: str = "format: jsonl") -> Path:
    (folder / "suite.yaml").write_text(SUITE.replace("FURTHER", further), encoding="utf-8")
    return folder / "suite.yaml"


def test_a_run_compares_them_and_never_recommends_them(folder: Path, run_suite: Callable[..., RunFolder]) -> None:
    out = run_suite(suite_in(folder))
    summary, record = out.finished().summary, out.read_run()
    decisions = summary.decisions
    assert decisions.approaches == {"base": "prompting", "gpt": "made elsewhere", "floor": "floor"}
    accuracy = {own.variant: own.mean for own in summary.results}
    assert accuracy["gpt"] == 32 / 40  # every fifth is wrong
    pair = next(own for own in decisions.pairs if {own.variant, own.reference} == {"base", "gpt"})
    assert pair.samples == 40
    cost = next(own for own in decisions.costs if own.variant == "gpt")
    unknown = (cost.tokens_in, cost.tokens_out, cost.seconds, cost.latency, cost.per_1000, cost.one_off)
    assert unknown == (None,) * 6
    assert (cost.labelled_rows, cost.is_local, cost.is_efficient) == (None, None, None)
    assert decisions.decision is not None
    assert decisions.decision.variant != "gpt"
    cell = next(own for own in record["cells"] if own["variant"] == "gpt")
    assert (cell["calls"], cell["cached"]) == (0, 0)
    assert [own["path"] for own in record["variants"]["gpt"]["files"]] == ["gpt.jsonl"]
    assert {own.variant for own in out.latencies()} == {"base", "floor"}
    page = (out.path / "report.html").read_text(encoding="utf-8")
    assert "Answers made elsewhere" in page
    assert '<td colspan="3">unknown</td>' in page


def run_without_page(path: Path, start: str = "train") -> tuple[RunFolder, list[str]]:
    """A run whose report is not written, and what it notes."""
    suite, folder, notes = load_suite(path), RunFolder(path.parent / "out"), []

    class Noting(Display):
        def note(self, text: str) -> None:
            notes.append(text)

    with closing(Cache(path.parent / "calls.sqlite")) as cache:
        run(suite, folder, Context(suite.models, cache, Noting(), suite.seed), lambda finished: "", start)
    return folder, notes


def test_a_file_that_was_changed_is_not_scored_again(folder: Path) -> None:
    suite = suite_in(folder)
    run_without_page(suite)
    path = folder / "gpt.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("错", "误"), encoding="utf-8")
    with pytest.raises(StoreError, match="changed since its predictions were made: variant gpt"):
        run_without_page(suite, "score")


def test_missing_items_are_refused_or_unknown_and_further_ones_named(folder: Path) -> None:
    lines = (folder / "gpt.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    extra = json.dumps({"id": "test:99", "prediction": "x"}) + "\n"
    (folder / "gpt.jsonl").write_text("".join([*lines[4:], extra]), encoding="utf-8")
    with pytest.raises(HarnessError) as refused:
        prepare(load_suite(suite_in(folder)))
    assert "gpt.jsonl has no answer to 4 items of 40 ('test:1', 'test:2', 'test:3' and 1 more)" in str(refused.value)
    out, notes = run_without_page(suite_in(folder, "missing: unknown"))
    further = "gpt.jsonl answers 1 further item that the task does not have ('test:99'): left out"
    assert notes == [f"norm × gpt: {further}"]
    results = [own for own in out.finished().summary.results if own.variant == "gpt"]
    assert [(own.samples, own.known) for own in results] == [(40, 36)]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{answers: {from: {nrm: gpt.jsonl}}}", "from: there is no task 'nrm' (did you mean norm?)"),
        ("{answers: {from: nothing.jsonl}}", "cannot be read: No such file or directory"),
        ("{cascade: {of: [base, gpt], confidence: logprob, thresholds: [0]}}", "step gpt was made elsewhere"),
        (
            "{searched: {of: {answers: {from: gpt.jsonl}}, over: {id: [a, b]}, budget: 100 calls}}",
            "there is nothing to set",
        ),
    ],
)
def test_what_cannot_be(entry: str, problem: str, folder: Path) -> None:
    path = suite_in(folder)
    path.write_text(f"{path.read_text(encoding='utf-8')}  more: {entry}\n", encoding="utf-8")
    with pytest.raises(HarnessError) as refused:
        prepare(load_suite(path))
    assert problem in str(refused.value)


def test_an_approach_is_a_fact(folder: Path) -> None:
    path = suite_in(folder)
    path.write_text(
        f"{path.read_text(encoding='utf-8')}compare: {{approaches: {{gpt: prompting}}}}\n", encoding="utf-8"
    )
    with pytest.raises(HarnessError, match="'gpt' is of the approach 'made elsewhere' by what it is made of"):
        load_suite(path)


def test_a_plan_counts_their_comparisons_and_times_none(folder: Path) -> None:
    suite = load_suite(suite_in(folder))
    foreseen = foresee_decision(suite, prepare(suite))
    assert (foreseen.deployable, foreseen.foreign, foreseen.comparisons) == (1, 1, 1)
    timing = foresee_timing(suite)
    assert timing is not None
    assert timing.variants == 2
