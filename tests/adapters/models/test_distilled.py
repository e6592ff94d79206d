"""Models that learn answers which another model of the suite wrote: who is asked, what is kept, what is recorded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.components.display import Display
from harness.errors import ModelError, SuiteError
from harness.runtime.cache import Cache
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import Plan, plan
from harness.suite.parser import load_suite

SUITE = """\
name: distilled
models:
  base: {huggingface: {path: "FOLDER", dtype: float32, device: cpu, format: plain, delimiter: ""}}
  big: {scripted: {default: B, rules: [{match: "w0[0-3]", reply: A}, {match: w04, fail: broken}, {match: w05, reply: ""}, {match: w06, reply: a long story}]}}
  MODELS
tasks:
  letters:
    data: {tsv: {path: test.tsv, train: train.tsv, input: 词, target: 字}}
    prompt: "{{ input }} "
    generation: {max_tokens: 3}
    metrics: {accuracy: exact_match}
variants:
  VARIANTS
"""
RECIPE = "batch_size: 4"
TRAIN = "词\t字\n" + "".join(f"w{i:02d}\t{'AB'[i % 2]}\n" for i in range(12))
STUDENT = "base: base, method: {lora: {r: 2}}, on: [letters], answers: {from: big}, max_steps: 2"
ASKED = "student: {prompting: {model: student}}"

Run = Callable[..., RunFolder]
Make = Callable[..., Path]


@pytest.fixture
def suite(write_suite: Make, make_folder: Callable[..., Path]) -> Make:
    """Write a suite with the models given, as YAML."""

    def write(models: dict[str, str], variants: str = ASKED, text: str = SUITE) -> Path:
        entries = [f"{name}: {{tuned: {{{made}, {RECIPE}}}}}" for name, made in models.items()]
        filled = text.replace("FOLDER", str(make_folder())).replace("MODELS", "\n  ".join(entries))
        return write_suite(filled.replace("VARIANTS", variants), test__tsv="词\t字\nx1\tA\nx2\tB\n", train__tsv=TRAIN)

    return write


def planned(path: Path, cache: Path) -> Plan:
    loaded = load_suite(path)
    calls = Cache(cache / "calls.sqlite", read_only=True)
    try:
        return plan(loaded, DryContext(loaded.models, calls, Display(), loaded.seed))
    finally:
        calls.close()


def composition(folder: RunFolder, model: str = "student") -> dict[str, Any]:
    (stage,) = folder.read_run()["training"][model]["stages"]
    (part,) = stage["composition"]
    return dict(part)


def test_answers_are_asked_once_and_recorded(suite: Make, run_suite: Run, tmp_path: Path) -> None:
    path, cache = suite({"student": STUDENT}), tmp_path / "cache"
    assert planned(path, cache).preparations["student"].what == (
        "lora on 12 rows, after 12 answers to be written by big, 2 steps"
    )
    folder = run_suite(path)
    part = composition(folder)
    answers = part.pop("answers")
    assert part == {"source": "train rows of letters", "kind": "task", "rows": 9, "of": 12}
    # w00 to w03 say A, w07 to w11 say B: 9 are used; A is right of w00 and w02, B of w07, w09 and w11
    assert {name: answers[name] for name in ("asked", "used", "right", "failed", "unreadable", "cut", "wrong")} == {
        "asked": 12, "used": 9, "right": 5, "failed": 1, "unreadable": 1, "cut": 1, "wrong": 0,
    }  # fmt: skip
    assert (answers["from"], answers["as"], answers["task"], answers["calls"]) == ("big", None, "letters", 12)
    (cost,) = folder.summary().decisions.costs
    assert (cost.labelled_rows, cost.teaching[0].model, cost.teaching[0].calls) == (0, "big", 12)
    assert "big" in folder.read_run()["models"]
    # What failed is asked again by a run, and by no plan: the training that left it out is there.
    assert planned(path, cache).preparations["student"].what == "lora on 9 rows, 2 steps"
    assert planned(path, cache).preparations["student"].done
    again = run_suite(path, start="predict").read_run()
    assert [cell["calls"] for cell in again["cells"]] == [0]


@pytest.mark.parametrize(
    ("answers", "used", "right", "labels"),
    [
        ("{from: big, keep: right}", 5, 5, 12),  # the labels of all rows decide which are kept
        ("{from: big, as: few}", 9, 5, 4),  # four rows are shown with their labels
    ],
)
def test_how_a_teacher_is_asked(answers: str, used: int, right: int, labels: int, suite: Make, run_suite: Run) -> None:
    variants = f"{ASKED}\n  few: {{prompting: {{model: base, shots: 4}}}}"
    folder = run_suite(suite({"student": STUDENT.replace("{from: big}", answers)}, variants))
    record = composition(folder)["answers"]
    assert (record["used"], record["right"]) == (used, right)
    costs = {cost.variant: cost for cost in folder.summary().decisions.costs}
    assert costs["student"].labelled_rows == labels


LEARNS = "base: base, method: full, on: [letters], learning_rate: 0.01, epochs: 12"


def test_a_teacher_may_be_trained_first(suite: Make, run_suite: Run, tmp_path: Path) -> None:
    models = {"student": STUDENT.replace("from: big", "from: teacher"), "teacher": LEARNS}
    path = suite(models, variants=ASKED)
    before = planned(path, tmp_path / "cache").preparations
    assert list(before) == ["teacher", "student"]
    assert "after 12 answers to be written by teacher" in before["student"].what
    run = run_suite(path)
    answers = composition(run)["answers"]
    assert (answers["used"], answers["right"]) == (12, 12)
    (cost,) = run.summary().decisions.costs
    assert cost.labelled_rows == 12  # those that the teacher has learnt


def test_answers_that_teach_nothing_end_the_run(suite: Make, run_suite: Run) -> None:
    models = {"student": STUDENT.replace("from: big", "from: base")}
    path = suite(models, text=SUITE.replace("max_tokens: 3", "max_tokens: 1"))
    with pytest.raises(
        ModelError, match=r"none of the 12 answers that base wrote for task letters can be learnt: 12 cut"
    ):
        run_suite(path)  # a reply of one token that is no end of a turn was cut


WRONG = [
    ("from: robot", "models.student.tuned.answers.from: 'robot' is not among models"),
    ("from: student", "is made of itself: student → student"),
    ("from: other", "is made of itself: student → other → student"),
    ("from: big, as: low", "models.student: as: low: is a floor, which asks no model"),
    ("from: big, as: none", "models.student.tuned.answers.as: 'none' is not among variants"),
    ("from: big, keep: some", "models.student.tuned.answers.keep: must be 'all' or 'right', not some"),
    ("as: few", "models.student.tuned.answers: from is required"),
    ("from: words", "which cannot generate text"),
]


@pytest.mark.parametrize(("answers", "message"), WRONG)
def test_who_cannot_teach(answers: str, message: str, suite: Make, tmp_path: Path) -> None:
    models = {
        "student": STUDENT.replace("from: big", answers),
        "other": "base: student, method: {lora: {r: 2}}, on: [letters]",
    }
    variants = f"{ASKED}\n  low: {{floor: {{by: nearest}}}}"
    text = SUITE.replace("  MODELS", "  words: {sentence_transformers: {path: x}}\n  MODELS")
    with pytest.raises(SuiteError) as caught:
        planned(suite(models, variants, text), tmp_path / "cache")
    assert message in str(caught.value)
    assert len(caught.value.lines) <= 2
