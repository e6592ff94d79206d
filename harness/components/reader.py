"""What a reader owes: the samples of a task, split; or whole tasks, with how they are asked and scored."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.components.answer import Answer
from harness.components.component import Component
from harness.components.dataset import Dataset
from harness.components.metric import Metric
from harness.records.inputs import Generation


class Reader(Component):
    """Reads a data source into samples."""

    breakdowns: ClassVar[tuple[str, ...]] = ()  # columns by whose values a report shows the figures, too
    brings_tasks: ClassVar[bool] = False  # it may stand for whole tasks: a suite writes it in a task's place

    @abstractmethod
    def read(self, task: str, seed: int) -> Dataset:
        """The samples of `task`, split. Raises DataError with `file:line: reason`."""

    def whole_tasks(self) -> "Mapping[str, WholeTask]":
        """Of one that brings tasks: those that it stands for, by their names. Raises HarnessError, a line a mistake."""
        return {}

    def whole_groups(self) -> "tuple[WholeGroup, ...]":
        """Of one that brings tasks: the groups of them that their benchmark averages. Raises HarnessError."""
        return ()

    def meanings(self) -> Mapping[str, str]:
        """What the columns are that prompts do not see by their own names, by name: said where a prompt names them."""
        return {}

    def sources(self) -> tuple[str, ...]:
        """The local files that the samples depend on, for the digest in run.json."""
        return ()


@dataclass(frozen=True, kw_only=True)
class WholeTask:
    """A task that a reader brings: its samples, how they are asked for, and what scores the answers."""

    data: Reader
    answer: Answer
    metrics: Mapping[str, Metric]
    generation: Generation


@dataclass(frozen=True, kw_only=True)
class WholeGroup:
    """A metric of a group of tasks that a reader brings: the mean of the tasks' figures."""

    name: str
    metric: str
    figures: tuple[tuple[str, str], ...]  # task and metric, by the names that the reader gives them
    is_weighted: bool  # by the number of each task's items; else each task counts once
