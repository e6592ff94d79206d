"""What training made models forget: their answers to general tasks before and after."""

from dataclasses import dataclass

from harness.records.figures import Comparison, Summary
from reports.charts.whiskers import Axis, Whisker, around, whisker
from reports.facts import numbers
from reports.facts.columns import Column, metric_info
from reports.facts.wording import counted


@dataclass(frozen=True, slots=True)
class Row:
    """One trained model on one general task."""

    model: str
    base: str
    before: str
    after: str
    difference: str
    interval: str | None
    p: str | None
    whisker: Whisker | None
    verdict: str  # better, worse or inconclusive
    told: str  # the same in words
    advice: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """One figure of a general task, on one axis through zero."""

    column: Column
    samples: str
    zero: float
    rows: tuple[Row, ...]


def section(summary: Summary) -> tuple[Part, ...]:
    """One part a figure."""
    figures = dict.fromkeys((found.task, found.metric) for found in summary.forgotten)
    return tuple(_part(summary, _column(summary, *key)) for key in figures)


def alarms(summary: Summary) -> tuple[str, ...]:
    """One sentence with every drop beyond noise."""
    drops = [found for found in summary.forgotten if found.verdict == "worse"]
    if not drops:
        return ()
    told = "; ".join(_drop(summary, found) for found in drops)
    return (f"Forgetting: {told}.",)


def sentences(summary: Summary) -> tuple[str, ...]:
    """Of models without a drop, how large one could have been overlooked."""
    still = [found for found in summary.forgotten if found.verdict != "worse" and found.difference is not None]
    unknown = [found for found in summary.forgotten if found.difference is None]
    return tuple(
        f"Whether {found.variant} forgot anything on {found.task}.{found.metric} is unknown: no item is known for both."
        for found in unknown
    ) + tuple(
        f"{found.variant} shows no drop on {found.task}.{found.metric} against {found.reference} "
        f"({_evidence(_column(summary, found.task, found.metric), found)})."
        for found in still
    )


def _column(summary: Summary, task: str, metric: str) -> Column:
    return Column(task, metric, metric_info(summary, task, metric), f"{task}.{metric}" in summary.headline)


def _part(summary: Summary, column: Column) -> Part:
    tested = [found for found in summary.forgotten if (found.task, found.metric) == column.key]
    ends = [end for found in tested for end in (found.low, found.difference, found.high) if end is not None]
    axis = around([0.0, *ends])
    least, most = min(found.samples for found in tested), max(found.samples for found in tested)
    samples = counted(most, "item") if least == most else f"{least:,} to {most:,} items"
    rows = tuple(_row(summary, column, found, axis) for found in tested)
    return Part(column, samples, axis.place(0.0), rows)


def _row(summary: Summary, column: Column, found: Comparison, axis: Axis) -> Row:
    info, known = column.info, found.difference is not None
    told = {"worse": "a drop beyond noise", "better": "a gain beyond noise", "inconclusive": "no change shown"}
    return Row(
        found.variant,
        found.reference,
        _mean(summary, column, found.reference),
        _mean(summary, column, found.variant),
        numbers.signed(found.difference, info) if found.difference is not None else "unknown",
        numbers.interval(found.low, found.high, info) if known else None,
        numbers.p_value(found) if known else None,
        whisker(axis, found.difference, found.low, found.high) if found.difference is not None else None,
        found.verdict,
        told[found.verdict] if known else "no item is known for both",
        _advice(column, found),
    )


def _mean(summary: Summary, column: Column, model: str) -> str:
    """The model's own result on the task."""
    means = {result.variant: result.mean for result in summary.general if (result.task, result.metric) == column.key}
    mean = means.get(model)
    return "–" if mean is None else numbers.with_unit(mean, column.info)


def _advice(column: Column, found: Comparison) -> str | None:
    """What could have been overlooked."""
    if found.verdict != "inconclusive" or found.detectable is None:
        return None
    smallest = numbers.points(found.detectable, column.info)
    return f"{counted(found.samples, 'item')} can only show changes of {smallest} or more"


def _drop(summary: Summary, found: Comparison) -> str:
    column = _column(summary, found.task, found.metric)
    lower = " (lower is better)" if column.info.better == "lower" else ""
    by = f"{numbers.points(found.difference or 0.0, column.info)}{lower}"
    evidence = _evidence(column, found, bare=True)
    return f"{found.variant} is worse than {found.reference} by {by} on {column.name} ({evidence})"


def _evidence(column: Column, found: Comparison, bare: bool = False) -> str:
    if found.difference is None:
        return "no item is known for both"
    bounds = numbers.interval(found.low, found.high, column.info)
    parts = (
        None if bare else numbers.signed(found.difference, column.info),
        f"95 % CI {bounds}" if bounds else None,
        numbers.p_value(found),
        f"{found.samples:,} items",
    )
    return ", ".join(part for part in parts if part)
