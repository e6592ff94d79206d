"""What people would have scored: judged means, corrected by the items that people scored too."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.figures import Summary
from harness.records.judgements import HumanMean
from reports.charts.whiskers import Axis, Whisker, around, whisker
from reports.facts import numbers
from reports.facts.columns import Column, demotion, metric_info


@dataclass(frozen=True, slots=True)
class Row:
    """One variant."""

    variant: str
    judged: str
    corrected: str
    interval: str | None
    whisker: Whisker
    judged_place: float
    shift: str  # corrected minus judged
    weight: str  # of the judge
    labelled: str
    unlabelled: str
    unmatched: int


@dataclass(frozen=True, slots=True)
class Part:
    """One judged metric."""

    column: Column
    rows: tuple[Row, ...]


def section(summary: Summary) -> tuple[Part, ...]:
    """One part a metric."""
    figures = dict.fromkeys((one.task, one.metric) for one in summary.judging.human)
    return tuple(_part(summary, task, metric) for task, metric in figures)


def sentences(summary: Summary) -> tuple[str, ...]:
    """Of each variant both means."""
    return tuple(
        f"On {part.column.name}, {row.variant} is judged {row.judged}; people would give {row.corrected}"
        f"{f' (95 % CI {row.interval})' if row.interval else ''}, from {row.labelled} labelled items."
        for part in section(summary)
        for row in part.rows
    )


def _part(summary: Summary, task: str, metric: str) -> Part:
    key = (task, metric)
    info = metric_info(summary, task, metric)
    column = Column(task, metric, info, f"{task}.{metric}" in summary.headline, demotion(summary, key))
    some = [one for one in summary.judging.human if (one.task, one.metric) == key]
    axis = _axis(column, some)
    return Part(column, tuple(_row(column, one, axis) for one in some))


def _axis(column: Column, some: Sequence[HumanMean]) -> Axis:
    """The whole of a closed scale, since people and judges use it all; else what the figures span."""
    if numbers.is_closed(column.info):
        return Axis(column.info.low, column.info.high)
    ends = ((c.low, c.mean, c.judged_mean, c.high) for c in (one.corrected for one in some))
    return around([end for several in ends for end in several if end is not None])


def _row(column: Column, one: HumanMean, axis: Axis) -> Row:
    found, info = one.corrected, column.info
    return Row(
        one.variant,
        numbers.with_unit(found.judged_mean, info),
        numbers.with_unit(found.mean, info),
        numbers.interval(found.low, found.high, info),
        whisker(axis, found.mean, found.low, found.high),
        axis.place(found.judged_mean),
        numbers.signed(found.mean - found.judged_mean, info),
        f"{found.lam:.2f}",
        f"{found.labelled:,}",
        f"{found.unlabelled:,}",
        one.unmatched,
    )
