"""Questions that nobody was asked: which rows they come from, and how a test item becomes one."""

from itertools import islice

import pytest

from harness.answers.text import Text
from harness.components.dataset import Dataset
from harness.components.task import Task
from harness.records.inputs import Generation, Sample
from harness.stages.unasked_questions import turned_text, unasked_questions
from harness.text.templates import Template


def rows(*inputs: str) -> tuple[Sample, ...]:
    return tuple(Sample(id=f"{text}!", task="t", input=text, targets=("x",)) for text in inputs)


def task(*, test: tuple[str, ...], train: tuple[str, ...] = (), validation: tuple[str, ...] = ()) -> Task:
    data = Dataset(rows(*test), rows(*train), rows(*validation))
    return Task(
        name="t", data=data, template=Template("Q: {{ input }}", "prompt"), system=None, answer=Text(),
        generation=Generation(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "turn", "expected"),
    [
        ("one two three four", 1, "three four one two"),  # 0.618 × 18 = 11: the nearest space is at 7 or 13
        ("高血压病史", 1, "病史高血压"),  # 0.618 × 5 = 3
        ("高血压病史", 2, "血压病史高"),  # 1.236 − 1 = 0.236, × 5 = 1
        ("ab", 1, "ba"),
        ("a", 1, "a a"),
        ("a", 2, "a a a"),
        ("", 1, ""),
        (" ab", 1, "ab "),  # a space at the edge is no place between words: 0.618 × 3 = 1
    ],
)
def test_a_text_begins_elsewhere(text: str, turn: int, expected: str) -> None:
    turned = turned_text(text, turn)
    if " " in text.strip():
        assert sorted(turned.split()) == sorted(text.split())
        assert turned.split() != text.split()
    else:
        assert turned == expected


def test_validation_rows_come_before_train_rows_and_copies_of_test_items_never() -> None:
    own = task(test=("a", "b"), train=("c", "a", "d", "c"), validation=("e", "b"))
    questions = [sample.input for sample in islice(unasked_questions(own, (), 0), 3)]
    assert questions[0] == "e"
    assert sorted(questions[1:]) == ["c", "d"]


def test_rows_that_were_asked_already_are_left_out() -> None:
    own = task(test=("ab",), train=("c", "d"))
    assert [sample.input for sample in islice(unasked_questions(own, own.data.train, 0), 1)] == ["ba"]


def test_without_rows_test_items_are_turned_until_they_repeat() -> None:
    assert [sample.input for sample in unasked_questions(task(test=("abc",)), (), 0)] == ["bca", "cab"]
    endless = list(islice(unasked_questions(task(test=("a",)), (), 0), 5))
    assert len({sample.input for sample in endless}) == len({sample.id for sample in endless}) == 5


def test_the_seed_draws_the_rows() -> None:
    own = task(test=("t",), train=tuple(f"row {number}" for number in range(50)))
    first, again, other = (
        [sample.input for sample in islice(unasked_questions(own, (), seed), 10)] for seed in (0, 0, 1)
    )
    assert first == again != other
