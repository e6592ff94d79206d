"""Where a figure's marks stand, in percent of its width: the template draws, this module measures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.records.figures import Comparison, MetricInfo, Result
from reports.facts import numbers

FARTHEST = 1e300  # what is beyond it is drawn there: widths and percentages of such values would be infinite


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One part of a bar, in percent of its width."""

    name: str
    share: str  # e.g. "40.0 %"
    place: int  # its number in the bar, from 1
    start: float
    width: float


def value_axis(results: Iterable[Result], info: MetricInfo) -> Axis:
    """0 to 100 for percentages; otherwise what the intervals span, since few metrics use their whole range."""
    return Axis(info.low, info.high) if numbers.is_percent(info) else around(result_ends(results))


def zero_axis(comparisons: Iterable[Comparison]) -> Axis:
    """An axis over all differences and their intervals, and over zero."""
    ends = [end for c in comparisons for end in (c.low, c.difference, c.high) if end is not None]
    return around([0.0, *ends])


def result_ends(results: Iterable[Result]) -> list[float]:
    """The means and the ends of their intervals, as far as they are known."""
    return [end for result in results for end in (result.low, result.mean, result.high) if end is not None]


def around(values: Sequence[float]) -> Axis:
    """An axis over the values with a little room at both ends."""
    drawable = [min(max(value, -FARTHEST), FARTHEST) for value in values if not math.isnan(value)]
    low, high = (min(drawable), max(drawable)) if drawable else (0.0, 0.0)
    pad = 0.06 * (high - low) or abs(high) * 0.1 or 0.1
    return Axis(low - pad, high + pad)


def whisker(axis: Axis, middle: float, low: float | None, high: float | None) -> Whisker:
    """The places of a mean and its interval."""
    if low is None or high is None or math.isnan(low + high):
        return Whisker(axis.place(middle), None, None)
    return Whisker(axis.place(middle), axis.place(low), axis.place(high))


def segments(counts: Sequence[tuple[str, int]]) -> tuple[Segment, ...]:
    """A bar of named counts, from left to right."""
    total = sum(count for _, count in counts) or 1
    bar, start = [], 0.0
    for place, (name, count) in enumerate(counts, 1):
        width = 100 * count / total
        bar.append(
            Segment(name=name, share=f"{width:.1f} %", place=place, start=round(start, 2), width=round(width, 2))
        )
        start += width
    return tuple(bar)
