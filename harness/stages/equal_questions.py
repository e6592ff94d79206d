"""A question that a test set asks twice tells as much as one that it asks once: equal items become one group."""

from dataclasses import replace

from harness.components.task import Task


def grouped(task: Task) -> Task:
    """The task with one group for all test samples that ask the same, word for word, and for the groups they are in."""
    samples = task.data.test
    parents = list(range(len(samples)))

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = i = parents[parents[i]]
        return i

    first: dict[object, int] = {}
    for i, sample in enumerate(samples):
        for key in (("group", sample.group), ("question", task.prompt(sample), sample.options)):
            if key != ("group", None):
                parents[root(i)] = root(first.setdefault(key, i))
    members: dict[int, list[int]] = {}
    for i in range(len(samples)):
        members.setdefault(root(i), []).append(i)
    label = {i: samples[own[0]].group or samples[own[0]].id for own in members.values() if len(own) > 1 for i in own}
    regrouped = tuple(replace(sample, group=label.get(i, sample.group)) for i, sample in enumerate(samples))
    return replace(task, data=replace(task.data, test=regrouped), _questions={})
