"""The test items that a limited run asks: the same for all variants, drawn by the suite's seed, groups whole."""

from dataclasses import replace

from harness.components.task import Task
from harness.records.inputs import Sample
from harness.text.canonical import digest


def sampled(task: Task, limit: int | None, seed: int) -> Task:
    """The task with at most `limit` test items in the order of its data; train and validation rows stay as they are.

    Items of one group come together or not at all; where no group is as small as that, one is taken. Whether an item
    is drawn depends on its group's name, not on its place: a sample of more items holds most of a smaller one, so that
    its answers come from the cache.
    """
    items = task.data.test
    if limit is None or limit >= len(items):
        return task
    groups: dict[str, list[Sample]] = {}
    for item in items:
        groups.setdefault(f"item {item.id}" if item.group is None else f"group {item.group}", []).append(item)
    drawn = sorted(groups, key=lambda name: digest([seed, task.name, name]))
    room, ids = limit, set[str]()
    for name in drawn:
        if len(groups[name]) <= room:
            room -= len(groups[name])
            ids |= {item.id for item in groups[name]}
    ids = ids or {item.id for item in groups[drawn[0]]}
    test = tuple(item for item in items if item.id in ids)
    return replace(task, data=replace(task.data, test=test, unlimited=items))
