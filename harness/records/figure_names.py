"""The name of a figure: "task.metric", or "task.metric.part". Only this file writes and reads that spelling."""

from dataclasses import dataclass
from typing import Protocol


class Measured(Protocol):
    """A record of one metric of one task; the metric may be written with its part, as in a score."""

    @property
    def task(self) -> str: ...
    @property
    def metric(self) -> str: ...


@dataclass(frozen=True, slots=True)
class FigureName:
    """A metric of a task, or a part of one. Neither the name of a task nor that of a metric has dots."""

    task: str
    metric: str
    part: str = ""  # of the metric; empty: its own value

    @classmethod
    def parse(cls, text: str) -> "FigureName":
        """Read what `str` writes. A text without a dot has a task only and names no figure."""
        task, _, full_metric = text.partition(".")
        return cls.within(task, full_metric)

    @classmethod
    def within(cls, task: str, full_metric: str) -> "FigureName":
        """A figure of a task, by the metric with its part ("f1.macro"), as scores write it."""
        metric, _, part = full_metric.partition(".")
        return cls(task, metric, part)

    @classmethod
    def of(cls, record: Measured) -> "FigureName":
        """The figure that a score, a result or a comparison is about."""
        return cls.within(record.task, record.metric)

    def __str__(self) -> str:
        return f"{self.task}.{self.full_metric}"

    @property
    def full_metric(self) -> str:
        """The metric with its part, as it stands in `Score.metric`."""
        return f"{self.metric}.{self.part}" if self.part else self.metric

    @property
    def whole(self) -> "FigureName":
        """The metric that a part belongs to."""
        return FigureName(self.task, self.metric)
