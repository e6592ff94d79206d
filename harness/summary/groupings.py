"""Test items that are not independent of each other, and what a reader has to know of them."""

from collections.abc import Iterator, Sequence

from harness.records.figures import Grouping
from harness.records.inputs import Sample
from harness.records.sentences import Sentence
from harness.statistics.groups import FEW, Groups
from harness.text.stating import state


def groupings_of(samples: Sequence[Sample]) -> Iterator[Grouping]:
    """The groups of each task that has groups of more than one item, or fewer than `FEW` groups by design."""
    for task in dict.fromkeys(sample.task for sample in samples):
        own = [sample for sample in samples if sample.task == task]
        groups = Groups.of([sample.group for sample in own])
        if not groups.are_items:
            yield Grouping(
                task=task,
                samples=len(own),
                groups=groups.count,
                largest=int(groups.sizes.max()),
                repeated=_repeated(own),
            )


def grouping_warnings(groupings: Sequence[Grouping]) -> Iterator[Sentence]:
    """One line for questions that are asked more than once, and one for too few groups."""
    for grouping in groupings:
        if grouping.repeated:
            yield state(
                "warnings.repeated_items",
                "{task}: {repeated} of {items} test items ask what an earlier one asks, word for word; equal items are "
                "one group in every interval and test",
                task=grouping.task,
                repeated=grouping.repeated,
                items=grouping.samples,
            )
        if grouping.groups < FEW:
            yield state(
                "warnings.few_groups",
                "{task}: its {items} test items form {groups} groups; below {least}, intervals and tests rest on too "
                "little to be relied on",
                task=grouping.task,
                items=grouping.samples,
                groups=grouping.groups,
                least=FEW,
            )


def _repeated(samples: Sequence[Sample]) -> int:
    """Samples of a group whose question an earlier one has."""
    questions = [(sample.group, sample.input, sample.options, sample.history) for sample in samples if sample.group]
    return len(questions) - len(set(questions))
