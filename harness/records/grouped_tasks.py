"""Several tasks that a benchmark counts as one, and their figures. Frozen, equal after a round trip."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskGroup:
    """A metric of a group of tasks: the mean of its tasks' figures."""

    name: str  # as a suite calls it: ENTRY-GROUP
    metric: str
    figures: tuple[str, ...]  # "task.metric" of each task that has it
    is_weighted: bool  # by the number of each task's items; else each task counts once


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigure:
    """What a variant reaches on a group, with a 95 % interval."""

    group: TaskGroup
    variant: str
    samples: int  # of all tasks together
    known: int
    mean: float | None  # None: a task has no figure
    low: float | None
    high: float | None
