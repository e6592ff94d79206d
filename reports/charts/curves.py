"""Curves measured for the template: paths in a box of 100 × 100, ticks, and names that keep clear of each other."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reports.charts.whiskers import Axis, around

STYLES = 6  # as many lines can be told apart by colour and by dashes
POINTS = 400  # of a line; more than a screen can show
LINE = 1.35  # em that a name's line of text takes
LONG = 12  # characters of a name that fit one line, on a phone too


class Scale(Protocol):
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
            every = [m * 10.0**power for power in range(first, last + 1) for m in steps]
            found = [value for value in every if self.low * 0.9999 <= value <= self.high * 1.0001]
            if len(found) > 2:
                break
        return found[:: 1 + len(found) // 8]


@dataclass(frozen=True, slots=True)
class Value:
    """One point of a curve, with its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    told: str = ""  # shown when it is pointed at


@dataclass(frozen=True, slots=True)
class Curve:
    """A line to be drawn."""

    name: str
    style: str  # how it looks
    values: Sequence[Value]
    told: str = ""  # stands behind its name
    dotted: bool = False  # whether each point is marked
    level: bool = False  # drawn over the whole width at the height of its only value


@dataclass(frozen=True, slots=True)
class Dot:
    """A point and its whisker, in percent from left and top."""

    x: float
    y: float
    low: float | None
    high: float | None
    told: str


@dataclass(frozen=True, slots=True)
class Line:
    """A curve, measured."""

    name: str
    style: str
    told: str
    path: str
    dots: tuple[Dot, ...]
    end: tuple[float, float]
    label: float  # where its name stands, percent from the top


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture: ticks are (percent, label), from the left and from the top."""

    title: str
    about: str  # in words, for who cannot see it
    x_title: str
    height: float  # em
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]
    tall: bool  # whether names take two lines
    mark: tuple[float, str] | None = None  # an upright line and what it marks


@dataclass(frozen=True, slots=True)
class Frame:
    """The scales of a picture and what stands beside them."""

    x: Scale
    y: Scale
    x_ticks: Sequence[tuple[float, str]]  # value, label
    y_ticks: Sequence[tuple[float, str]]
    height: float = 15.0


def chart(title: str, about: str, x_title: str, frame: Frame, curves: Sequence[Curve]) -> Chart:
    """The picture; it grows with the number of names beside it."""
    tall = any(width(f"{curve.name} {curve.told}") > LONG for curve in curves)
    line = LINE * (2 if tall else 1)
    height = max(frame.height, round(line * len(curves) + 1, 2))
    ends = [_height(frame.y, curve.values[-1].y) for curve in curves]
    labels = spread(ends, 100 * line / height)
    return Chart(
        title,
        about,
        x_title,
        height,
        _kept([(frame.x.place(value), label) for value, label in frame.x_ticks]),
        tuple((_height(frame.y, value), label) for value, label in frame.y_ticks),
        tuple(_line(frame, curve, label) for curve, label in zip(curves, labels, strict=True)),
        tall,
    )


def scale(values: Iterable[float], log_from: float) -> Scale:
    """Logarithmic where the values span more than `log_from` times, else linear."""
    known = list(values)
    if known and min(known) > 0 and max(known) > log_from * min(known):
        room = (max(known) / min(known)) ** 0.04
        return LogAxis(min(known) / room, max(known) * room)
    axis = around(known)
    return Axis(max(0.0, axis.low), axis.high) if known and min(known) >= 0 else axis


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Places between 0 and 100 at least `gap` apart, in the same order, each as near to where it wants to be."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    found, last = list(wanted), gap / 2 - gap
    for i in order:
        last = found[i] = max(wanted[i], last + gap)
    last = 100 - gap / 2 + gap
    for i in reversed(order):
        last = found[i] = min(found[i], last - gap)
    return [round(place, 2) for place in found]


def width(text: str) -> int:
    """Characters, Chinese ones counted twice."""
    return sum(2 if ord(sign) >= 0x2E80 else 1 for sign in text)


def _line(frame: Frame, curve: Curve, label: float) -> Line:
    every = -(-len(curve.values) // POINTS)
    kept = [*curve.values[:-1:every], curve.values[-1]]
    places = [(frame.x.place(value.x), _height(frame.y, value.y)) for value in kept]
    if curve.level:
        places = [(0.0, places[0][1]), (100.0, places[0][1])]
    path = "M" + "L".join(f"{x:g},{y:g}" for x, y in places)
    dots = tuple(_dot(frame, value) for value in kept) if (curve.dotted or len(kept) == 1) and not curve.level else ()
    return Line(curve.name, curve.style, curve.told, path, dots, places[-1], label)


def _dot(frame: Frame, value: Value) -> Dot:
    low, high = (None if end is None else _height(frame.y, end) for end in (value.low, value.high))
    return Dot(frame.x.place(value.x), _height(frame.y, value.y), low, high, value.told)


def _height(axis: Scale, value: float) -> float:
    return round(100 - axis.place(value), 2)


def _kept(ticks: Sequence[tuple[float, str]]) -> tuple[tuple[float, str], ...]:
    """Ticks far enough apart to be read on a phone; the last one is always kept."""
    found: list[tuple[float, str]] = []
    for place, label in sorted(ticks, reverse=True):
        if not found or found[-1][0] - place >= 5 + 1.6 * len(label):
            found.append((place, label))
    return tuple(reversed(found))
