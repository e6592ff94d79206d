"""The figures of a description, each from a handful of rows counted by hand."""

from dataclasses import replace

from harness.answers.text import Text
from harness.components.dataset import Dataset
from harness.components.task import Task
from harness.records.inputs import Generation, Message, Sample
from harness.stages.describe import describe
from harness.statistics.spreads import Spread
from harness.text.templates import Template


def sample(number, text, *targets, **more):
    return Sample(id=f"s{number}", task="t", input=text, targets=targets, **more)


def task(data):
    template = Template("Name: {{ input }}", "x.j2")
    return Task(
        name="t", data=data, template=template, system=Template("Sys", "s.j2"), answer=Text(), generation=Generation()
    )


TEST = (
    sample(1, "aa bb", "x"),
    sample(2, "aa bb", "x y", "z"),  # asks the same as s1
    sample(3, "aa bb", "x", history=(("u", "v"),)),  # another question after another history
    sample(4, "c", "x y z"),
)
DATA = Dataset(test=TEST, train=(sample(5, "c", "q"), sample(6, "d", "q")), skipped=("x:2: empty",))


def test_description_in_characters():
    found = describe(task(DATA), None)
    assert found.unit == "characters"
    assert found.rows == {"train": 2, "validation": 0, "test": 4}
    assert found.skipped == ("x:2: empty",)
    # inputs 5 5 5 1 → sorted 1 5 5 5; p95 rank = ceil(0.95 * 4) = 4
    assert found.lengths["input"] == Spread(1, 5, 5, 5)
    # prompts: "Sys" 3 + "Name: " 6 + input = 14 14 16 (history u, v) 10 → 10 14 14 16
    assert found.lengths["prompt"] == Spread(10, 14, 16, 16)
    # targets x, "x y", z, x, "x y z" → 1 1 1 3 5; rank ceil(4.75) = 5
    assert found.lengths["target"] == Spread(1, 1, 5, 5)
    assert (found.duplicates, found.in_train) == (1, 1)  # s2 after s1; s4 stands in train
    assert found.targets_per_row == {1: 3, 2: 1}
    assert found.prompt == (Message("system", "Sys"), Message("user", "Name: aa bb"))


def test_description_in_tokens():
    found = describe(task(DATA), lambda text: len(text.split()))
    assert found.unit == "tokens"
    assert found.lengths["input"] == Spread(1, 2, 2, 2)
    assert found.lengths["target"] == Spread(1, 1, 3, 3)  # 1 1 1 2 3


def test_p95_is_the_nearest_rank():
    # lengths 1..100: the 95th smallest; lengths 1..21: rank ceil(19.95) = 20
    for count, p95, median in ((100, 95, 50.5), (21, 20, 11), (20, 19, 10.5), (1, 1, 1)):
        data = Dataset(test=tuple(sample(i, "a" * i, "x") for i in range(count, 0, -1)))
        assert describe(task(data), None).lengths["input"] == Spread(1, median, p95, count)


def test_same_question_with_other_options_is_no_duplicate():
    rows = (sample(1, "which?", "A", options=("x", "y")), sample(2, "which?", "A", options=("y", "x")))
    assert describe(task(Dataset(test=rows)), None).duplicates == 0
    again = (*rows, replace(rows[0], id="s3"))
    assert describe(task(Dataset(test=again)), None).duplicates == 1


def test_no_rows():
    found = describe(task(Dataset(test=())), None)
    assert (found.lengths, found.prompt, found.targets_per_row) == ({}, (), {})
