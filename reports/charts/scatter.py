"""Points on two scales, the horizontal one logarithmic where costs differ by orders; labels that do not overlap."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.charts.whiskers import Axis, around

WIDE = 20.0  # from this ratio on, costs are drawn on a logarithmic scale
LETTER, LINE = 0.95, 5.0  # percent of the picture's width and height that a letter and a line take


@dataclass(frozen=True, slots=True)
class CostAxis:
    """A scale of costs; zero has its place on it, at the left end, also where it is logarithmic."""

    low: float
    high: float
    is_logarithmic: bool

    def place(self, value: float) -> float:
        """Percent of the width."""
        if not self.is_logarithmic:
            return Axis(self.low, self.high).place(value)
        if value <= 0:
            return 0.0
        return Axis(math.log10(self.low), math.log10(self.high)).place(math.log10(value))

    def ticks(self) -> list[float]:
        """Round values: 1, 2 and 5 of each power of ten, or as many of them as there is room for."""
        if not self.is_logarithmic:
            return [tick for tick in Axis(self.low, self.high).ticks() if tick >= 0]
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            ticks = [f * 10.0**p for p in powers for f in factors if self.low <= f * 10.0**p <= self.high]
            if len(ticks) <= 7:
                return ticks
        return ticks[:: math.ceil(len(ticks) / 7)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Where a point's name stands."""

    x: float
    y: float
    anchor: str  # of the text: start, middle or end


def cost_axis(costs: Iterable[float]) -> CostAxis:
    """From zero, or over the powers of ten that the costs above zero span."""
    positive = [cost for cost in costs if cost > 0]
    if positive and max(positive) > WIDE * min(positive):
        return CostAxis(min(positive) / 1.6, max(positive) * 1.6, True)
    return CostAxis(0.0, (max(positive) if positive else 1.0) * 1.08, False)


def quality_axis(values: Sequence[float]) -> Axis:
    """Over the values, with room for labels above and below."""
    spanned = around(values)
    return Axis(spanned.low - 0.08 * (spanned.high - spanned.low), spanned.high + 0.08 * (spanned.high - spanned.low))


def place_labels(points: Sequence[tuple[float, float, str]]) -> list[Label | None]:
    """For each point (x, y in percent, name) a free place beside it; None where there is none."""
    occupied = [(x - 1, y - 2, x + 1, y + 2) for x, y, _ in points]
    labels: list[Label | None] = []
    for x, y, name in points:
        width = LETTER * len(name)
        places = (
            (x + 1.4, y + 1.4, "start", x + 1.4),
            (x - 1.4, y + 1.4, "end", x - 1.4 - width),
            (x, y - 3.2, "middle", x - width / 2),
            (x, y + 6.2, "middle", x - width / 2),
        )
        free = next((place for place in places if _is_free(occupied, place[3], place[1], width)), None)
        labels.append(Label(x=free[0], y=free[1], anchor=free[2]) if free else None)
        if free:
            occupied.append((free[3], free[1] - LINE + 1, free[3] + width, free[1] + 1))
    return labels


def _is_free(occupied: Sequence[tuple[float, float, float, float]], left: float, base: float, width: float) -> bool:
    right, top, bottom = left + width, base - LINE + 1, base + 1
    if left < 0 or right > 100 or top < -4:
        return False
    return not any(left < x2 and x1 < right and top < y2 and y1 < bottom for x1, y1, x2, y2 in occupied)
