"""Differences of figures of a corpus when answers change places by whole groups, as statistics of a family.

A figure is no sum over groups, so that the size of its difference is divided by what exchanges make of it on average:
its root mean square over them. Riezler & Maxwell 2005; as a statistic of a family: Westfall & Young 1993, section 2.5.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from harness.statistics.exchanges import ROUNDING
from harness.statistics.resampling import Floats

FigureOf = Callable[[Floats], Floats]  # totals [rows, kinds] → the figure [rows]
SCALED_BY = 1000  # exchanges, at least: a scale need not be exact, since it is the same for what is compared


class Sides(NamedTuple):
    """Where in a list of counts [G, kinds] those of a pair's two variants stand, on the items that both have."""

    ours: int
    theirs: int


class ExchangedFigures:
    """The statistics of some pairs, and what exchanges of groups make of them."""

    def __init__(
        self, counts: Sequence[Floats], pairs: Sequence[Sides], figure: FigureOf, swaps: Iterable[Floats]
    ) -> None:
        """`swaps` are the tosses that the scale is taken from; some of the first are enough."""
        self._counts = np.concatenate(counts, axis=1) if counts else np.zeros((0, 0))
        self._kinds = counts[0].shape[1] if counts else 0
        self._totals = self._counts.sum(axis=0)[None]
        self._pairs = pairs
        self._figure = figure
        still = np.zeros((1, len(self._counts)))
        gaps = self._gaps(still)[0]
        self.scales = self._scales(swaps)
        self.observed = np.nan_to_num(gaps / self.scales, nan=0.0)
        self.slack = ROUNDING * np.maximum(1.0, self._sizes()) / self.scales

    def under(self, swaps: Floats) -> Floats:
        """swaps [rows, G], 0 or 1 → the statistics when those groups change places [rows, m]; NaN: not defined."""
        return self._gaps(swaps) / self.scales

    def _gaps(self, swaps: Floats) -> Floats:
        moved = swaps @ self._counts
        gaps = np.empty((len(swaps), len(self._pairs)))
        for i, pair in enumerate(self._pairs):
            ours, theirs = self._of(self._totals, pair.ours), self._of(self._totals, pair.theirs)
            change = self._of(moved, pair.theirs) - self._of(moved, pair.ours)
            gaps[:, i] = np.abs(self._figure(ours + change) - self._figure(theirs - change))
        return gaps

    def _scales(self, swaps: Iterable[Floats]) -> Floats:
        """Root mean squares [m]; 1 where exchanges make no difference."""
        squares, counts, rows = np.zeros(len(self._pairs)), np.zeros(len(self._pairs)), 0
        for block in swaps:
            own = self._gaps(block) ** 2
            squares, counts = squares + np.nansum(own, axis=0), counts + (~np.isnan(own)).sum(axis=0)
            rows += len(block)
            if rows >= SCALED_BY:
                break
        scales = np.sqrt(squares / np.maximum(counts, 1.0))
        return np.where(scales > ROUNDING * np.maximum(1.0, self._sizes()), scales, 1.0)

    def _sizes(self) -> Floats:
        """The larger of each pair's figures [m]."""
        own = {place: abs(float(self._figure(self._of(self._totals, place))[0])) for place in self._places()}
        return np.nan_to_num([max(own[pair.ours], own[pair.theirs]) for pair in self._pairs], nan=0.0)

    def _places(self) -> set[int]:
        return {place for pair in self._pairs for place in (pair.ours, pair.theirs)}

    def _of(self, columns: Floats, place: int) -> Floats:
        return columns[:, place * self._kinds : (place + 1) * self._kinds]
