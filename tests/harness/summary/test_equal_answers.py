"""Two variants with equal answers to all items: when that is said, in which words, and when it is no wonder."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.records.anomalies import Anomaly
from harness.records.outputs import Prediction, Reading
from harness.runtime.run_folder import RunFolder
from harness.summary.equal_answers import differences
from reports.facts.spoken_sentences import spoken_statement
from tests.shared.summaries import without_effect

SUITE = """\
name: trees
models:
  deaf: {{scripted: {{rules: [{{match: "item (\\\\w+)", reply: "word \\\\1"}}]}}}}
  twin: {{scripted: {{rules: [{{match: "item (\\\\w+)", reply: "word \\\\1"}}], default: none}}}}
  right: {{scripted: {{rules: [{{match: "item (\\\\w+)", reply: "\\\\1"}}]}}}}
  also: {{scripted: {{rules: [{{match: "item (\\\\w+)", reply: "\\\\1"}}], default: none}}}}
tasks:
  t:
    data: {{tsv: {{path: test.tsv, input: input, target: target, train: train.tsv}}}}
    prompt: "item {{{{ input }}}}"
    metrics: {{accuracy: exact_match}}
variants:
{variants}
"""
Run = Callable[..., RunFolder]
PLAIN = "{prompting: {model: deaf}}"
TERSE = '{prompting: {model: deaf, system: "Answer in one word."}}'


def rows(count: int, letter: str) -> str:
    return "input\ttarget\n" + "".join(f"{letter}{place}\t{letter}{place}\n" for place in range(count))


@pytest.fixture
def said(write_suite: Callable[..., Path], run_suite: Run) -> Callable[..., list[Anomaly]]:
    def run(variants: dict[str, str], items: int = 5) -> list[Anomaly]:
        entries = "\n".join(f"  {name}: {entry}" for name, entry in variants.items())
        folder = run_suite(
            write_suite(SUITE.format(variants=entries), test__tsv=rows(items, "n"), train__tsv=rows(9, "t"))
        )
        return [anomaly for anomaly in folder.summary().anomalies if anomaly.kind == "no effect"]

    return run


@pytest.mark.parametrize(
    ("variants", "items", "expected"),
    [
        ({"plain": PLAIN, "terse": TERSE}, 5, ["plain", "terse"]),
        ({"plain": PLAIN, "terse": TERSE}, 4, []),  # too few to say anything
        ({"plain": PLAIN, "terse": TERSE, "more": "{prompting: {model: deaf, shots: 2}}"}, 6,
         ["plain", "terse", "plain", "more"]),
        ({"plain": PLAIN, "other": "{prompting: {model: twin}}"}, 5, ["plain", "other"]),  # two names of one model
        ({"plain": PLAIN, "right": "{prompting: {model: right}}"}, 5, []),
        ({"right": "{prompting: {model: right}}", "also": "{prompting: {model: also}}"}, 5, []),  # all of it is right
        ({"right": "{prompting: {model: right}}", "terse": '{prompting: {model: right, system: "Be brief."}}'}, 5,
         ["right", "terse"]),
        ({"right": "{prompting: {model: right}}", "also": "{prompting: {model: also}}",
          "brief": '{prompting: {model: also, system: "Be brief."}}'}, 5, ["also", "brief"]),
        ({"votes": "{prompting: {model: deaf, samples: 3, temperature: 0.7}}", "other": "{prompting: {model: right}}",
          "cascade": "{cascade: {of: [votes, other], confidence: agreement, thresholds: [0.5]}}"}, 5, []),
        ({"one": "{floor: {by: majority}}", "two": "{floor: {by: nearest}}"}, 5, []),
    ],
)  # fmt: skip
def test_which_pairs_are_named(
    said: Callable[..., list[Anomaly]], variants: dict[str, str], items: int, expected: list[str]
) -> None:
    assert [anomaly.variant for anomaly in said(variants, items)] == expected


def test_the_difference_is_named_in_words(said: Callable[..., list[Anomaly]]) -> None:
    first, second = said({"plain": PLAIN, "terse": TERSE}, 6)
    assert first.cause == second.cause
    assert first.cause.startswith(
        "plain and terse differ in system (none and “Answer in one word.”), and gave equal answers to all 6 items: "
    )
    assert (first.count, first.answers) == (6, 6)
    model, _ = said({"plain": PLAIN, "other": "{prompting: {model: twin}}"})
    assert "differ in model (“deaf” and “twin”)" in model.cause
    assert "one and the same" in model.cause
    shots, _ = said({"plain": PLAIN, "few": "{prompting: {model: deaf, shots: 3, pick: random}}"})
    assert "differ in shots (0 and 3), pick (“fixed” and “random”)" in shots.cause


CHOICE = """\
name: orders
models:
  knows: {scripted: {rules: [{match: '([A-C])\\. 对', reply: '\\1'}]}}
  likes-b: {scripted: {default: B}}
tasks:
  exam:
    data: {jsonl: {path: rows.jsonl, input: q, target: a, options: o}}
    answer: {choice: {by: WAY}}
    metrics: {accuracy: choice}
variants:
  once: {prompting: {model: MODEL}}
  orders: {prompting: {model: MODEL, circular: true}}
  terse: {prompting: {model: MODEL, system: Be brief., circular: ALSO}}
"""
EXAM = "".join(
    json.dumps(
        {
            "q": f"{place}?",
            "a": "ABC"[place % 3],
            "o": ["对" if at == place % 3 else "错" * (at + 1) for at in range(3)],
        }
    )
    + "\n"
    for place in range(6)
)


@pytest.mark.parametrize("way", ["generation", "first_token", "loglikelihood"])
@pytest.mark.parametrize(
    ("model", "also", "expected"),
    [
        ("knows", "false", ["once", "terse"]),  # right in every order, and by itself
        ("knows", "true", ["orders", "terse"]),
        ("likes-b", "false", ["once", "terse"]),  # read otherwise in every order
        ("likes-b", "true", ["orders", "terse"]),
    ],
)
def test_asking_in_every_order_is_no_setting_without_effect(
    write_suite: Callable[..., Path], run_suite: Run, way: str, model: str, also: str, expected: list[str]
) -> None:
    text = CHOICE.replace("WAY", way).replace("MODEL", model).replace("ALSO", also)
    anomalies = run_suite(write_suite(text, rows__jsonl=EXAM)).summary().anomalies
    assert [anomaly.variant for anomaly in anomalies if anomaly.kind == "no effect"] == expected


@pytest.mark.parametrize(
    ("pools", "expected"), [({}, ["a", "b"]), ({"ab": ("a", "b", "c")}, []), ({"ac": ("a", "c")}, ["a", "b"])]
)
def test_seeds_of_one_model_may_answer_alike(pools: dict[str, tuple[str, ...]], expected: list[str]) -> None:
    variant = SimpleNamespace(single=True, floor=False, model_dump=lambda mode: {})
    suite: Any = SimpleNamespace(
        answering=lambda: {"a": variant, "b": variant},
        usage=SimpleNamespace(answering_model={"a": "m~1", "b": "m~2"}),
        expansion=SimpleNamespace(pools=pools),
    )
    items = [SimpleNamespace(id=f"s{place}", targets=("else",)) for place in range(5)]
    tasks: Any = {"t": SimpleNamespace(origin="", data=SimpleNamespace(test=items))}
    own = [prediction(variant, place) for variant in ("a", "b") for place in range(5)]
    assert [anomaly.variant for anomaly in without_effect(suite, tasks, own)] == expected


def prediction(variant: str, place: int, **changes: Any) -> Prediction:
    settings: dict[str, Any] = {"text": f"word {place}", "reading": Reading(f"word {place}"), "messages": (), **changes}
    return Prediction(sample_id=f"s{place}", task="t", variant=variant, **settings)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"messages": ("a",), "tokens_in": 8}, {"messages": ("b",), "tokens_in": 8}, "by their counts of tokens"),
        ({"messages": ("a",), "rendered": "q"}, {"messages": ("b",), "rendered": "q"}, "as the model read them"),
        ({"messages": ("a",), "tokens_in": 8}, {"messages": ("b",), "tokens_in": 9}, "the prompts differ"),
        ({"messages": ("a",)}, {"messages": ("a",)}, "the prompts that were sent are the same"),
        ({"logprobs": (-0.1, -2.0)}, {"logprobs": (-0.101, -2.001)}, "the same"),  # batches differ so much
        ({"logprobs": (-0.1, -2.0)}, {"logprobs": (-0.2, -2.0)}, None),
        ({}, {"text": "else"}, None),
        ({}, {"error": "gone"}, None),
        ({}, {"reading": Reading(None, "the answer is not the same in every order of the options")}, None),
        ({}, {"reading": Reading(None, "the marker “Answer:” is not there", "word")}, None),
        ({"text": " "}, {"text": " "}, None),  # empty answers have an alarm of their own
    ],
)
def test_where_the_difference_was_lost(first: dict[str, Any], second: dict[str, Any], words: str | None) -> None:
    variant = SimpleNamespace(single=True, floor=False, model_dump=lambda mode: {})
    suite: Any = SimpleNamespace(
        answering=lambda: {"a": variant, "b": variant},
        usage=SimpleNamespace(answering_model={"a": "m", "b": "m"}),
        expansion=SimpleNamespace(pools={}),
    )
    tasks: Any = {"t": SimpleNamespace(origin="", data=SimpleNamespace(test=()))}
    own = [prediction("a", place, **first) for place in range(5)] + [
        prediction("b", place, **second) for place in range(5)
    ]
    said = list(without_effect(suite, tasks, own))
    assert [anomaly.variant for anomaly in said] == ([] if words is None else ["a", "b"])
    assert all((words or "") in anomaly.cause for anomaly in said)
    assert all(
        [spoken_statement(statement) for statement in anomaly.statements] == [anomaly.cause, anomaly.remedy]
        for anomaly in said
    )
    if words is not None:
        assert not list(without_effect(suite, tasks, [replace(own[0], error="gone"), *own[1:]]))


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        ([(), ()], [("a", 8, 8), ("b", 8, 8)]),
        ([(0, 1), ()], [("a", 6, 6), ("b", 6, 8)]),
        ([(0,), (7, 3)], [("a", 5, 7), ("b", 5, 6)]),
        ([(0, 1), (2, 3)], []),  # four that both answered say nothing
        ([range(8), ()], []),
    ],
)
def test_items_that_a_machine_failed_to_answer_are_left_out(
    failed: list[tuple[int, ...]], said: list[tuple[str, int, int]]
) -> None:
    variant = SimpleNamespace(single=True, floor=False, model_dump=lambda mode: {})
    suite: Any = SimpleNamespace(
        answering=lambda: {"a": variant, "b": variant},
        usage=SimpleNamespace(answering_model={"a": "m", "b": "m"}),
        expansion=SimpleNamespace(pools={}),
    )
    tasks: Any = {"t": SimpleNamespace(origin="", data=SimpleNamespace(test=()))}
    own = [
        replace(prediction(name, place), error="gone" if place in lost else None)
        for name, lost in zip("ab", failed, strict=True)
        for place in range(8)
    ]
    anomalies = list(without_effect(suite, tasks, own))
    assert [(anomaly.variant, anomaly.count, anomaly.answers) for anomaly in anomalies] == said
    partly = " that both answered" if any(failed) else ""
    assert all(f"equal answers to all {a.count} items{partly}: " in a.cause for a in anomalies)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"shots": 0}, {"shots": 5}, "differ in shots (0 and 5)"),
        ({"system": None}, {"system": "Be\nbrief."}, "differ in system (none and “Be brief.”)"),
        ({"constrained": False}, {"constrained": True}, "differ in constrained (false and true)"),
        ({"retriever": {"tfidf": {"k": 1}}}, {"retriever": {"lexical": {"b": 2}}}, "differ in retriever (tfidf and lexical)"),
        ({"retriever": {"lexical": {"b": 1, "k1": 2}}}, {"retriever": {"lexical": {"b": 1, "k1": 3}}},
         "differ in retriever.k1 (2 and 3)"),
        ({"k": 3}, {"k": 3}, "have the same settings"),
    ],
)  # fmt: skip
def test_differences_in_words(first: dict[str, Any], second: dict[str, Any], words: str) -> None:
    variants: Any = [SimpleNamespace(model_dump=lambda mode, own=own: own) for own in (first, second)]
    stated = differences(*variants)
    assert stated.text == spoken_statement(stated.statement) == words
