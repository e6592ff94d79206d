"""A family of tests by the largest of their statistics: corrected p and simultaneous intervals from the same tosses.

Westfall & Young 1993, single-step max-T: a statistic is compared with the largest of the whole family under each
assignment of signs. Statistics that move together, as those of variants that share their answers, cost less than
Bonferroni's correction takes them to. Single steps, because their intervals exclude 0 exactly where their p is below α.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

import numpy as np

from harness.statistics.distributions import student_tail
from harness.statistics.joint_tosses import JointTosses
from harness.statistics.resampling import ALPHA, CHUNK, Floats


class Flipped(Protocol):
    """Some statistics of a family on the groups of one task."""

    @property
    def observed(self) -> Floats:
        """Their sizes as seen [m]."""

    @property
    def slack(self) -> Floats:
        """By how much equal sizes may differ by rounding [m]."""

    def under(self, swaps: Floats) -> Floats:
        """swaps [rows, groups], 0 or 1 → the sizes when those groups change sides [rows, m]; NaN: not defined."""


class MaxT:
    """The largest statistic under each assignment of signs, over all that were joined."""

    def __init__(self, tosses: JointTosses) -> None:
        self.tosses = tosses
        self._maxima = np.zeros(tosses.draws)

    def join(self, place: int, statistics: Flipped) -> Floats:
        """Takes some statistics of a task into the family; their own two-sided p, not corrected [m]."""
        bar = statistics.observed - statistics.slack
        hits, start = np.zeros(len(bar)), 0
        for swaps in self._rows(place, len(bar)):
            sizes = np.nan_to_num(statistics.under(swaps), nan=0.0)
            own = self._maxima[start : start + len(swaps)]
            np.maximum(own, sizes.max(axis=1, initial=0.0), out=own)
            hits += (sizes >= bar).sum(axis=0)
            start += len(swaps)
        return self.tosses.share(hits)

    def p(self, bars: Floats) -> Floats:
        """The p corrected for the whole family of statistics [m], less their slack, once all of it has joined."""
        below = np.searchsorted(np.sort(self._maxima), bars, side="left")
        return self.tosses.share((self.tosses.draws - below).astype(np.float64))

    @property
    def critical(self) -> float:
        """The size that a statistic has to exceed, by more than its slack, for a corrected p below α."""
        draws = self.tosses.draws
        hits = math.ceil(ALPHA * draws) if self.tosses.is_exact else math.ceil(ALPHA * (draws + 1)) - 1
        return float(np.sort(self._maxima)[draws - hits]) if hits else math.inf

    def _rows(self, place: int, width: int) -> Iterator[Floats]:
        """The tosses of a task, so many at a time that the statistics under them take little memory."""
        rows = max(1, CHUNK // max(1, width))
        for swaps in self.tosses.of(place):
            for start in range(0, len(swaps), rows):
                yield swaps[start : start + rows]


@lru_cache(maxsize=4096)
def marginal_level(critical: float, groups: int, family: int) -> float:
    """The level of a single test that rejects where |T| of G groups exceeds a critical value c.

    T = S / √A is Student's t in another form, t = T √((G − 1) / (G − T²)), with G − 1 degrees of freedom. No less than
    Bonferroni's level, which so few groups may be unable to reach; no more than α.
    """
    level = 0.0
    if critical**2 < groups:
        level = 2 * student_tail(critical * math.sqrt((groups - 1) / (groups - critical**2)), groups - 1)
    return min(ALPHA, max(level, ALPHA / family))
