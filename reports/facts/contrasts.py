"""Differences on one axis through zero, whatever they are between: approaches, levels of a factor."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.decisions import Effect
from harness.records.figures import Comparison, MetricInfo
from reports.charts.whiskers import Axis, Whisker, around, whisker
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn

OPPOSITE: dict[str, Literal["better", "worse", "inconclusive"]] = {"better": "worse", "worse": "better"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnDifference:
    """One difference, as text and as a picture."""

    difference: str
    interval: str | None
    picture: Whisker | None  # None where it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastScale:
    """The axis that the differences of one figure share."""

    column: MetricColumn
    axis: Axis
    zero: float
    ticks: tuple[tuple[float, str], ...]

    def contrast(self, tested: Comparison | Effect) -> DrawnDifference:
        """A difference on this axis."""
        info = self.column.info
        difference, low, high = (_finite(value) for value in (tested.difference, tested.low, tested.high))
        return DrawnDifference(
            difference=numbers.signed(difference, info),
            interval=numbers.interval(low, high, info),
            picture=None if difference is None else whisker(self.axis, difference, low, high),
        )


def contrast_scale(column: MetricColumn, tested: Iterable[Comparison | Effect]) -> ContrastScale:
    """Over all these differences and their intervals, and over zero."""
    ends = [end for t in tested for end in (t.low, t.difference, t.high) if _finite(end) is not None]
    axis = around([0.0, *(end for end in ends if end is not None)])
    return ContrastScale(column=column, axis=axis, zero=axis.place(0.0), ticks=_ticks(axis, column.info))


def _ticks(axis: Axis, info: MetricInfo) -> tuple[tuple[float, str], ...]:
    places = axis.ticks()
    labels = [numbers.signed(tick, info) for tick in places]
    if all(label.endswith((".0", ".00")) or label == "0" for label in labels):
        labels = [label.split(".")[0] for label in labels]
    return tuple((axis.place(tick), label) for tick, label in zip(places, labels, strict=True))


def in_favour(comparison: Comparison, column: MetricColumn) -> Comparison:
    """The same comparison, turned so that its variant is not the worse of the two."""
    return comparison if (comparison.difference or 0.0) * column.sign >= 0 else turned(comparison)


def turned(comparison: Comparison) -> Comparison:
    """The same comparison, seen from the reference."""
    return replace(
        comparison,
        variant=comparison.reference,
        reference=comparison.variant,
        difference=_negative(comparison.difference),
        low=_negative(comparison.high),
        high=_negative(comparison.low),
        wins=comparison.losses,
        losses=comparison.wins,
        verdict=OPPOSITE.get(comparison.verdict, comparison.verdict),
    )


def by_figure(tested: Sequence[Comparison]) -> dict[tuple[str, str], list[Comparison]]:
    """By task and metric, in the order in which they come."""
    figures: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in tested:
        figures.setdefault((comparison.task, comparison.metric), []).append(comparison)
    return figures


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
