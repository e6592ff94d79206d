"""Which rows a training takes: by table, and the fewer among the more. No weights are needed for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.models.tuned import Tuned
from adapters.training.training_data import TrainingData
from harness.errors import ModelError, SuiteError
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from tests.shared.training_rows import GENERAL

SUITE = """\
name: rows
models:
  base: {huggingface: {path: x}}
  t: {tuned: {base: base, method: lora, LEARNT}}
datasets:
  general: {alpaca: {path: general.json}}
knowledge:
  book: {texts: {path: book.txt}}
tasks:
  letters: {data: {tsv: {path: test.tsv, train: train.tsv, input: q, target: a}}, metrics: {accuracy: exact_match}}
  words: {data: {tsv: {path: test.tsv, train: words.tsv, input: q, target: a}}, metrics: {accuracy: exact_match}}
variants:
  t: {prompting: {model: t}}
"""
HEAD = "q\ta\n"
Write = Callable[[str], dict[str, TrainingData]]


@pytest.fixture
def drawn(write_suite: Callable[..., Path]) -> Write:
    """What the models of a suite learn, by name: of 12 rows of letters, 8 of words, 4 texts, 5 general rows."""

    def write(learnt: str) -> dict[str, TrainingData]:
        path = write_suite(
            SUITE.replace("LEARNT", learnt),
            test__tsv=f"{HEAD}x1\tA\n",
            train__tsv=HEAD + "".join(f"w{i:02d}\t{'AB'[i % 2]}\n" for i in range(12)),
            words__tsv=HEAD + "".join(f"v{i:02d}\tC\n" for i in range(8)),
            book__txt="one line\ntwo lines\nthree lines\nfour lines\n",
            general__json=GENERAL,
        )
        suite = load_suite(path)
        prepare(suite)
        return {name: model.data for name, model in suite.models.items() if isinstance(model, Tuned)}

    return write


LETTERS, WORDS, BOOK, MIX = "train rows of letters", "train rows of words", "texts of book", "mix general"


@pytest.mark.parametrize(
    ("learnt", "rows"),
    [
        ("on: [letters], mix: {general: 0.25}", {LETTERS: 12, MIX: 3}),
        ("on: [letters], mix: {general: 4:1}", {LETTERS: 12, MIX: 3}),
        ("on: [letters], mix: {general: 1:1}", {LETTERS: 12, MIX: 5}),  # there are no more
        ("on: [letters], mix: {general: 1:0}", {LETTERS: 12}),
        ("on: [letters], max_samples: 3, mix: {general: 0:1}", {LETTERS: 0, MIX: 3}),
        ("on: [letters], mix: {general: {ratio: 0.25, max_samples: 2}}", {LETTERS: 12, MIX: 2}),
        ("on: [letters], mix: {general: {max_samples: 4}}", {LETTERS: 12, MIX: 4}),
        ("mix: {general: {max_samples: 4}}", {MIX: 4}),
        ("mix: {general: {}}", {MIX: 5}),
        ("texts: [book], mix: {general: 0.5}", {BOOK: 4, MIX: 2}),
        ("texts: [book], on: [letters], mix: {general: 0.25}", {LETTERS: 12, BOOK: 4, MIX: 4}),
        ("on: [{task: letters, max_samples: 5}, words]", {LETTERS: 5, WORDS: 8}),
        ("on: [{task: letters, max_samples: 5}, words], mix: {general: 4:1}", {LETTERS: 5, WORDS: 8, MIX: 3}),
        ("on: [letters], validation: 0.25, mix: {general: 3:1}", {LETTERS: 9, MIX: 3}),  # of the rows that are learnt
    ],
)
def test_rows_of_each_source(learnt: str, rows: dict[str, int], drawn: Write) -> None:
    data = drawn(learnt)["t"]
    assert {part["source"]: part["rows"] for part in data.composition} == rows
    assert len(data.examples) == sum(rows.values())
    assert data.rows == (sum(count for source, count in rows.items() if source != MIX) or rows[MIX])
    seen = {LETTERS: len(data.validation)}  # those that choose the checkpoint are looked through, too
    assert {source: len(own) for source, own in {**data.questions, **data.texts}.items()} == {
        source: count + seen.get(source, 0) for source, count in rows.items() if count
    }
    assert sum(isinstance(example, str) for example in data.examples) == rows.get(BOOK, 0)


@pytest.mark.parametrize(
    ("few", "many"),
    [
        ("on: [letters, words], max_samples: 7", "on: [letters, words], max_samples: 15"),
        ("on: [{task: letters, max_samples: 4}]", "on: [{task: letters, max_samples: 9}]"),
        ("on: [{task: letters, max_samples: 4}, words]", "on: [letters, words]"),
        ("on: [letters], texts: [book], max_samples: 5", "on: [letters], texts: [book], max_samples: 12"),
        ("mix: {general: {max_samples: 2}}", "mix: {general: {max_samples: 4}}"),
        ("on: [letters], max_samples: 4, mix: {general: 1:1}", "on: [letters], mix: {general: 1:1}"),
    ],
)
def test_more_rows_contain_the_fewer(few: str, many: str, drawn: Write) -> None:
    assert set(drawn(few)["t"].examples) < set(drawn(many)["t"].examples)


def test_sizes_count_what_numbers_of_single_tasks_leave(drawn: Write) -> None:
    learnt = drawn("on: [{task: letters, max_samples: 5}, words], sizes: [6, all], mix: {general: {max_samples: 2}}")
    assert {name: (data.rows, len(data.examples)) for name, data in learnt.items()} == {
        "t-6": (6, 8),
        "t-all": (13, 15),
    }
    assert set(learnt["t-6"].examples) < set(learnt["t-all"].examples)


@pytest.mark.parametrize(
    ("learnt", "message"),
    [
        ("on: [{task: letters, max_samples: 13}]", "13 rows are asked for, but letters has 12 to train on"),
        ("on: [letters, {task: words, max_samples: 9}]", "9 rows are asked for, but words has 8 to train on"),
        ("texts: [book], max_samples: 5", "5 rows are asked for, but book has 4 to train on"),
        ("on: [letters], texts: [book], max_samples: 17", "but letters and book have 16 to train on"),
        ("mix: {general: {max_samples: 6}}", "6 rows are asked for, but data set general has 5 with an answer"),
    ],
)
def test_more_than_there_is(learnt: str, message: str, drawn: Write) -> None:
    with pytest.raises(ModelError, match=message):
        drawn(learnt)


@pytest.mark.parametrize(
    ("learnt", "message"),
    [
        ("on: [letters], mix: {general: -1}", "suite.yaml:4: models.t.tuned.mix.general: a ratio is a number from 0"),
        ("on: [letters], mix: {general: .nan}", "suite.yaml:4: models.t.tuned.mix.general: a ratio is a number from 0"),
        ("on: [letters], mix: {general: 1:1:1}", "a ratio in text is written domain:general"),
        (
            "on: [letters], mix: {general: {max_samples: 0}}",
            "models.t.tuned.mix.general.max_samples: must be at least 1",
        ),
        ("on: [letters], mix: {genral: 1:1}", "'genral' is not among datasets (did you mean general?)"),
        ("mix: {general: 0.5}", "with no task in on and no text in texts there is nothing to be in a ratio to"),
        ("mix: {general: {}}, max_samples: 3", "max_samples counts rows of tasks and texts"),
        ("mix: {general: {}}, sizes: [3]", "sizes count the rows of tasks and texts"),
        ("texts: [book], validation: 0.1", "validation and answers belong to training on tasks"),
        ("texts: [book], patience: 1", "patience belongs to training on tasks"),
        ("on: [letters], mix: {general: 0:1}, answers: {from: base}", "there is nothing to be answered"),
        (
            "on: [letters], max_samples: 3, sizes: [3]",
            "sizes count the rows of tasks and texts: name these, and no max",
        ),
    ],
)
def test_what_cannot_be_a_choice_of_rows(learnt: str, message: str, drawn: Write) -> None:
    with pytest.raises(SuiteError) as caught:
        drawn(learnt)
    (line,) = caught.value.lines
    assert message in line


def test_rows_that_are_watched_change_nothing_in_which_are_the_first(drawn: Write) -> None:
    """So a model and a knowledge base (`examples`) of as many rows have seen the same ones."""
    plain, watched = (drawn(f"on: [letters], max_samples: 4{more}")["t"] for more in ("", ", validation: 0.25"))
    assert watched.examples == plain.examples
    assert len(watched.validation) == 3
    assert not set(watched.validation) & set(watched.examples)
