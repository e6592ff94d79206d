"""Where a figure's marks stand, in percent of its width: the template draws, this module measures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.records.figures import MetricInfo, Result, Summary
from reports.facts import numbers
from reports.facts.columns import Column, ordinary
from reports.facts.table import Verdict


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear scale shared by all whiskers of a picture."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Percent of the width; values beyond an end are drawn at the end."""
        inside = min(max(value, self.low), self.high)
        return round(100 * (inside - self.low) / (self.high - self.low), 2)

    def ticks(self) -> list[float]:
        """Three to six round values within the axis."""
        rough = (self.high - self.low) / 4
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(step * place, 12) for place in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Whisker:
    """A dot and, when the interval is known, the line around it."""

    middle: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One variant's difference to the reference."""

    variant: str
    whisker: Whisker
    difference: str
    interval: str | None
    p: str | None
    wins: int
    losses: int
    ties: int
    verdict: Verdict
    needed: str | None  # items that would confirm the difference, when inconclusive
    samples: int
    detectable: str | None


@dataclass(frozen=True, slots=True)
class Forest:
    """All differences on one metric, on one axis through zero."""

    column: Column
    reference: str
    zero: float
    ticks: tuple[tuple[float, str], ...]  # place, label
    rows: tuple[ForestRow, ...]


def value_axis(results: Iterable[Result], info: MetricInfo) -> Axis:
    """0 to 100 for percentages; otherwise what the intervals span, since few metrics use their whole range."""
    if numbers.is_percent(info):
        return Axis(info.low, info.high)
    ends = [end for r in results for end in (r.low, r.mean, r.high) if end is not None]
    return around(ends)


def whisker(axis: Axis, middle: float, low: float | None, high: float | None) -> Whisker:
    """The places of a mean and its interval."""
    if low is None or high is None:
        return Whisker(axis.place(middle), None, None)
    return Whisker(axis.place(middle), axis.place(low), axis.place(high))


def forests(summary: Summary) -> tuple[Forest, ...]:
    """One picture per metric that was compared, headline first."""
    return tuple(forest for column in ordinary(summary) if (forest := _forest(summary, column)))


def _forest(summary: Summary, column: Column) -> Forest | None:
    key = (column.task, column.metric)
    tested = [c for c in summary.comparisons if (c.task, c.metric) == key and c.difference is not None]
    if not tested:
        return None
    ends = [end for c in tested for end in (c.low, c.difference, c.high) if end is not None]
    axis = around([0.0, *ends])
    rows = []
    for c in tested:
        difference = c.difference or 0.0
        rows.append(
            ForestRow(
                variant=c.variant,
                whisker=whisker(axis, difference, c.low, c.high),
                difference=numbers.signed(difference, column.info),
                interval=numbers.interval(c.low, c.high, column.info),
                p=numbers.p_value(c),
                wins=c.wins,
                losses=c.losses,
                ties=c.ties,
                verdict=c.verdict,
                needed=None if c.needed is None or c.verdict != "inconclusive" else numbers.about(c.needed),
                samples=c.samples,
                detectable=None if c.detectable is None else numbers.points(c.detectable, column.info),
            )
        )
    places = axis.ticks()
    labels = [numbers.signed(tick, column.info) for tick in places]
    if all(label.endswith((".0", ".00")) or label == "0" for label in labels):
        labels = [label.split(".")[0] for label in labels]
    ticks = tuple((axis.place(tick), label) for tick, label in zip(places, labels, strict=True))
    return Forest(column, tested[0].reference, axis.place(0.0), ticks, tuple(rows))


def around(values: Sequence[float]) -> Axis:
    """An axis over the values with a little room at both ends."""
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    pad = 0.06 * (high - low) or abs(high) * 0.1 or 0.1
    return Axis(low - pad, high + pad)
