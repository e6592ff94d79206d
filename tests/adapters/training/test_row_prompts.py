"""Rows that are learnt as a variant would ask for them: the same prompts, nothing of the row itself, mistakes early."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from adapters.models.tuned import Tuned
from adapters.training.encoding import IGNORED, Example, encode_examples
from baselines.retrievers.lexical import Lexical
from harness.checks.prompt_mismatch import prompt_mismatches
from harness.components.calls import Calls, NotPlannableError
from harness.components.display import Display
from harness.components.retriever import Index
from harness.errors import HarnessError, SuiteError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Passage
from harness.runtime.cache import Cache
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import plan
from harness.stages.prepare import prepare, resources_of
from harness.suite.parser import load_suite
from harness.suite.suite import Suite

Make = Callable[..., Path]
SUITE = """\
name: fruit
models:
  base: {huggingface: {path: "FOLDER", dtype: float32, device: cpu, format: plain, delimiter: ""}}
  lora: {tuned: {base: base, method: lora, on: [ROWS], epochs: 1, batch_size: 4, TUNING}}
knowledge:
  terms: {texts: {path: terms.txt}}
  faq: {jsonl: {path: faq.jsonl, text: text, title: title}}
  learnt: {texts: {path: terms.txt, examples: norm}}
  blind: {texts: {path: terms.txt, gold: {by: field, field: entry}}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv}}
    prompt: "Name {{ input }}: "
    generation: {max_tokens: 3}
    metrics: {accuracy: exact_match}
variants:
  rag: {rag: {model: base, knowledge: terms, k: 2, SETTINGS}}
  shots: {prompting: {model: base, shots: 2, pick: nearest, system: Be short.}}
  asked: {rag: {model: lora, knowledge: terms, k: 2, SETTINGS}}
  MORE
"""
TRAIN = "input\ttarget\nred apple fruit\tapple\ngreen pear fruit\tpear\nold plum tree\tplum\nbig fig tree\tfig\n"
TEST = "input\ttarget\nsmall apple\tapple\nsweet pear\tpear\n"
TERMS = "apple\npear\nplum\nfig\nfruit bowl\ntree house\n"
FAQ = "".join(
    f'{{"title": "{question}", "text": "{answer}"}}\n'
    for question, answer in (
        ("red apple fruit", "It is an apple."),
        ("fruit", "apple or pear"),
        ("tree", "plum or fig"),
    )
)


@pytest.fixture
def written(write_suite: Make, make_folder: Callable[..., Path]) -> Callable[..., Suite]:
    def write(rows: str, more: str = "", settings: str = "shots: 0", tuning: str = "seeds: 1", **files: str) -> Suite:
        text = (
            SUITE.replace("FOLDER", str(make_folder()))
            .replace("ROWS", rows)
            .replace("MORE", more)
            .replace("TUNING", tuning)
        )
        texts = {"test__tsv": TEST, "train__tsv": TRAIN, "terms__txt": TERMS, "faq__jsonl": FAQ, **files}
        return load_suite(write_suite(text.replace("SETTINGS", settings), **texts))

    return write


def lora(suite: Suite) -> Tuned:
    model = suite.models["lora"]
    assert isinstance(model, Tuned)
    return model


def examples_in_order(suite: Suite) -> list[Example]:
    """What the model learns, in the order of the train rows."""
    rows = [row.input for row in prepare(suite)["norm"].data.train]
    examples = lora(suite).data.examples
    asked = {
        example.prompt[-1].content.rpartition("Name ")[2]: example
        for example in examples
        if isinstance(example, Example)
    }
    return [asked[f"{row}: "] for row in rows]


def questions(suite: Suite) -> list[str]:
    """The last turn of each row that the model learns, in the order of the train rows."""
    prepare(suite)
    prompts = [example.prompt[-1].content for example in lora(suite).data.examples]
    rows = [line.split("\t")[0] for line in TRAIN.splitlines()[1:]]
    return [next(prompt for prompt in prompts if f"Name {row}:" in prompt) for row in rows]


@pytest.mark.parametrize(
    ("variant", "settings"),
    [("rag", "shots: 0"), ("rag", "shots: 1, pick: nearest, example_k: 1"), ("shots", "shots: 0"), ("rag", "closed_book: true")],
)  # fmt: skip
def test_rows_are_learnt_with_the_very_tokens_that_they_would_be_asked_with(
    variant: str, settings: str, written: Callable[..., Suite], tmp_path: Path
) -> None:
    suite = written(f"{{task: norm, as: {variant}}}", settings=settings)
    tasks = prepare(suite)
    model, base = lora(suite), suite.models["base"]
    assert isinstance(base, HuggingFace)
    rows = tasks["norm"].data.train
    context = DryContext(suite.models, Cache(tmp_path / "calls.sqlite"), Display(), suite.seed)
    predictions = suite.variants[variant].answer(tasks["norm"], rows, context, resources_of(suite, tasks))
    asked = {prediction.messages for prediction in predictions}
    assert {example.prompt for example in model.data.examples} == asked
    assert len(asked) == len(rows)
    encoded = encode_examples(base, list(model.data.examples), 2048, "answer").rows
    for example, row in zip(model.data.examples, encoded, strict=True):
        prompt = row.ids[: sum(label == IGNORED for label in row.labels)]
        assert list(prompt) == base.tokenizer(base.render(example.prompt), add_special_tokens=True)["input_ids"]


def test_a_row_does_not_see_what_was_made_of_it(written: Callable[..., Suite]) -> None:
    suite = written("{task: norm, as: own}", "own: {rag: {model: base, knowledge: faq, k: 2}}")
    first, second, *_ = questions(suite)
    assert "It is an apple." not in first
    assert "apple or pear" in first
    assert "It is an apple." in second  # what another row says is evidence like any other


@pytest.mark.parametrize("mix", ["gold: 1.0", "gold: 0.0, distractors: 3"])
def test_neither_a_gold_nor_an_irrelevant_passage_is_made_of_the_row(mix: str, written: Callable[..., Suite]) -> None:
    own = "own: {rag: {model: base, knowledge: faq, k: 1}}"
    row = "red apple fruit"
    faq = f'{{"title": "{row}", "text": "apple"}}\n{{"title": "{row}", "text": "It is an apple."}}\n'
    other = '{"title": "green pear fruit", "text": "pear"}\n{"title": "tree", "text": "plum"}\n'
    first, second, *_ = questions(written(f"{{task: norm, as: own, {mix}}}", own, faq__jsonl=faq + other))
    assert first.count(row) == 1
    assert "apple" not in first.replace(row, "")
    assert "green pear fruit" in first or "tree" in first
    assert second.count("green pear fruit") == 1


def test_examples_beside_a_row_show_nothing_that_was_made_of_it(written: Callable[..., Suite]) -> None:
    """The nearest example of "red apple fruit" is "green pear fruit", whose own passages hold the apple row."""
    own = "own: {rag: {model: base, knowledge: faq, k: 1, shots: 1, pick: nearest, example_k: 3}}"
    first, *_ = [example.prompt for example in examples_in_order(written("{task: norm, as: own}", own))]
    assert "Name green pear fruit" in first[0].content
    assert "apple or pear" in first[0].content
    assert all("It is an apple." not in turn.content for turn in first)


def test_examples_beside_a_row_are_not_found_by_its_name(written: Callable[..., Suite]) -> None:
    named = "named: {rag: {model: base, knowledge: learnt, k: 1, shots: 1, pick: nearest, example_k: 1}}"
    train = TRAIN + "red apple fruits\tapple\n"
    suite = written("{task: norm, as: named}", named, train__tsv=train, terms__txt="apple\nzzz\n")
    prompts = {
        example.prompt[-1].content.rpartition("Name ")[2]: example.prompt for example in examples_in_order(suite)
    }
    assert "apple\n" not in prompts["red apple fruit: "][0].content  # it would be found for the example by this row


@pytest.mark.parametrize(
    ("mix", "expected"), [("gold: 1.0", [True] * 4), ("gold: 0.0", [False] * 4), ("distractors: 2", [True] * 4)]
)
def test_the_share_of_rows_that_see_the_right_passage(
    mix: str, expected: list[bool], written: Callable[..., Suite]
) -> None:
    prompts = questions(written(f"{{task: norm, as: rag, {mix}}}"))
    names = ["apple", "pear", "plum", "fig"]
    seen = [f"{name}\n" in prompt.replace("\n\n", "\n") for name, prompt in zip(names, prompts, strict=True)]
    assert seen == expected
    if mix == "distractors: 2":
        assert all(prompt.count("[") > questions(written("{task: norm, as: rag}"))[0].count("[") for prompt in prompts)


def test_rows_that_are_only_watched_are_asked_as_test_items_are(written: Callable[..., Suite]) -> None:
    suite = written("{task: norm, as: rag, gold: 0.0}", tuning="validation: 0.5")
    prepare(suite)
    data = lora(suite).data
    assert len(data.validation) == 2
    for example in data.validation:
        assert f"{example.answer}\n" in example.prompt[-1].content
    for example in data.examples:
        assert f"{example.answer}\n" not in example.prompt[-1].content


def test_both_ways_of_asking_can_be_learnt(written: Callable[..., Suite]) -> None:
    suite = written("norm, {task: norm, as: rag}", "bare: {prompting: {model: lora}}")
    tasks = prepare(suite)
    assert [part["source"] for part in lora(suite).data.composition] == [
        "train rows of norm", "train rows of norm, asked as rag",
    ]  # fmt: skip
    assert [part["rows"] for part in lora(suite).data.composition] == [4, 4]
    assert not prompt_mismatches(suite, tasks)


def test_a_row_that_is_watched_is_learnt_in_no_way(written: Callable[..., Suite]) -> None:
    suite = written("norm, {task: norm, as: rag}", tuning="validation: 0.5")
    prepare(suite)
    data = lora(suite).data
    watched = {example.answer for example in data.validation}
    assert (len(data.validation), len(watched), len(data.examples)) == (4, 2, 4)
    assert not watched & {example.answer for example in data.examples}


def test_a_model_asked_as_it_learnt_raises_no_alarm(written: Callable[..., Suite]) -> None:
    suite = written("{task: norm, as: rag}", "bare: {prompting: {model: lora}}")
    mismatches = prompt_mismatches(suite, prepare(suite))
    assert {mismatch.variant for mismatch in mismatches} == {"bare"}


@pytest.mark.parametrize(
    ("rows", "more", "expected"),
    [
        ("{task: norm, as: nothing}", "", "models.lora.tuned.on.0.as: 'nothing' is not among variants"),
        ("{task: norm, as: floor}", "floor: {floor: {by: majority}}", "models.lora: as: floor: is a floor"),
        ("{task: norm, as: best}", "best: {rag: {model: base, knowledge: terms, oracle: true}}", "as: best: shows every item its right passage"),
        ("{task: norm, as: steps}", "steps: {cascade: {of: [shots, rag], confidence: logprob, thresholds: [0]}}", "as: steps: asks through other variants"),
        ("{task: norm, gold: 0.5}", "", "gold and distractors are about passages"),
        ("{task: norm, as: rag, gold: 1.5}", "", "must be at most 1"),
        ("{task: norm, as: blind, gold: 0.5}", "blind: {rag: {model: base, knowledge: blind}}", "blind knows the right passage of no norm row"),
        ("{task: norm, as: shots, distractors: 2}", "", "models.lora: as: shots: shows no passages"),
        ("{task: norm, as: shots, gold: 0.5}", "", "models.lora: as: shots: shows no passages"),
        ("{task: norm, as: rag, distractors: 99}", "", "distractors: 99 irrelevant passages are asked for"),
        ("{task: norm, as: led}", "led: {rag: {model: base, knowledge: terms, distractors: 99}}", "variants.led on tasks.norm: distractors: 99"),
        ("norm, norm", "", "on names an entry twice"),
        ("{task: norm, as: rag}, {task: norm, as: rag, gold: 0.5}", "", "on names an entry twice"),
        ("{task: norm, as: column}", "column: {rag: {model: base, knowledge: terms, query: '{{ entry }}'}}", "train rows"),
    ],
)  # fmt: skip
def test_mistakes_are_said_before_anything_is_trained(
    rows: str, more: str, expected: str, written: Callable[..., Suite]
) -> None:
    files = {"test__tsv": "input\ttarget\tentry\nsmall apple\tapple\tapple\n"}

    def refuse() -> None:
        suite = written(rows, more, **files)
        prepare(suite, suite.usage.asked_from("train"))

    with pytest.raises(SuiteError) as error:
        refuse()
    assert expected in str(error.value)
    assert "must be one text" not in str(error.value)


OWN = """
from harness.components.fields import ModelName
from harness.components.variant import Variant


class Own(Variant):
    model: ModelName

    def answer(self, task, samples, calls, resources):
        return []
"""


def test_a_variant_that_cannot_put_train_rows_is_refused_with_the_remedy(written: Callable[..., Suite]) -> None:
    suite = written("{task: norm, as: own}", "own: {own_part.Own: {model: base}}", own_part__py=OWN)
    with pytest.raises(HarnessError, match="Own does not say how it would ask for train rows; give it the method"):
        prepare(suite, suite.usage.asked_from("train"))


class Embedded(Lexical):
    """A retriever whose index takes what only a run computes."""

    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        if calls.planning:
            raise NotPlannableError(f"{len(passages)} texts to embed with bge")
        return super().index(passages, calls)


def test_as_takes_the_prompt_of_a_variant_and_not_its_model(written: Callable[..., Suite]) -> None:
    """So the variant may be the one that asks the model which learns."""
    assert questions(written("{task: norm, as: asked}"))[0].endswith("Name red apple fruit: ")


def test_what_only_a_run_computes_is_planned_and_then_learnt(
    written: Callable[..., Suite], run_suite: Callable[..., RunFolder], tmp_path: Path
) -> None:
    settings = "retriever: tests.adapters.training.test_row_prompts.Embedded"
    suite = written("{task: norm, as: rag}", settings=settings)
    planned = plan(suite, DryContext(suite.models, Cache(tmp_path / "none.sqlite"), Display(), suite.seed))
    assert planned.preparations["lora"].what.startswith("lora on 4 rows, after 6 texts to embed with bge")
    folder = run_suite(suite.path)
    record = folder.read_run()
    (part,) = record["training"]["lora"]["stages"][0]["composition"]
    assert (part["rows"], part["as"], part["without_passages"], part["with_gold"]) == (4, "rag", 0, 4)
    assert [entry["passages"] for entry in record["indexes"]] == [6]
    again = run_suite(suite.path, name="again").read_run()
    assert again["training"]["lora"]["stages"][0]["reused"]
