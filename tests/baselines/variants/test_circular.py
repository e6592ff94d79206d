"""A choice asked in every rotation of its options: right only when right in all, by each way of choosing."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from baselines.support.option_orders import agreed, rotations
from baselines.variants.prompting import Prompting
from harness.errors import SuiteError
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, Serving
from harness.runtime.run_folder import RunFolder
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite


def sample(*targets: str, options: tuple[str, ...] = ("甲", "乙", "丙")) -> Sample:
    return Sample(id="1", task="t", input="哪一项？", targets=targets, options=options)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # 甲 is right: it is the first, then, behind 乙 and 丙, the last, then the middle one
        (sample("A"), [(("甲", "乙", "丙"), ("A",)), (("乙", "丙", "甲"), ("C",)), (("丙", "甲", "乙"), ("B",))]),
        (sample("B", options=("是", "否")), [(("是", "否"), ("B",)), (("否", "是"), ("A",))]),
        (sample("AC"), [(("甲", "乙", "丙"), ("AC",)), (("乙", "丙", "甲"), ("BC",)), (("丙", "甲", "乙"), ("AB",))]),
        (sample("A", "C"), [(("甲", "乙", "丙"), ("A", "C")), (("乙", "丙", "甲"), ("C", "B")), (("丙", "甲", "乙"), ("B", "A"))]),
    ],
)  # fmt: skip
def test_rotations_by_hand(given: Sample, expected: list[Any]) -> None:
    assert [(order.options, order.targets) for order in rotations(given)] == expected
    for order in rotations(given):  # each letter still names the text that was right
        texts = [{order.options["ABC".index(letter)] for letter in target} for target in order.targets]
        assert texts == [{given.options["ABC".index(letter)] for letter in target} for target in given.targets]


def turn(answer: str | None, shares: Sequence[float] | None = None, error: str | None = None) -> Prediction:
    reading = Reading(answer, None if answer else "it names no option", answer)
    logprobs = None if shares is None else tuple(map(math.log, shares))
    return Prediction(
        sample_id="1", task="t", variant="v", messages=(), text=answer or "", reading=reading, error=error,
        tokens_in=10, tokens_out=1, seconds=0.5, logprobs=logprobs, elsewhere=None if shares is None else 0.2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("turns", "answer", "reason", "error"),
    [
        # three options: A of the first order is C of the second and B of the third
        ([turn("A"), turn("C"), turn("B")], "A", None, None),
        ([turn("A"), turn("A"), turn("A")], None, "the answer is not the same in every order of the options: A, B, C", None),
        ([turn("A"), turn("C"), turn("A")], None, "the answer is not the same in every order of the options: A, A, C", None),
        ([turn("A"), turn(None), turn("B")], None, "the answer is not the same in every order of the options: A, ?, A", None),
        ([turn(None), turn(None), turn(None)], None, "it names no option", None),
        # two orders that differ are wrong whatever the failed one would have said; two that agree are not known
        ([turn("A"), turn("A"), turn(None, error="down")], None, "the answer is not the same in every order of the options: A, B, failed", None),
        ([turn("A"), turn("C"), turn(None, error="down")], None, None, "1 of 3 orders of the options failed: down"),
        ([turn(None, error="down")] * 3, None, None, "3 of 3 orders of the options failed: down"),
        ([turn("AC"), turn("BC"), turn("AB")], "AC", None, None),
    ],
)  # fmt: skip
def test_one_answer_of_all_orders(
    turns: list[Prediction], answer: str | None, reason: str | None, error: str | None
) -> None:
    whole = agreed(turns)
    assert (whole.reading.answer, whole.reading.reason, whole.error) == (answer, reason, error)
    assert (whole.tokens_in, whole.tokens_out, whole.seconds) == (30, 3, 1.5)


@pytest.mark.parametrize(
    ("servings", "expected"),
    [
        ([None, None, None], None),  # in this process
        (  # 0.2 + 0.3 + 0.4 s of the server's own time, though they waited for each other
            [
                Serving(compute_seconds=0.2, cached_tokens=0, at_once=3, wall_seconds=0.2),
                Serving(compute_seconds=0.3, cached_tokens=6, at_once=3, wall_seconds=0.5),
                Serving(compute_seconds=0.4, cached_tokens=7, at_once=2, wall_seconds=0.9),
            ],
            Serving(
                compute_seconds=pytest.approx(0.9),
                cached_tokens=13,
                at_once=3,
                calls=3,
                wall_seconds=pytest.approx(1.6),
            ),
        ),
        (  # nothing is told, and the second call was not alone
            [Serving(wall_seconds=0.2), Serving(at_once=2, wall_seconds=0.6), Serving(wall_seconds=0.2)],
            Serving(at_once=2, calls=3, wall_seconds=pytest.approx(1.0)),
        ),
        ([Serving(wall_seconds=0.2)] * 3, Serving(calls=3, wall_seconds=pytest.approx(0.6))),
    ],
)
def test_the_time_of_an_answer_is_that_of_all_its_orders(
    servings: list[Serving | None], expected: Serving | None
) -> None:
    letters = ("A", "C", "B")
    turns = [replace(turn(letter), serving=serving) for letter, serving in zip(letters, servings, strict=True)]
    assert agreed(turns).serving == expected
    failed = [replace(turn(None, error="down"), serving=serving) for serving in servings]
    assert agreed(failed).serving == expected


def test_probabilities_are_those_of_the_texts_on_average() -> None:
    # of 甲: 0.7, 0.5 (third place), 0.6 (second place): 0.6; of 乙: 0.2, 0.4, 0.1; of 丙: 0.1, 0.1, 0.3
    whole = agreed([turn("A", (0.7, 0.2, 0.1)), turn("C", (0.4, 0.1, 0.5)), turn("B", (0.3, 0.6, 0.1))])
    assert [math.exp(value) for value in whole.logprobs or ()] == pytest.approx([0.6, 0.7 / 3, 0.5 / 3])
    assert whole.confidence == {"margin": pytest.approx(math.log(0.6 * 3 / 0.7))}
    assert whole.elsewhere == pytest.approx(0.2)
    assert whole.notes == ("in 3 orders of the options: A, A, A",)


def test_what_not_all_orders_tell_is_not_told() -> None:
    whole = agreed([turn("A", (0.7, 0.2, 0.1)), turn("A", (0.4, 0.1, 0.5)), turn(None, error="down")])
    assert (whole.error, whole.logprobs, whole.elsewhere, whole.confidence) == (None, None, None, {})
    replies = [
        replace(turn(letter), confidence={"logprob": value})
        for letter, value in (("A", -0.1), ("C", -0.3), ("B", -0.2))
    ]
    assert agreed(replies).confidence == {"logprob": pytest.approx(-0.2)}  # generated letters


SUITE = """\
name: exam
models:
  knows: {scripted: {rules: [{match: '([A-C])\\. 对', reply: '\\1'}]}}
  likes-a: {scripted: {default: A}}
tasks:
  exam:
    data: {jsonl: {path: rows.jsonl, input: q, target: a, options: o}}
    answer: {choice: {by: WAY}}
    metrics: {accuracy: choice}
variants:
  knows: {prompting: {model: knows, circular: true}}
  knows-once: {prompting: {model: knows}}
  likes-a: {prompting: {model: likes-a, circular: true}}
  likes-a-once: {prompting: {model: likes-a}}
"""
ROWS = [("一", "A", ["对", "错", "非"]), ("二", "B", ["错", "对", "非"]), ("三", "C", ["错", "非", "对"])]
FILE = "\n".join(json.dumps({"q": q, "a": a, "o": o}, ensure_ascii=False) for q, a, o in ROWS)
Write, Run = Callable[..., Path], Callable[..., RunFolder]


@pytest.mark.parametrize("way", ["first_token", "loglikelihood", "generation"])
def test_what_goes_by_place_is_right_in_no_rotation(write_suite: Write, run_suite: Run, way: str) -> None:
    folder = run_suite(write_suite(SUITE.replace("WAY", way), rows__jsonl=FILE))
    means = {result.variant: result.mean for result in folder.summary().results if result.metric == "accuracy"}
    assert means == pytest.approx({"knows": 1, "knows-once": 1, "likes-a": 0, "likes-a-once": 1 / 3})
    tokens = {usage.variant: usage.tokens_in for usage in folder.summary().usage}
    assert tokens["knows"] == 3 * tokens["knows-once"]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("    answer: {choice: {by: WAY}}\n    metrics: {accuracy: choice}", "    prompt: '{{ input }}'\n    answer: {choice: {by: WAY}}\n    metrics: {accuracy: choice}",
         "circular: the prompt of sample rows:1 does not follow the order of its `options`; use them in it"),
        (", options: o}}\n    answer: {choice: {by: WAY}}\n    metrics: {accuracy: choice}", "}}\n    metrics: {accuracy: exact_match}",
         "circular: true puts options in other orders, and the task has none"),
    ],
)  # fmt: skip
def test_what_cannot_be_rotated_is_refused(write_suite: Write, old: str, new: str, mistake: str) -> None:
    assert old in SUITE
    path = write_suite(SUITE.replace(old, new).replace("WAY", "first_token"), rows__jsonl=FILE)
    with pytest.raises(SuiteError) as caught:
        prepare(load_suite(path))
    lines = [line for line in caught.value.mistakes if line.startswith("variants.knows on")]
    assert len(lines) == 1
    assert lines[0].partition(": ")[2] == mistake


def test_votes_and_orders_are_not_mixed() -> None:
    with pytest.raises(ValidationError, match="samples and circular each ask several times"):
        Prompting(model="m", samples=3, temperature=0.7, circular=True)
