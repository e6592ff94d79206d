"""Of which approach a variant is, by what it is made of and by what the suite says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite.parser import load_suite
from harness.summary.comparison_plan import comparison_plan

SUITE = """\
name: colours
models:
  base: {huggingface: {path: some/model}}
  small: {quantised: {base: base}}
  lora: {tuned: {base: base, method: lora, on: [colour]}}
  sizes: {tuned: {base: base, method: lora, on: [colour], sizes: [5, all], seeds: 2}}
  small-lora: {quantised: {base: lora}}
  outside: {adapter: {base: base, path: adapter}}
  embedder: {sentence_transformers: {path: some/embedder}}
  mine: {own_parts.Tuned: {}}
knowledge:
  notes: {files: {path: notes.md}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
variants:
  prompt: {prompting: {model: base, shots: 5}}
  prompt-small: {prompting: {model: small}}
  rag: {rag: {model: base, knowledge: notes, retriever: {dense: {model: embedder}}}}
  closed: {rag: {model: base, knowledge: notes, closed_book: true}}
  oracle: {rag: {model: lora, knowledge: notes, oracle: true}}
  tuned: {prompting: {model: lora}}
  tuned-closed: {rag: {model: lora, knowledge: notes, closed_book: true}}
  tuned-small: {prompting: {model: small-lora}}
  adapted: {prompting: {model: outside}}
  several: {prompting: {model: sizes}}
  tuned-rag: {rag: {model: lora, knowledge: notes}}
  majority: {floor: {by: majority}}
  passage: {floor: {by: top_passage, knowledge: notes}}
  cheap-first: {cascade: {of: [prompt, tuned-rag], thresholds: [-1.0]}}
  ceiling: {cascade: {of: [prompt, oracle], thresholds: [-1.0]}}
  foreign: {own_parts.Lookup: {model: base, knowledge: notes}}
  foreign-tuned: {prompting: {model: mine}}
"""
PARTS = """
from typing import ClassVar

from harness.components.fields import KnowledgeName, ModelName
from harness.components.model import Model
from harness.components.variant import Variant


class Tuned(Model):
    is_tuned: ClassVar[bool] = True

    def identity(self):
        return {}

    def generate(self, prompts, generation, repeats):
        return []


class Lookup(Variant):
    model: ModelName
    knowledge: KnowledgeName

    def answer(self, task, samples, calls, resources):
        return []
"""
EXPECTED = {
    "prompt": "prompting",
    "prompt-small": "prompting",  # fewer bits are no training
    "rag": "RAG",
    "closed": "prompting",  # looks nothing up
    "oracle": "upper bound",
    "tuned": "fine-tuning",
    "tuned-closed": "fine-tuning",
    "tuned-small": "fine-tuning",  # its base was trained
    "adapted": "fine-tuning",
    "several-5": "fine-tuning",
    "several-all": "fine-tuning",
    "tuned-rag": "fine-tuning + RAG",
    "majority": "floor",
    "passage": "floor",
    "cheap-first": "cascade",
    "ceiling": "upper bound",
    "foreign": "RAG",  # names knowledge, and says nothing else
    "foreign-tuned": "fine-tuning",
}
Write = Callable[..., Path]


@pytest.fixture
def approaches(write_suite: Write) -> Callable[[str], dict[str, str]]:
    """The approaches of the suite's variants with overrides."""

    def find(overrides: str) -> dict[str, str]:
        text = f"{SUITE}compare: {{approaches: {overrides}}}\n"
        suite = load_suite(write_suite(text, own_parts__py=PARTS))
        return dict(comparison_plan(suite, {}, {}, {}).approaches)

    return find


def test_each_variant_is_of_one_approach(approaches: Callable[[str], dict[str, str]]) -> None:
    assert approaches("{}") == EXPECTED


# (what the suite says, what changes)
OVERRIDES = [
    ("{prompt: fine-tuning}", {"prompt": "fine-tuning"}),  # a model that was trained elsewhere
    ("{cheap-first: RAG, rag: cascade}", {"cheap-first": "RAG", "rag": "cascade"}),
    ("{several-5: prompting}", {"several-5": "prompting"}),
    ("{several: prompting}", {"several-5": "prompting", "several-all": "prompting"}),
    ("{several: prompting, several-all: RAG}", {"several-5": "prompting", "several-all": "RAG"}),
    ("{majority: floor, oracle: upper bound}", {}),
]


@pytest.mark.parametrize(("overrides", "changes"), OVERRIDES, ids=[row[0] for row in OVERRIDES])
def test_the_suite_may_say_otherwise(
    approaches: Callable[[str], dict[str, str]], overrides: str, changes: dict[str, str]
) -> None:
    assert approaches(overrides) == {**EXPECTED, **changes}


FIXED = "by what it is made of, never"
REFUSED = [
    ("{promt: RAG}", ["promt: is not among variants (did you mean prompt?)"]),
    ("{several-5~1: RAG}", ["several-5~1: is not among variants (did you mean several-5?)"]),
    ("{prompt: rag}", ["prompt: must be 'prompting', 'RAG', 'fine-tuning', 'fine-tuning + RAG', 'cascade', 'made elsewhere', 'floor' or 'upper bound', not rag"]),
    ("{majority: prompting}", [f"majority: 'majority' is of the approach 'floor' {FIXED} 'prompting'; leave it out"]),
    ("{oracle: fine-tuning + RAG}", [f"oracle: 'oracle' is of the approach 'upper bound' {FIXED} 'fine-tuning + RAG'; leave it out"]),
    ("{oracle: floor}", [f"oracle: 'oracle' is of the approach 'upper bound' {FIXED} 'floor'; leave it out"]),
    ("{prompt: floor, rag: upper bound}", [
        f"prompt: 'prompt' is of the approach 'prompting' {FIXED} 'floor'; leave it out",
        f"rag: 'rag' is of the approach 'RAG' {FIXED} 'upper bound'; leave it out",
    ]),
    ("{several: floor}", [f"several: 'several' is of the approach 'fine-tuning' {FIXED} 'floor'; leave it out"]),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "lines"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_nobody_can_say(approaches: Callable[[str], dict[str, str]], overrides: str, lines: list[str]) -> None:
    with pytest.raises(SuiteError) as caught:
        approaches(overrides)
    line = len(SUITE.splitlines()) + 1
    assert list(caught.value.mistakes) == [f"suite.yaml:{line}: compare.approaches.{rest}" for rest in lines]
