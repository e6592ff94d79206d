"""Which faults many answers of a cell share, what is none, and what is said of the cause."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.records.anomalies import AnomalyKind
from harness.records.inputs import Generation, Message, Sample
from harness.records.outputs import Prediction, Reading, Serving
from harness.runtime.run_folder import RunFolder
from harness.summary.anomaly_causes import CellSettings, explain
from harness.summary.anomaly_detection import signs
from harness.text.replies import ONLY_REASONING, OPEN_OPTION, UNCLOSED
from reports.facts.spoken_sentences import spoken_statement

Answer = dict[str, Any]
GOOD: Answer = {"text": "x"}
BLANK: Answer = {"text": "", "reading": Reading(reason="the reply is empty")}
AT_ONCE = {**BLANK, "tokens_out": 1}
LATER = {**BLANK, "tokens_out": 12}
CUT = {"text": "a b c", "finish": "length"}
SORRY = {"text": "I'm sorry, but I can't help with that."}
UNREADABLE = {"text": "none", "reading": Reading(reason="there is no JSON object in the reply")}
MOVED = {"text": "A", "reading": Reading(None, "the answer is not the same in every order of the options: A, B")}
CUT_JSON = {**UNREADABLE, "finish": "length"}
REASONED: Answer = {"text": "<think>…</think>", "reading": Reading(reason="there is nothing but a reasoning block")}
SETTINGS = CellSettings(generation=Generation(), answer="text", is_plain=False, is_trained=False)


def cell(answers: Sequence[Answer], targets: Sequence[str] = (), **sample: Any) -> list[tuple[Sample, Prediction]]:
    """A cell whose items expect different answers; an answer with nothing else said of it is read as its text."""
    items = []
    for place, answer in enumerate(answers):
        target = targets[place] if targets else f"t{place}"
        settings = {
            "reading": Reading(f"{answer['text']}{place}"),
            "tokens_in": 9,
            "tokens_out": 5,
            "messages": (),
            **answer,
        }
        prediction = Prediction(sample_id=f"s{place}", task="t", variant="v", **settings)
        items.append((Sample(id=f"s{place}", task="t", input="q", targets=(target,), **sample), prediction))
    return items


def kinds(items: Sequence[tuple[Sample, Prediction]]) -> list[tuple[AnomalyKind, int]]:
    return [(sign.kind, len(sign.items)) for sign in signs(items)]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([MOVED] * 4 + [GOOD] * 6, []),  # each reply could be read
        ([MOVED] * 10, []),
        ([MOVED] * 8 + [UNREADABLE] * 2, [("unreadable", 2)]),
        ([AT_ONCE] * 2 + [GOOD] * 8, [("first token", 2)]),  # 20 %
        ([AT_ONCE] * 1 + [GOOD] * 9, []),  # 10 %
        ([AT_ONCE] * 19 + [GOOD] * 81, []),
        ([AT_ONCE] * 20 + [GOOD] * 80, [("first token", 20)]),
        ([{**AT_ONCE, "tokens_out": 0}] * 3 + [GOOD], [("first token", 3)]),
        ([{**AT_ONCE, "tokens_in": 0, "tokens_out": 0}] * 4, [("empty", 4)]),  # a server that counts no tokens
        ([LATER] * 3 + [GOOD] * 7, [("empty", 3)]),
        ([{**LATER, "text": " \n"}] * 3 + [GOOD] * 7, [("empty", 3)]),
        ([AT_ONCE] * 15 + [LATER] * 15 + [GOOD] * 70, [("empty", 30)]),  # none of them alone
        ([AT_ONCE] * 30 + [LATER] * 30 + [GOOD] * 40, [("first token", 30), ("empty", 60)]),
        ([AT_ONCE] * 30 + [LATER] * 5 + [GOOD] * 65, [("first token", 30)]),
        ([CUT] * 2 + [GOOD] * 8, [("cut", 2)]),
        ([CUT] * 10, [("cut", 10)]),
        ([CUT_JSON] * 5 + [GOOD] * 5, [("cut", 5)]),  # that is why they cannot be read
        ([CUT_JSON] * 3 + [UNREADABLE] * 3 + [GOOD] * 4, [("cut", 3), ("unreadable", 6)]),
        ([SORRY] * 3 + [GOOD] * 7, [("refusal", 3)]),
        ([{**SORRY, "text": "抱歉，我无法回答这个问题。"}] * 2 + [GOOD] * 8, [("refusal", 2)]),
        ([{**SORRY, "text": "<think>so</think>I cannot provide that."}] * 5, [("refusal", 5)]),
        ([UNREADABLE] * 4 + [GOOD] * 16, [("unreadable", 4)]),
        ([REASONED] * 4 + [GOOD] * 4, [("unreadable", 4)]),
        ([GOOD] * 10, []),
        ([], []),
    ],
)
def test_faults_of_single_answers(answers: list[Answer], expected: list[tuple[AnomalyKind, int]]) -> None:
    assert kinds(cell(answers)) == expected


def said(answer: Any) -> Answer:
    return {"text": str(answer), "reading": Reading(answer)}


@pytest.mark.parametrize(
    ("answers", "targets", "expected"),
    [
        ("aaaaaabcde", "0123456789", 6),  # 60 % of ten items that all expect another
        ("aaaaabcdef", "0123456789", 0),  # half is not more than half
        ("aaa", "abc", 3),
        ("aa", "ab", 0),  # two may agree by chance: 1 / 4
        ("AAAB", "ABCD", 3),
        ("aaaaaaaaaa", "aaaaaabbcc", 0),  # right for most: no fault
        ("bbbbbbbbbb", "aaaaaabbcc", 10),  # right for two of ten
        ("ab" * 50, "ab" * 50, 0),  # two labels: one always has half
        ("a" * 55 + "b" * 45, "ab" * 50, 0),
        ("a" * 120 + "b" * 80, "ab" * 100, 0),  # more often than chance, but not by 20 % of the items
        ("a" * 90 + "b" * 10, "ab" * 50, 90),
        ("a" * 100, "ab" * 50, 100),
        ("aaaab", "aabcd", 4),  # 80 %, expected for 40 %: by chance 0.087
        ("aaabc", "aabcd", 0),  # 60 %, expected for 40 %: by chance 0.317
    ],
)
def test_the_same_answer(answers: str, targets: str, expected: int) -> None:
    repeated = kinds(cell([said(answer) for answer in answers], targets))
    assert repeated == ([("same answer", expected)] if expected else [])


@pytest.mark.parametrize(
    ("answers", "targets"),
    [
        ([" Gastritis.", "gastritis", "ＧＡＳＴＲＩＴＩＳ"], "abc"),
        (["胃炎。", "“胃炎”", "胃 炎"], "abc"),
        (
            [{"a": "1", "b": "2"}, {"b": "2", "a": "1"}, {"a": "1", "b": "2"}],
            ['{"a": "1"}', '{"a": "2"}', '{"a": "3"}'],
        ),
    ],
)
def test_writing_makes_no_difference(answers: list[Any], targets: Sequence[str]) -> None:
    assert kinds(cell([said(answer) for answer in answers], targets)) == [("same answer", 3)]


def test_the_right_fields_for_most_items_are_no_fault() -> None:
    targets = ['{"b": "2", "a": "1"}', '{"a": "1", "b": "2"}', '{"a": "9", "b": "2"}']
    assert kinds(cell([said({"a": "1", "b": "2"})] * 3, targets)) == []


@pytest.mark.parametrize(("questions", "expected"), [("abcd", 4), ("aaaa", 0), ("aaab", 0)])
def test_where_no_answer_is_known_questions_that_differ_expect_others(questions: str, expected: int) -> None:
    """A judged task without references."""
    items = [
        (replace(sample, input=question, targets=("",)), prediction)
        for question, (sample, prediction) in zip(questions, cell([said("x")] * 4), strict=True)
    ]
    assert kinds(items) == ([("same answer", expected)] if expected else [])


def letters(chosen: str, **further: Any) -> list[Answer]:
    return [{"text": letter, "reading": Reading(letter, lenient=letter), **further} for letter in chosen]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (letters("ABCD", tokens_out=1), []),  # one token is a whole answer
        (letters("ABCD", tokens_out=1, finish="length"), []),  # max_tokens: 1
        (letters("ABCD", tokens_out=4, finish="length", text="A. because"), [("cut", 4)]),
        (letters("ABCD", logprobs=(-1.0, -2.0), tokens_out=0, text=""), []),  # scored options generate nothing
        (letters("AAAA", logprobs=(-1.0, -2.0)), [("same answer", 4)]),
        (letters("AAAA"), [("same answer", 4)]),
    ],
)
def test_letters(answers: list[Answer], expected: list[tuple[AnomalyKind, int]]) -> None:
    assert kinds(cell(answers, "ABCD", options=("w", "x", "y", "z"))) == expected


def test_a_refusal_that_is_expected_is_an_answer() -> None:
    target = "抱歉，资料中没有，无法回答。"
    assert kinds(cell([{"text": "抱歉，我无法回答这个问题。"}] * 4, [target] * 4)) == []


def cause(kind: AnomalyKind, reasons: Sequence[str], marker: str | None = None) -> str:
    """What is said of replies that could not be read for these reasons."""
    settings = CellSettings(generation=Generation(marker=marker), answer="text", is_plain=False, is_trained=False)
    answers = [{"text": "x", "reading": Reading(reason=reason)} for reason in reasons]
    explained = explain(kind, settings, [prediction for _, prediction in cell(answers)])
    return " ".join(sentence.text for sentence in explained)


@pytest.mark.parametrize(
    ("kind", "reasons", "marker", "expected"),
    [
        ("cut", ["the marker “Answer: ” is missing"] * 2, "Answer: ", "raise reasoning_tokens"),
        ("cut", [UNCLOSED, ONLY_REASONING, "the marker “答案：” is missing"], "答案：", "raise reasoning_tokens"),
        ("cut", ["", "", "the marker “答案：” is missing"], "答案：", "longer than max_tokens"),
        ("cut", [""] * 2, None, "longer than max_tokens"),
        ("unreadable", ["the marker “Final:” is missing"] * 2, "Final:", "does not write the marker"),
        ("unreadable", ["the marker “Final:” is missing", "the reply is empty", ""], "Final:", "keep to the form"),
        ("unreadable", [UNCLOSED] * 2, None, "end in their reasoning"),
        ("unreadable", [UNCLOSED, ONLY_REASONING, "x"], "Final:", "end in their reasoning"),
        ("unreadable", ["there is no JSON object in the reply"] * 2, None, "keep to the form"),
    ],
)
def test_causes_by_what_the_replies_lack(
    kind: AnomalyKind, reasons: list[str], marker: str | None, expected: str
) -> None:
    """What came before an answer has a limit and a form of its own."""
    assert expected in cause(kind, reasons, marker)


@pytest.mark.parametrize(
    ("answer", "strict", "is_advised"), [("json", None, True), ("json", True, False), ("choice", None, False)]
)
def test_what_writes_no_json_is_advised_to_be_held_to_it(answer: str, strict: bool | None, is_advised: bool) -> None:
    settings = CellSettings(
        generation=Generation(strict=strict), answer=answer, is_plain=False, is_trained=False
    )  # fmt: skip
    answers = [{"text": "x", "reading": Reading(reason="there is no JSON object in the reply")}] * 2
    _, remedy = explain("unreadable", settings, [prediction for _, prediction in cell(answers)])
    assert ("constrained: true" in remedy.text) is is_advised


SUITE = """\
name: t
models:
  silent: {scripted: {}}
  broken: {scripted: {rules: [{match: ".", fail: the line broke}]}}
  long: {scripted: {default: "on and on and on"}}
  parrot: {scripted: {default: same}}
  good: {scripted: {rules: [{match: "word (\\\\w+)", reply: "\\\\1"}]}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv}}
    prompt: "{{ input }}"
    generation: {max_tokens: 8, stop: ["\\n"]}
    metrics: {accuracy: exact_match}
variants:
  good: {prompting: {model: good}}
  silent: {prompting: {model: silent}}
  broken: {prompting: {model: broken}}
  long: {prompting: {model: long}}
  longer: {prompting: {model: long, max_tokens: 9}}
  parrot: {prompting: {model: parrot}}
  vote: {prompting: {model: parrot, samples: 2, temperature: 1}}
  steps: {cascade: {of: [vote, silent], confidence: agreement, thresholds: [0.5]}}
  commonest: {floor: {by: majority}}
"""
BLIND = '{rag: {model: parrot, knowledge: terms, closed_book: true, prompt: "Name it."}}'
ROWS = "input\ttarget\n" + "".join(f"word {name}\t{name}\n" for name in ("ant", "bee", "cat", "dog"))
Run = Callable[..., RunFolder]


def test_a_run_says_cause_and_remedy_of_each_cell(write_suite: Callable[..., Path], run_suite: Run) -> None:
    path = write_suite(SUITE, test__tsv=ROWS, train__tsv=ROWS.replace("word", "verb"))
    found = {anomaly.variant: anomaly for anomaly in run_suite(path).summary().anomalies}
    kinds_by_variant = {variant: (anomaly.kind, anomaly.count, anomaly.answers) for variant, anomaly in found.items()}
    assert (
        kinds_by_variant
        == {  # not good, which answers, broken, which has no answer, or commonest, which asks no model
            "silent": ("first token", 4, 4),
            "long": ("cut", 4, 4),
            "longer": ("cut", 4, 4),
            "parrot": ("same answer", 4, 4),
            "vote": ("same answer", 4, 4),
            "steps": ("same answer", 4, 4),
        }
    )
    for own in found.values():
        assert [spoken_statement(statement) for statement in own.statements] == [own.cause, own.remedy]
    assert 'a stop string (["\\n"])' in found["silent"].cause
    assert "max_tokens: 8," in found["long"].cause
    assert "max_tokens: 9," in found["longer"].cause  # the variant's own
    assert found["parrot"].excerpt == "same"
    assert found["parrot"].cause.startswith("the model does not use the question")
    assert found["long"].examples == ("test:1", "test:2", "test:3")


def test_one_prompt_for_all_items_is_named(write_suite: Callable[..., Path], run_suite: Run) -> None:
    suite = SUITE.replace("variants:", "knowledge: {terms: {texts: {path: terms.txt}}}\nvariants:")
    suite = suite.replace("{prompting: {model: parrot}}", BLIND)
    path = write_suite(suite, test__tsv=ROWS, train__tsv=ROWS.replace("word", "verb"), terms__txt="ant\n")
    found = {anomaly.variant: anomaly for anomaly in run_suite(path).summary().anomalies}
    assert found["parrot"].cause.startswith("the items are asked by one and the same prompt")
    assert "{{ question }}" in found["parrot"].remedy


THOUGHT = {**LATER, "finish": "length", "reasoning": "First, the pain is in the knee"}
BLOCK: Answer = {**THOUGHT, "text": "<think>\nFirst, the pain", "reading": Reading(reason=UNCLOSED)}
LOCAL: Answer = {**BLOCK, "reasoning": ""}


@pytest.mark.parametrize(
    ("answers", "expected", "remedy"),
    [
        ([THOUGHT] * 10, [("empty", 10)], "raise reasoning_tokens"),
        ([BLOCK] * 10, [("empty", 10)], "raise reasoning_tokens"),
        ([{**THOUGHT, "tokens_out": 1}] * 4, [("empty", 4)], "raise reasoning_tokens"),  # it did not end at once
        ([THOUGHT] * 2 + [LATER] * 8, [("empty", 10)], "switch reasoning off or give it more tokens"),
        ([LOCAL] * 10, [("cut", 10)], "raise reasoning_tokens"),  # in the reply itself
        ([{**GOOD, "reasoning": "so it is x"}] * 10, [], ""),
    ],
)
def test_replies_that_were_cut_in_their_reasoning(
    answers: list[Answer], expected: list[tuple[AnomalyKind, int]], remedy: str
) -> None:
    items = cell(answers)
    assert kinds(items) == expected
    for sign in signs(items):
        assert remedy in explain(sign.kind, SETTINGS, [prediction for _, prediction in sign.items])[1].text


PICKED: Answer = {"text": "A", "reading": Reading("A"), "logprobs": (-0.1, -2.4)}


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.1] * 10, []),
        ([0.5] * 10, []),  # not above one half
        ([0.51] * 10, [("no option", 10)]),
        ([0.9] * 2 + [0.1] * 8, [("no option", 2)]),  # a fifth
        ([0.9] * 1 + [0.1] * 9, []),
        ([None] * 10, []),
    ],
)
def test_first_tokens_that_are_no_option(shares: list[float | None], expected: list[tuple[AnomalyKind, int]]) -> None:
    targets = ["AB"[place % 2] for place in range(len(shares))]
    answers = [
        {**PICKED, "elsewhere": share, "reading": Reading(target)}
        for share, target in zip(shares, targets, strict=True)
    ]
    items = cell(answers, targets, options=("one", "two"))
    assert kinds(items) == expected


OPEN: Answer = {"text": "", "finish": "error", "error": f"{OPEN_OPTION} by the 20 likeliest", "reading": Reading(None)}
LOST: Answer = {"text": "", "finish": "error", "error": "HTTP 500", "reading": Reading(None)}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([OPEN] * 2 + [GOOD] * 8, [("open option", 2)]),  # a fifth
        ([OPEN] * 1 + [GOOD] * 9, []),
        ([OPEN] * 10, [("open option", 10)]),
        ([OPEN] * 5 + [{**PICKED, "elsewhere": 0.9}] * 5, [("open option", 5), ("no option", 5)]),
        ([{**OPEN, "error": f"rotation 2: {OPEN_OPTION}"}] * 3 + [GOOD] * 7, [("open option", 3)]),
        ([LOST] * 5 + [GOOD] * 5, []),
    ],
)
def test_options_that_stay_open(answers: list[Answer], expected: list[tuple[AnomalyKind, int]]) -> None:
    assert [kind for kind in kinds(cell(answers)) if kind[0] != "same answer"] == expected
    remedy = explain("open option", SETTINGS, [])[1].text
    assert "larger model" in remedy
    assert "by: generation" in remedy
    assert "loglikelihood" in remedy


def test_the_mean_probability_of_no_option_is_named() -> None:
    predictions = [item[1] for item in cell([{**PICKED, "elsewhere": share} for share in (0.6, 0.7)])]
    assert "probability 65.0 % on average" in explain("no option", SETTINGS, predictions)[0].text


def test_a_cut_prompt_is_said_even_of_one_item() -> None:
    long: Answer = {"messages": (Message("user", "word " * 1000),), "serving": Serving(), "text": "x"}  # 5,000 / 12
    items = cell([{**long, "tokens_in": 400}, *[{**long, "tokens_in": 1100}] * 9])
    assert kinds(items) == [("cut prompts", 1)]
    cause, remedy = (sentence.text for sentence in explain("cut prompts", SETTINGS, [items[0][1]]))
    assert "counted 400 tokens for texts of 5,000 characters" in cause
    assert "longer context" in remedy
