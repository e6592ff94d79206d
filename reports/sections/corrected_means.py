"""What people would have scored: judged means, corrected by the items that people scored too."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.figures import Summary
from harness.records.finished_run import FinishedRun
from harness.records.judgements import HumanMean
from reports.charts.whiskers import Axis, Whisker, around, whisker
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, column_of
from reports.facts.phrases import counted
from reports.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedRow:
    """One variant."""

    variant: str
    judged: str
    corrected: str
    interval: str | None
    whisker: Whisker
    judged_place: float
    shift: str  # corrected minus judged
    weight: str  # of the judge
    labelled: int
    unlabelled: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class CorrectedMetric:
    """One judged metric."""

    column: MetricColumn
    rows: tuple[CorrectedRow, ...]


class CorrectedMeans(Section):
    title = "People"
    heading = "People: judged means, corrected"
    order = 50
    label = "people"

    def build(self, finished: FinishedRun) -> tuple[CorrectedMetric, ...]:
        """One part a metric."""
        keys = dict.fromkeys((mean.task, mean.metric) for mean in finished.summary.judging.human)
        return tuple(_corrected_metric(finished.summary, task, metric) for task, metric in keys)

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """Of each variant both means."""
        return tuple(
            f"On {metric.column.name}, {row.variant} is judged {row.judged}; people would give {row.corrected}"
            f"{f' (95 % CI {row.interval})' if row.interval else ''}, from {counted(row.labelled, 'labelled item')}."
            for metric in self.build(finished)
            for row in metric.rows
        )


def _corrected_metric(summary: Summary, task: str, metric: str) -> CorrectedMetric:
    column = column_of(summary, task, metric)
    means = [mean for mean in summary.judging.human if (mean.task, mean.metric) == column.key]
    axis = _axis(column, means)
    return CorrectedMetric(column, tuple(_row(column, mean, axis) for mean in means))


def _axis(column: MetricColumn, means: Sequence[HumanMean]) -> Axis:
    """The whole of a closed scale, since people and judges use it all; else what the figures span."""
    if numbers.is_closed(column.info):
        return Axis(column.info.low, column.info.high)
    ends = ((c.low, c.mean, c.judged_mean, c.high) for c in (mean.corrected for mean in means))
    return around([end for figures in ends for end in figures if end is not None])


def _row(column: MetricColumn, mean: HumanMean, axis: Axis) -> CorrectedRow:
    corrected, info = mean.corrected, column.info
    return CorrectedRow(
        variant=mean.variant,
        judged=numbers.with_unit(corrected.judged_mean, info),
        corrected=numbers.with_unit(corrected.mean, info),
        interval=numbers.interval(corrected.low, corrected.high, info),
        whisker=whisker(axis, corrected.mean, corrected.low, corrected.high),
        judged_place=axis.place(corrected.judged_mean),
        shift=numbers.signed(corrected.mean - corrected.judged_mean, info),
        weight=f"{corrected.lam:.2f}",
        labelled=corrected.labelled,
        unlabelled=corrected.unlabelled,
        unmatched=mean.unmatched,
    )
