"""A choice by the first token, from its suite to its figures: what is asked, kept, refused, and made of it."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.components.display import Display
from harness.errors import SuiteError
from harness.models.scripted import Rule, Scripted
from harness.records.inputs import Message, Prompt
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite

SUITE = """\
name: exam
models:
  robot: {scripted: {rules: [{match: '发热', reply: 'B'}, {match: '咳嗽', reply: '我想'}, {match: '坏', fail: down}], default: A}}
tasks:
  exam:
    data: {jsonl: {path: rows.jsonl, train: train.jsonl, input: q, target: a, options: o}}
    answer: {choice: {by: first_token}}
    metrics: {accuracy: choice, ece: expected_calibration_error}
variants:
  zero-shot: {prompting: {model: robot}}
"""
QUESTIONS = [("发热", "B"), ("咳嗽", "A"), ("头痛", "C"), ("坏了", "A")]
TRAIN = [("乏力", "B"), ("恶心", "C")]


def rows(questions: Sequence[tuple[str, str]]) -> str:
    return "\n".join(json.dumps({"q": q, "a": a, "o": ["甲", "乙", "丙"]}, ensure_ascii=False) for q, a in questions)


FILES = {"rows__jsonl": rows(QUESTIONS), "train__jsonl": rows(TRAIN)}
Write, Run = Callable[..., Path], Callable[..., RunFolder]


def test_a_suite_that_chooses_by_first_token(write_suite: Write, run_suite: Run) -> None:
    folder = run_suite(write_suite(SUITE, **FILES))
    named, unnamed, other, failed = folder.predictions()
    assert named.messages[-1].content == "发热\nA. 甲\nB. 乙\nC. 丙\n只回答正确选项的字母。\n答案："
    assert [math.exp(value) for value in named.logprobs or ()] == pytest.approx([0.05, 0.9, 0.05])
    assert (named.reading.answer, named.elsewhere) == ("B", pytest.approx(0))
    # a reply that names no option: nine tenths are elsewhere, and the options share the rest
    assert [math.exp(value) for value in unnamed.logprobs or ()] == pytest.approx([1 / 3] * 3)
    assert unnamed.elsewhere == pytest.approx(0.9)
    assert unnamed.confidence == {"margin": pytest.approx(0), "logprob": pytest.approx(math.log(0.1 / 3))}
    assert other.confidence == {"margin": pytest.approx(math.log(18)), "logprob": pytest.approx(math.log(0.9))}
    assert (failed.error, failed.logprobs) == ("down", None)
    means = {result.metric: (result.mean, result.known) for result in folder.summary().results}
    assert means["accuracy"] == (pytest.approx(2 / 3), 3)  # B and A right, C taken for A
    # 0.9 right and wrong: |1 − 1.8|; 1/3 right: 2/3; over three: 1.4667 / 3
    assert means["ece"] == (pytest.approx((0.8 + 2 / 3) / 3), 3)


def test_worked_examples_are_letters(write_suite: Write, run_suite: Run) -> None:
    text = SUITE.replace("{prompting: {model: robot}}", "{prompting: {model: robot, shots: 2}}")
    first, *_ = run_suite(write_suite(text, **FILES)).predictions()
    assert [turn.content for turn in first.messages if turn.role == "assistant"] == ["B", "C"]
    assert all("只回答正确选项的字母。" in turn.content for turn in first.messages if turn.role == "user")


def mistakes(path: Path) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        prepare(load_suite(path), ("robot",))
    return [line.partition("suite.yaml:")[2] or line for line in caught.value.mistakes]


@pytest.fixture
def robot() -> Iterator[Callable[..., None]]:
    """What the scripted model says that its kind can do."""
    with pytest.MonkeyPatch.context() as patch:

        def can(**abilities: Any) -> None:
            for name, able in abilities.items():
                patch.setattr(Scripted, name, able)

        yield can


HEAD = "variants.zero-shot on tasks.exam: "


@pytest.mark.parametrize(
    ("by", "abilities", "expected"),
    [
        ("first_token", {"tells_first_token": False}, "model robot does not tell its first tokens; use answer: {choice: {by: generation}}"),
        ("first_token", {"is_set_to_reason": True}, "model robot cannot choose by: first_token: it is set to reason before it answers"),
        ("first_token", {"first_token_mistake": lambda self: "Ollama 0.12.6 tells none; update it to 0.12.11"},
         "model robot cannot choose by: first_token: Ollama 0.12.6 tells none; update it to 0.12.11"),
        ("loglikelihood", {"scores_options": False}, "model robot cannot score options; use answer: {choice: {by: first_token}}"),
        ("loglikelihood", {"scores_options": False, "tells_first_token": False},
         "model robot cannot score options; use answer: {choice: {by: generation}}"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_is_refused(
    write_suite: Write, robot: Callable[..., None], by: str, abilities: dict[str, Any], expected: str
) -> None:
    robot(**abilities)
    path = write_suite(SUITE.replace("first_token", by), **FILES)
    assert mistakes(path) == [HEAD + expected]


@pytest.mark.parametrize("what", ["chain_of_thought: true", "samples: 3, temperature: 0.7"])
def test_the_first_token_leaves_no_room_for_reasoning(write_suite: Write, what: str) -> None:
    path = write_suite(SUITE.replace("{model: robot}", f"{{model: robot, {what}}}"), **FILES)
    assert mistakes(path) == [
        HEAD + "options scored by the first token leave no room for reasoning or votes; use by: generation"
    ]


CASCADE = "  again: {prompting: {model: robot, shots: 1}}\n  both: {cascade: {of: [zero-shot, again], confidence: WAY, thresholds: [0.1]}}\n"


@pytest.mark.parametrize(
    ("way", "first", "asked"), [("margin", math.log(18), [1, 2, 1]), ("logprob", math.log(0.9), [2, 2, 2])]
)
def test_a_cascade_goes_by_the_probabilities(
    write_suite: Write, run_suite: Run, way: str, first: float, asked: list[int]
) -> None:
    """A lead of 18 to 1 is enough of a margin and none is not; a log-probability is never above 0.1."""
    path = write_suite(SUITE + CASCADE.replace("WAY", way), **FILES)
    routed = [prediction for prediction in run_suite(path).predictions() if prediction.variant == "both"]
    assert routed[0].route[0].confidence == pytest.approx(first)
    assert [len(prediction.route) for prediction in routed[:3]] == asked


@pytest.mark.parametrize(
    ("by", "way", "abilities", "expected"),
    [
        ("generation", "logprob", {}, "asks robot, which does not tell log-probabilities; use confidence: agreement or retrieval, or answer: {choice: {by: first_token}}"),
        ("generation", "logprob", {"tells_first_token": False}, "asks robot, which does not tell log-probabilities; use confidence: agreement or retrieval"),
        ("generation", "margin", {"scores_options": False}, "scores no options; that takes answer: {choice: {by: first_token}}"),
        ("generation", "margin", {}, "scores no options; that takes answer: {choice: {by: loglikelihood}}"),
        ("loglikelihood", "logprob", {}, "scores options instead of generating text; use confidence: margin"),
    ],
)  # fmt: skip
def test_a_confidence_that_a_served_model_cannot_give(
    write_suite: Write, robot: Callable[..., None], by: str, way: str, abilities: dict[str, Any], expected: str
) -> None:
    robot(**abilities)
    text = SUITE.replace(", ece: expected_calibration_error", "").replace("by: first_token", f"by: {by}")
    path = write_suite(text + CASCADE.replace("WAY", way), **FILES)
    assert mistakes(path) == [f"variants.both on tasks.exam: confidence: {way}: step zero-shot {expected}"]


class Counting(Scripted):
    """Remembers whom it was asked for, and answers from the last prompt to the first."""

    asked: ClassVar[list[str]] = []
    broken: ClassVar[bool] = False

    def first_token_each(
        self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[int, Completion]]:
        self.asked.extend(prompt[-1].content for prompt in prompts)
        for place, completion in reversed(list(super().first_token_each(prompts, options))):
            yield place, Completion(text="A", logprobs=(math.nan, -1.0)) if self.broken else completion


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Context]:
    Counting.asked.clear()
    model = Counting(rules=(Rule(match="^(.)", reply=r"\1"),), batch_size=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Counting, "broken", False)
        cache = Cache(tmp_path / "calls.sqlite")
        yield Context({"m": model}, cache, Display(), seed=7)
        cache.close()


def prompts(*texts: str) -> list[Prompt]:
    return [(Message("user", text),) for text in texts]


def test_calls_are_kept_by_their_options(door: Context) -> None:
    first = door.first_token("m", prompts("B", "A", "C"), [("A", "B")] * 2 + [("A", "B", "C")])
    assert [(reply.text, len(reply.logprobs or ())) for reply in first] == [("B", 2), ("A", 2), ("C", 3)]
    assert door.first_token("m", prompts("C", "A", "B"), [("A", "B", "C")] + [("A", "B")] * 2) == first[::-1]
    assert Counting.asked == ["B", "A", "C"]
    assert door.first_token("m", prompts("C"), [("A", "B")])[0].elsewhere == pytest.approx(0.9)  # other options
    scored = door.score_options("m", prompts("B"), [("A", "B")])
    assert scored[0].elsewhere is None  # another call
    assert (door.counts.calls, door.counts.cached) == (5, 3)


def test_a_plan_counts_first_tokens(door: Context) -> None:
    door.first_token("m", prompts("B"), [("A", "B")])
    dry = DryContext(door.models, door.cache, Display(), seed=7)
    told = dry.first_token("m", prompts("B", "A", "A"), [("A", "B")] * 3)
    assert [reply.finish for reply in told] == ["stop", "error", "error"]
    assert (dry.counts.calls, dry.counts.cached) == (1, 2)
    assert Counting.asked == ["B"]


def test_probabilities_that_are_none_are_failures_and_are_not_kept(
    door: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counting, "broken", True)
    (reply,) = door.first_token("m", prompts("B"), [("A", "B")])
    assert (reply.finish, reply.error) == ("error", "the model returned NaN or infinity")
    monkeypatch.setattr(Counting, "broken", False)
    assert door.first_token("m", prompts("B"), [("A", "B")])[0].text == "B"
