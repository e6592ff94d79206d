"""Which figures a run has, how they are read, and which of them have a section of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.records.derived_names import FreshnessProbe
from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo, Result
from harness.records.summary import Summary
from reports.facts.judge_doubts import spoken_demotions
from reports.wording import say

Key = tuple[str, str]  # task, metric
Better = Literal["higher", "lower", "neither"]

UNKNOWN_METRIC = MetricInfo(component="", settings={}, low=0.0, high=1.0, better="neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricColumn:
    """One metric of one task."""

    task: str
    metric: str
    info: MetricInfo
    headline: bool
    demoted: str | None = None  # why it may not decide

    @property
    def name(self) -> str:
        """As the suite's `headline` writes it."""
        return str(self.figure)

    @property
    def figure(self) -> FigureName:
        """Its metric and part, by themselves."""
        return FigureName.of(self)

    @property
    def key(self) -> Key:
        """As results and comparisons are looked up."""
        return self.task, self.metric

    @property
    def lower_is_better(self) -> bool:
        """Whether the good end of the scale is its low one."""
        return self.info.better == "lower"

    @property
    def sign(self) -> float:
        """1 where higher values are better, -1 where lower ones are."""
        return -1.0 if self.lower_is_better else 1.0


def direction_of(better: Better) -> str:
    """Which end of a scale is the good one, in words."""
    match better:
        case "higher":
            return say("metric_columns.higher")
        case "lower":
            return say("metric_columns.lower")
        case "neither":
            return say("metric_columns.neither")


def column_of(summary: Summary, task: str, metric: str) -> MetricColumn:
    """The column of a figure, whether it has a result or not."""
    demoted = demotion_reason(summary, task, metric)
    headline = str(FigureName.within(task, metric)) in summary.headline and demoted is None
    return MetricColumn(
        task=task, metric=metric, info=metric_info(summary, task, metric), headline=headline, demoted=demoted
    )


def metric_columns(summary: Summary) -> tuple[MetricColumn, ...]:
    """All metrics that have a result: headline in the suite's order, then whole metrics, then parts, task by task.

    What may not decide comes last.
    """
    tasks = list(dict.fromkeys(result.task for result in summary.results))
    order = {name: place for place, name in enumerate(summary.headline)}
    keys = dict.fromkeys((result.task, result.metric) for result in summary.results)

    def place(column: MetricColumn) -> tuple[bool, int, int, bool]:
        rank = order.get(column.name, len(order))
        return column.demoted is not None, rank, tasks.index(column.task), bool(column.figure.part)

    return tuple(sorted((column_of(summary, *key) for key in keys), key=place))


def demotion_reason(summary: Summary, task: str, metric: str) -> str | None:
    """Why a metric, and with it each of its parts, may not decide; None where it may."""
    return spoken_demotions(summary.judging).get(str(FigureName.within(task, metric).whole))


def ordinary_columns(summary: Summary) -> tuple[MetricColumn, ...]:
    """The columns of the ordinary tables: headline figures, and what has no section of its own."""
    retrieval_keys = {column.key for column in retrieval_columns(summary)}
    probes = freshness_probes(summary)
    return tuple(
        column
        for column in metric_columns(summary)
        if column.headline or (column.task not in probes and column.key not in retrieval_keys)
    )


def retrieval_columns(summary: Summary) -> tuple[MetricColumn, ...]:
    """The figures of retrieval by itself, on the tasks for which something was looked up."""
    tasks = {cell.task for cell in summary.retrieved}
    columns = metric_columns(summary)
    return tuple(c for c in columns if c.task in tasks and c.info.component.lower() == "retrieval")


def freshness_probes(summary: Summary) -> dict[str, FreshnessProbe]:
    """The freshness probes among the tasks, by the task's name."""
    tasks = list(dict.fromkeys(result.task for result in summary.results))
    return {task: probe for task in tasks if (probe := FreshnessProbe.parse(task, tasks))}


def general_tasks(summary: Summary) -> set[str]:
    """The tasks on which models, not variants, were asked before and after their training."""
    return {result.task for result in summary.general}


def metric_info(summary: Summary, task: str, metric: str) -> MetricInfo:
    """How a metric's values are to be read; a part that has no entry of its own is read as its whole."""
    name = FigureName.within(task, metric)
    return summary.metrics.get(str(name)) or summary.metrics.get(str(name.whole)) or UNKNOWN_METRIC


def variant_names(summary: Summary) -> tuple[str, ...]:
    """All variants, the reference first, the others in the suite's order."""
    names = dict.fromkeys(result.variant for result in summary.results)
    return tuple(sorted(names, key=lambda variant: variant != summary.reference))


def results_by_variant(summary: Summary, key: Key) -> dict[str, Result]:
    """The results of one figure."""
    return {result.variant: result for result in summary.results if (result.task, result.metric) == key}


def means_by_variant(summary: Summary, key: Key) -> Mapping[str, float]:
    """The means of one figure, where there are any."""
    results = results_by_variant(summary, key)
    return {variant: result.mean for variant, result in results.items() if result.mean is not None}
