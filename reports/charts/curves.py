"""Curves measured for the template: paths in a box of 100 × 100, ticks, and names that keep clear of each other."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reports.charts.whiskers import Axis, around

STYLES = 6  # as many lines can be distinguished by colour and by dashes
POINTS = 400  # of a line; more than a screen can show
LINE = 1.35  # em that a name's line of text takes
LONG = 12  # characters of a name that fit one line, on a phone too


class AxisScale(Protocol):
    """Where a value stands, in percent."""

    def place(self, value: float) -> float: ...
    def ticks(self) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A logarithmic scale; both ends are above zero."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Percent of the width; values beyond an end are drawn at the end."""
        inside = min(max(value, self.low), self.high)
        return round(100 * math.log(inside / self.low) / math.log(self.high / self.low), 2)

    def ticks(self) -> list[float]:
        """Three to seven round values within the axis, as far as there are any."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for steps in ((1,), (1, 3), (1, 2, 5)):
            candidates = [m * 10.0**power for power in range(first, last + 1) for m in steps]
            inside = [value for value in candidates if self.low * 0.9999 <= value <= self.high * 1.0001]
            if len(inside) > 2:
                break
        return inside[:: 1 + len(inside) // 8]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One point of a curve, with its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    hint: str = ""  # shown when it is pointed at


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line to be drawn."""

    name: str
    style: str  # how it looks
    points: Sequence[CurvePoint]
    caption: str = ""  # stands behind its name
    is_dotted: bool = False  # whether each point is marked
    is_level: bool = False  # drawn over the whole width at the height of its only value


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A point and its whisker, in percent from left and top."""

    x: float
    y: float
    low: float | None
    high: float | None
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveLine:
    """A curve, measured."""

    name: str
    style: str
    caption: str
    path: str
    dots: tuple[Dot, ...]
    end: tuple[float, float]
    label: float  # where its name stands, percent from the top


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture: ticks are (percent, label), from the left and from the top."""

    title: str
    description: str  # in words, for who cannot see it
    x_title: str
    height: float  # em
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    lines: tuple[CurveLine, ...]
    is_tall: bool  # whether names take two lines
    mark: tuple[float, str] | None = None  # an upright line and what it marks


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFrame:
    """The scales of a picture and what stands beside them."""

    x: AxisScale
    y: AxisScale
    x_ticks: Sequence[tuple[float, str]]  # value, label
    y_ticks: Sequence[tuple[float, str]]
    height: float = 15.0


def chart(title: str, description: str, x_title: str, frame: ChartFrame, curves: Sequence[Curve]) -> Chart:
    """The picture; it grows with the number of names beside it."""
    is_tall = any(text_width(f"{curve.name} {curve.caption}") > LONG for curve in curves)
    line = LINE * (2 if is_tall else 1)
    height = max(frame.height, round(line * len(curves) + 1, 2))
    ends = [_from_top(frame.y, curve.points[-1].y) for curve in curves]
    labels = spread_out(ends, 100 * line / height)
    return Chart(
        title=title,
        description=description,
        x_title=x_title,
        height=height,
        x_ticks=_readable([(frame.x.place(value), label) for value, label in frame.x_ticks]),
        y_ticks=tuple((_from_top(frame.y, value), label) for value, label in frame.y_ticks),
        lines=tuple(_line(frame, curve, label) for curve, label in zip(curves, labels, strict=True)),
        is_tall=is_tall,
    )


def axis_scale(values: Iterable[float], log_from: float) -> AxisScale:
    """Logarithmic where the values span more than `log_from` times, else linear."""
    numbers = list(values)
    if numbers and min(numbers) > 0 and max(numbers) > log_from * min(numbers):
        room = (max(numbers) / min(numbers)) ** 0.04
        return LogAxis(min(numbers) / room, max(numbers) * room)
    axis = around(numbers)
    return Axis(max(0.0, axis.low), axis.high) if numbers and min(numbers) >= 0 else axis


def spread_out(targets: Sequence[float], gap: float) -> list[float]:
    """Places between 0 and 100 at least `gap` apart, in the order of their targets and as near to them as can be."""
    order = sorted(range(len(targets)), key=lambda i: targets[i])
    places, last = list(targets), gap / 2 - gap
    for i in order:
        last = places[i] = max(targets[i], last + gap)
    last = 100 - gap / 2 + gap
    for i in reversed(order):
        last = places[i] = min(places[i], last - gap)
    return [round(place, 2) for place in places]


def text_width(text: str) -> int:
    """Characters, Chinese ones counted twice."""
    return sum(2 if ord(sign) >= 0x2E80 else 1 for sign in text)


def _line(frame: ChartFrame, curve: Curve, label: float) -> CurveLine:
    stride = -(-len(curve.points) // POINTS)
    points = [*curve.points[:-1:stride], curve.points[-1]]
    places = [(frame.x.place(point.x), _from_top(frame.y, point.y)) for point in points]
    if curve.is_level:
        places = [(0.0, places[0][1]), (100.0, places[0][1])]
    has_dots = (curve.is_dotted or len(points) == 1) and not curve.is_level
    return CurveLine(
        name=curve.name,
        style=curve.style,
        caption=curve.caption,
        path="M" + "L".join(f"{x:g},{y:g}" for x, y in places),
        dots=tuple(_dot(frame, point) for point in points) if has_dots else (),
        end=places[-1],
        label=label,
    )


def _dot(frame: ChartFrame, point: CurvePoint) -> Dot:
    low, high = (None if end is None else _from_top(frame.y, end) for end in (point.low, point.high))
    return Dot(x=frame.x.place(point.x), y=_from_top(frame.y, point.y), low=low, high=high, hint=point.hint)


def _from_top(axis: AxisScale, value: float) -> float:
    return round(100 - axis.place(value), 2)


def _readable(ticks: Sequence[tuple[float, str]]) -> tuple[tuple[float, str], ...]:
    """Ticks far enough apart to be read on a phone; the last one always stays."""
    spaced: list[tuple[float, str]] = []
    for place, label in sorted(ticks, reverse=True):
        if not spaced or spaced[-1][0] - place >= 5 + 1.6 * len(label):
            spaced.append((place, label))
    return tuple(reversed(spaced))
