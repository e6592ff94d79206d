"""Whether a trained model is asked as it was trained, over all that variants add to a prompt."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checks.prompt_mismatch import prompt_mismatches
from harness.components.prompt_shape import PromptShape, shape_differences
from harness.records.searches import SearchRecord
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from reports.facts.spoken_sentences import spoken_statement

SUITE = """\
name: t
models:
  base: {huggingface: {path: ./base}}
  lora: {tuned: {base: base, method: lora, on: [norm], SETTINGS}}
  second: {tuned: {base: FIRST, method: lora, on: [letter]}}
  small: {quantised: {base: FIRST, bits: 8}}
  reader: {tuned: {base: base, method: lora, texts: [terms]}}
knowledge: {terms: {texts: {path: terms.txt}}}
tasks:
  norm: {data: {tsv: {path: test.tsv, train: train.tsv}}, prompt: "Norm {{ input }}", system: Be short., metrics: {a: exact_match}}
  letter: {data: {tsv: {path: test.tsv, train: train.tsv}}, prompt: "Letter {{ input }}", system: Be short., metrics: {a: exact_match}}
  twin: {data: {tsv: {path: test.tsv, train: train.tsv}}, prompt: "Norm {{ input }}", system: Be short., metrics: {a: exact_match}}
GENERAL
variants:
  asked: VARIANT
"""
ROWS = "input\ttarget\nant\tA\nbee\tB\ncat\tC\n"
Write = Callable[..., Path]


def differences(write_suite: Write, variant: str, settings: str = "epochs: 1", general: str = "") -> dict[str, str]:
    """By task, what is said of the variant."""
    text = SUITE.replace("VARIANT", variant).replace("SETTINGS", settings).replace("GENERAL", general)
    text = text.replace("FIRST", "lora~1" if "seeds" in settings else "lora")
    train = ROWS.replace("ant", "dog").replace("bee", "eel").replace("cat", "fox")
    suite = load_suite(write_suite(text, test__tsv=ROWS, train__tsv=train, terms__txt="A\nB\n"))
    mismatches = prompt_mismatches(suite, prepare(suite))
    for mismatch in mismatches:
        texts = [spoken_statement(statement) for statement in mismatch.statements]
        assert texts == [mismatch.difference, mismatch.remedy]
    return {mismatch.task: f"{mismatch.model} {mismatch.difference}" for mismatch in mismatches}


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("{prompting: {model: lora}}", None),
        ("{prompting: {model: lora, samples: 3, temperature: 1, max_tokens: 9}}", None),
        ("{prompting: {model: lora, system: Be short.}}", None),
        ("{prompting: {model: base, shots: 2}}", None),
        ("{prompting: {model: reader, shots: 2}}", None),  # it has learnt no prompt
        ("{rag: {model: lora, knowledge: terms, closed_book: true}}", None),
        ("{floor: {by: majority}}", None),
        (
            "{prompting: {model: lora, shots: 2}}",
            "lora was trained on prompts without worked examples, and is asked with worked examples",
        ),
        (
            "{prompting: {model: small, shots: 1}}",
            "small was trained on prompts without worked examples, and is asked with worked examples",
        ),
        (
            "{rag: {model: lora, knowledge: terms}}",
            "lora was trained on prompts without passages, and is asked with passages",
        ),
        (
            "{rag: {model: lora, knowledge: terms, oracle: true, shots: 1}}",
            "lora was trained on prompts without passages and without worked examples, "
            "and is asked with passages and with worked examples",
        ),
        (
            '{rag: {model: lora, knowledge: terms, closed_book: true, prompt: "Please: {{ question }}"}}',
            "lora was trained on prompts without a template around the question, "
            "and is asked with a template around the question",
        ),
        (
            "{prompting: {model: lora, system: Be long.}}",
            "lora was trained on prompts with a system turn, and is asked with another system turn",
        ),
        (
            "{prompting: {model: lora, system: ''}}",
            "lora was trained on prompts with a system turn, and is asked without a system turn",
        ),
        (
            "{prompting: {model: lora, chain_of_thought: true}}",
            "lora was trained on prompts without the instruction to reason first, "
            "and is asked with the instruction to reason first",
        ),
    ],
)
def test_what_a_variant_adds_is_named(write_suite: Write, variant: str, expected: str | None) -> None:
    assert differences(write_suite, variant).get("norm") == expected


def test_a_task_that_was_not_learnt_is_asked_by_another_template(write_suite: Write) -> None:
    found = differences(write_suite, "{prompting: {model: lora}}")
    assert found == {
        "letter": "lora was trained on the prompts of norm, and is asked through those of letter"
    }  # not twin
    assert differences(write_suite, "{prompting: {model: second}}") == {}  # trained on norm, then on letter
    found = differences(write_suite, "{prompting: {model: lora, shots: 1}}")["letter"]
    assert found == (
        "lora was trained on the prompts of norm without worked examples, "
        "and is asked through those of letter with worked examples"
    )


def test_general_tasks_are_meant_to_be_others(write_suite: Write) -> None:
    assert differences(write_suite, "{prompting: {model: lora}}", general="general: [letter]") == {}


def test_seeds_are_told_once(write_suite: Write) -> None:
    found = differences(write_suite, "{prompting: {model: lora, shots: 1}}", settings="seeds: 3")
    assert list(found) == ["norm", "letter", "twin"]
    assert found["norm"].startswith("lora was trained")


@pytest.mark.parametrize(
    ("trained", "asked", "expected"),
    [
        (PromptShape(template="a"), PromptShape(template="a"), []),
        (PromptShape(template="a", passages=True), PromptShape(template="a", passages=True), []),
        (
            PromptShape(template="a", passages=True, examples=True),
            PromptShape(template="a"),
            [("with passages", "without passages"), ("with worked examples", "without worked examples")],
        ),
        (
            PromptShape(template="a", frame="x", passages=True),
            PromptShape(template="a", frame="y", passages=True),
            [("with a template around the question", "with another template around the question")],
        ),
        (
            PromptShape(template="a"),
            PromptShape(template="b"),
            [("with the template of the task", "with another template")],
        ),
    ],
)
def test_kinds_of_prompt_are_compared(
    trained: PromptShape, asked: PromptShape, expected: list[tuple[str, str]]
) -> None:
    assert [(before.text, now.text) for before, now in shape_differences(trained, asked)] == expected


SEARCHED = """\
name: t
models:
  base: {huggingface: {path: ./base}}
  lora: {tuned: {base: base, method: lora, on: [{task: norm, as: best}], epochs: 1}}
  twice: {tuned: {base: lora, method: lora, on: [letter], epochs: 1}}
tasks:
  norm: {data: {tsv: {path: test.tsv, train: train.tsv}}, prompt: "Norm {{ input }}", metrics: {a: exact_match}}
  letter: {data: {tsv: {path: test.tsv, train: train.tsv}}, prompt: "Norm {{ input }}", metrics: {a: exact_match}}
variants:
  best: {searched: {of: {prompting: {model: base}}, over: {shots: [0, 2]}, budget: 50}}
  bare: {prompting: {model: lora}}
  shown: {prompting: {model: lora, shots: 2}}
  later: {prompting: {model: twice, shots: 2}}
"""


@pytest.mark.parametrize(("choice", "warned"), [(None, set()), (0, {"shown", "later"}), (1, {"bare"})])
def test_a_model_goes_by_what_a_search_has_chosen(write_suite: Write, choice: int | None, warned: set[str]) -> None:
    train = "input\ttarget\n" + "".join(f"animal {number}\tD\n" for number in range(25))
    suite = load_suite(write_suite(SEARCHED, test__tsv=ROWS, train__tsv=train))
    tasks = prepare(suite)
    if choice is not None:
        settings = ({"shots": "0"}, {"shots": "2"})
        record = SearchRecord(
            variant="best", task="norm", metric="a", better="higher", source="train", available=3, row_ids=(),
            budget=50, calls=6, settings=settings, rounds=(), choice=choice, runner_up=1 - choice, difference=0.0,
        )  # fmt: skip
        suite = suite.settled({("best", "norm"): record})
    assert {own.variant for own in prompt_mismatches(suite, tasks) if own.task == "norm"} == warned
