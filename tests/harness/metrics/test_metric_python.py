"""python: a user's function, right and wrong in every way that a file can be."""

import hashlib
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.components.metric import Mark, Scale
from harness.errors import HarnessError, SuiteError
from harness.metrics.python import Python
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction, Reading
from harness.suite.parser import load_suite

Write = Callable[..., Python]


@pytest.fixture
def metric(tmp_path: Path) -> Write:
    """Writes the file and makes the metric."""

    def write(source: str, **settings: Any) -> Python:
        path = tmp_path / "my_metric.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return Python(file=str(path), **settings)

    return write


def one(answer: JSON, *targets: str, reason: str | None = None) -> tuple[Sample, Prediction]:
    sample = Sample(id="1", task="t", input="问题", targets=targets or ("咳嗽",), meta={"weight": 0.25})
    return sample, Prediction(
        sample_id="1", task="t", variant="v", messages=(), text=str(answer or ""), reading=Reading(answer, reason)
    )


def own(metric: Python, answer: JSON = "咳嗽", *targets: str, reason: str | None = None) -> Mark:
    marks = metric.score(*one(answer, *targets, reason=reason))
    assert isinstance(marks, dict)
    return marks[""]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 0.5", Mark(0.5)),
        ("return 1", Mark(1.0)),
        ("return True", Mark(1.0)),
        ("return False", Mark(0.0)),
        ("return 0.5, 'half of it'", Mark(0.5, "half of it")),
        ("return None", Mark(None, "score returned None")),
        ("return None, 'no opinion'", Mark(None, "no opinion")),
        ("import numpy\n    return numpy.float32(0.25)", Mark(0.25)),
        ("import numpy\n    return numpy.bool_(True)", Mark(1.0)),
        ("return 'good'", Mark(None, "score returned 'good', which is no number")),
        ("return '0.5'", Mark(None, "score returned '0.5', which is no number")),
        ("return [0.5]", Mark(None, "score returned [0.5], which is no number")),
        ("return 1.5", Mark(None, "score returned 1.5, which is outside 0 to 1")),
        ("return float('nan')", Mark(None, "score returned nan, which is outside 0 to 1")),
        ("return answer == targets[0]", Mark(1.0)),
        ("return sample.meta['weight'], sample.input", Mark(0.25, "问题")),
    ],
)
def test_what_a_function_may_return(body: str, expected: Mark, metric: Write) -> None:
    assert own(metric(f"def score(answer, targets, sample):\n    {body}\n")) == expected


def test_parts_each_with_a_reason_of_its_own(metric: Write) -> None:
    mine = metric("def score(answer, targets, sample):\n    return {'': 0.5, 'tone': (1, 'kind'), 'length': None}")
    assert mine.score(*one("咳嗽")) == {
        "": Mark(0.5),
        "tone": Mark(1.0, "kind"),
        "length": Mark(None, "score returned None"),
    }


def test_parts_without_a_value_of_its_own_are_unknown(metric: Write) -> None:
    mine = metric("def score(answer, targets, sample):\n    return {'tone': 1}")
    told = "score returned the parts ['tone']; its own value under \"\" is missing"
    assert mine.score(*one("咳嗽")) == {"": Mark(None, told)}


def test_an_unread_answer_is_wrong_and_a_failure_unknown_in_every_part(metric: Write) -> None:
    """Left out of a part, a wrong answer would raise the mean of it."""
    mine = metric("""
        def score(answer, targets, sample):
            if answer == "boom":
                raise ValueError("no such\\n thing")
            return {"": 1, "tone": 0.5}
        """)
    answers = [one("咳嗽"), one(None, reason="the reply is empty"), one("boom")]
    marks = mine.score_batch([sample for sample, _ in answers], [said for _, said in answers])
    failed = Mark(None, "score failed: my_metric.py:4: ValueError: no such thing")
    assert marks == [
        {"": Mark(1.0), "tone": Mark(0.5)},
        {"": Mark(0.0, "the reply is empty"), "tone": Mark(0.0, "the reply is empty")},
        {"": failed, "tone": failed},
    ]


@pytest.mark.parametrize(
    ("settings", "worst"),
    [({}, 0.0), ({"low": -1.0}, -1.0), ({"better": "lower", "high": 100.0}, 100.0), ({"better": "neither"}, None)],
)
def test_an_unread_answer_is_the_worst_end_of_the_scale(
    settings: dict[str, Any], worst: float | None, metric: Write
) -> None:
    mine = metric("def score(answer, targets, sample):\n    return 1", **settings)
    assert own(mine, None, reason="empty") == Mark(worst, "empty")


def test_the_scale_is_the_users(metric: Write) -> None:
    mine = metric("def score(answer, targets, sample):\n    return 42", low=0.0, high=100.0, better="lower")
    assert own(mine) == Mark(42.0)
    assert mine.scale_of("") == mine.scale_of("tone") == Scale(0.0, 100.0, "lower")


def test_a_failure_tells_the_last_line_in_the_users_own_file(metric: Write) -> None:
    mine = metric("""
        import json

        def parse(text):
            return json.loads(text)

        def score(answer, targets, sample):
            return parse(answer)["score"]
        """)
    mark = own(mine, "咳")
    assert mark.value is None
    assert (mark.reason or "").startswith("score failed: my_metric.py:5: JSONDecodeError: Expecting value")


def test_a_function_that_stops_the_program_has_failed(metric: Write) -> None:
    mine = metric("def score(answer, targets, sample):\n    raise SystemExit(3)")
    assert own(mine) == Mark(None, "score failed: my_metric.py:2: SystemExit: 3")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def scroe(answer, targets, sample):\n    return 1", ": has no function score (did you mean scroe?)"),
        ("x = 1", ": has no function score (none is defined)"),
        ("score = 3", ": score must be a plain function"),
        ("async def score(answer, targets, sample):\n    return 1", ": score must be a plain function"),
        ("\ndef score(answer):\n    return 1", ":2: score(answer) must take (answer, targets, sample)"),
        ("def score(answer, targets, sample, more):\n    return 1",
         ":1: score(answer, targets, sample, more) must take (answer, targets, sample)"),
        ("import json\ndef score(answer targets):\n    return 1", ":2: SyntaxError: "),
        ("x = 1\nx / 0", ":2: ZeroDivisionError: division by zero"),
        ("import no_such_module_at_all", ":1: ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("raise SystemExit(1)", ":1: SystemExit: 1"),
        ("x = '\0'", ": "),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_told_before_anything_is_paid_for(source: str, told: str, metric: Write) -> None:
    mine = metric(source)
    with pytest.raises(HarnessError) as caught:
        mine.check()
    assert str(caught.value).startswith(f"{mine.file}{told}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "parameters",
    ["*all", "a, b, c", "answer, targets, sample=None", "answer, targets, sample, more=1", "answer, *rest"],
)
def test_any_function_that_can_be_called_so_will_do(parameters: str, metric: Write) -> None:
    mine = metric(f"def grade({parameters}):\n    return 1", function="grade")
    mine.check()
    assert own(mine) == Mark(1.0)


def test_a_missing_file_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "my_metric.py").write_text("", encoding="utf-8")
    missing = tmp_path / "my_metrics.py"
    with pytest.raises(HarnessError) as caught:
        Python(file=str(missing)).check()
    assert str(caught.value) == f"{missing}: cannot be read: No such file or directory (did you mean my_metric.py?)"


def test_the_file_runs_once_and_leaves_no_trace(metric: Write, tmp_path: Path) -> None:
    """Its dataclasses work, its folder is not on the path, no compiled file lies beside it."""
    mine = metric("""
        from __future__ import annotations
        from dataclasses import dataclass
        from pathlib import Path

        with Path(__file__).with_name("runs").open("a") as runs:
            runs.write("x")

        @dataclass
        class Verdict:
            value: float

        def score(answer, targets, sample):
            return Verdict(0.5).value
        """)
    before = list(sys.path)
    mine.check()
    assert own(mine) == own(mine) == Mark(0.5)
    assert (tmp_path / "runs").read_text() == "x"
    assert sys.path == before
    assert "my_metric" not in sys.modules
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my_metric.py", "runs"]


def test_what_is_shown_is_what_was_run(metric: Write) -> None:
    """The digest is of the bytes that were run, even if the file is changed meanwhile; the folder is not shown."""
    source = "def score(answer, targets, sample):\n    return 0.5"
    mine = metric(source)
    mine.check()
    changed = metric("def score(answer, targets, sample):\n    return 1")
    shown = mine.model_dump(mode="json")
    assert own(mine) == Mark(0.5)
    assert own(changed) == Mark(1.0)
    assert shown["sha256"] == hashlib.sha256(source.encode()).hexdigest() != changed.sha256
    assert (shown["file"], shown["function"]) == ("my_metric.py", "score")


SUITE = """
models: {m: {scripted: {}}}
tasks:
  t:
    data: {jsonl: {path: data.jsonl, input: input, target: target}}
    metrics: {mine: {python: {file: my_metric.py%s}}}
variants: {zero: {prompting: {model: m}}}
"""


def test_a_suite_names_the_file_beside_it(write_suite: Callable[..., Path]) -> None:
    path = write_suite(SUITE % "", my_metric__py="def score(answer, targets, sample):\n    return 1")
    suite = load_suite(path)
    mine = suite.tasks["t"].metrics["mine"]
    mine.check()
    assert mine.score(*one("咳嗽")) == {"": Mark(1.0)}


def test_a_scale_without_width_is_refused(write_suite: Callable[..., Path]) -> None:
    with pytest.raises(SuiteError, match=r"low: 1.0 must be less than high: 1.0"):
        load_suite(write_suite(SUITE % ", low: 1.0"))
