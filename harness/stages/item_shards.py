"""The division of a run's items into shards: each item is in exactly one, and what belongs together stays together."""

from collections.abc import Mapping
from dataclasses import replace

from harness.components.task import Task
from harness.records.shards import Shard
from harness.text.canonical import digest


def sharded(tasks: Mapping[str, Task], shard: Shard | None) -> dict[str, Task]:
    """The tasks with the test items of one shard, those without any left out; all as they are where there is none.

    What the others rest on stays whole: train and validation rows, and the test split as the source has it.
    """
    if shard is None:
        return dict(tasks)
    own: dict[str, Task] = {}
    for name, numbers in shard_numbers(tasks, shard.of).items():
        data = tasks[name].data
        test = tuple(item for item, number in zip(data.test, numbers, strict=True) if number == shard.number)
        if test:
            own[name] = replace(tasks[name], data=replace(data, test=test, unlimited=data.whole_test))
    return own


def shard_numbers(tasks: Mapping[str, Task], of: int) -> dict[str, list[int]]:
    """The number of the shard, from 1, of each test item of each task.

    Every task is divided, since tasks differ in what an item takes, into runs of neighbours, which often share the
    beginning of their prompts; items of one group count as neighbours and are never parted. An item before which c of
    its task's N items stand is in run ⌊c · of / N⌋. The first run of a task goes to the shard behind the last of the
    tasks before it, so that what remains of many short tasks is spread.
    """
    numbers: dict[str, list[int]] = {}
    earlier = 0  # items of the tasks before
    for name, task in tasks.items():
        items = task.data.test
        sizes: dict[object, int] = {}
        keys: list[object] = [
            ("item", place) if item.group is None else ("group", item.group) for place, item in enumerate(items)
        ]
        for key in keys:
            sizes[key] = sizes.get(key, 0) + 1
        runs: dict[object, int] = {}
        before = 0
        for key, size in sizes.items():
            runs[key] = before * of // len(items)
            before += size
        numbers[name] = [(runs[key] + earlier) % of + 1 for key in keys]
        earlier += len(items)
    return numbers


def division_digest(tasks: Mapping[str, Task], of: int) -> str:
    """Of all items with the shards that they are in: equal where two processes divide the same items alike."""
    numbers = shard_numbers(tasks, of)
    return digest([[name, [[item.id for item in task.data.test], numbers[name]]] for name, task in tasks.items()])
