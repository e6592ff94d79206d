"""What people would have scored: judged means, corrected by the items that people scored too."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.finished_run import FinishedRun
from harness.records.judgements import HumanMean
from harness.records.summary import Summary
from reports.charts.whiskers import Axis, Whisker, around, whisker
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, column_of
from reports.facts.phrases import counted
from reports.section import Section
from reports.wording import say


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedRow:
    """One variant."""

    mean: HumanMean
    interval: str | None
    whisker: Whisker
    judged_place: float
    picture: str  # what the picture shows, in words


@dataclass(frozen=True, slots=True)
class CorrectedMetric:
    """One judged metric."""

    column: MetricColumn
    rows: tuple[CorrectedRow, ...]


class CorrectedMeans(Section):
    order = 115

    def build(self, finished: FinishedRun) -> tuple[CorrectedMetric, ...]:
        """One part a metric."""
        keys = dict.fromkeys((mean.task, mean.metric) for mean in finished.summary.judging.human)
        return tuple(_corrected_metric(finished.summary, task, metric) for task, metric in keys)

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """Of each variant both means."""
        return tuple(_sentence(metric.column, row) for metric in self.build(finished) for row in metric.rows)


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
    corrected = mean.corrected
    interval = numbers.interval(corrected.low, corrected.high, column.info)
    place = whisker(axis, corrected.mean, corrected.low, corrected.high)
    return CorrectedRow(
        mean=mean,
        interval=interval,
        whisker=place,
        judged_place=axis.place(corrected.judged_mean),
        picture=_picture(column, mean, interval),
    )


def _picture(column: MetricColumn, mean: HumanMean, interval: str | None) -> str:
    judged = numbers.with_unit(mean.corrected.judged_mean, column.info)
    corrected = numbers.with_unit(mean.corrected.mean, column.info)
    key = "corrected_means.picture_with_interval" if interval else "corrected_means.picture"
    return say(key, variant=mean.variant, judged=judged, corrected=corrected, interval=interval)


def _sentence(column: MetricColumn, row: CorrectedRow) -> str:
    corrected = row.mean.corrected
    return say(
        "corrected_means.sentence_with_interval" if row.interval else "corrected_means.sentence",
        figure=column.name,
        variant=row.mean.variant,
        judged=numbers.with_unit(corrected.judged_mean, column.info),
        corrected=numbers.with_unit(corrected.mean, column.info),
        interval=row.interval,
        items=counted(corrected.labelled, "labelled item"),
    )
