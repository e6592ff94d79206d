"""Figures of a whole corpus: a bootstrap of the difference of two, made to agree with a test that exchanges answers."""

import math
from dataclasses import dataclass

import numpy as np

from harness.statistics.groups import Groups
from harness.statistics.intervals import Interval, reconciled, student_interval, widest
from harness.statistics.power import SMALLEST_P, Needed, detectable_at, needed_at
from harness.statistics.resampling import Floats, percentiles

ROUNDING = 1e-10  # relative to a figure: what sums in another order may differ by


@dataclass(frozen=True, slots=True)
class Exchanges:
    """An approximate randomisation: sizes of the difference when the answers to some groups change places."""

    observed: float  # size of the difference
    gaps: Floats  # of each random exchange [m]; NaN where the figure is not defined
    slack: float  # by how much equal sizes may differ

    @property
    def p(self) -> float:
        """Two-sided, (hits + 1) / (draws + 1)."""
        hits = int((self.gaps >= self.observed - self.slack).sum())
        return (hits + 1) / (int((~np.isnan(self.gaps)).sum()) + 1)

    def reach(self, level: float) -> float:
        """How far from the observed difference one may lie that is not rejected at the level."""
        gaps = np.sort(self.gaps[~np.isnan(self.gaps)])
        hits = math.ceil(level * (len(gaps) + 1)) - 1  # the fewest hits at which p is not below the level
        return math.inf if hits < 1 else float(gaps[len(gaps) - hits]) + self.slack


@dataclass(frozen=True, slots=True)
class ResampledDifference:
    """The difference of two figures and its bootstrap."""

    mean: float
    resampled: Floats  # the difference in each resample of groups
    groups: Groups
    span: float  # the most that a figure may change

    @property
    def error(self) -> float:
        """Its standard error over groups."""
        return 0.0 if is_steady(self.resampled) else standard_error(self.resampled, self.groups)

    def interval(self, level: float, reach: float) -> Interval:
        """The interval at 1 − level: it excludes 0 exactly where a test by exchanges of this reach does."""
        inverted = Interval(self.mean, max(-self.span, self.mean - reach), min(self.span, self.mean + reach))
        return reconciled(self.estimated(level), inverted)

    def estimated(self, level: float) -> Interval:
        """The interval at 1 − level that the bootstrap gives.

        Where resamples make no difference, a share of up to 1 − (level/2)^(1/G) of the groups may still differ.
        """
        if not is_steady(self.resampled):
            return bootstrap_interval(self.mean, self.resampled, self.groups, level)
        unseen = (1 - (level / 2) ** (1 / self.groups.count)) * self.span
        return Interval(self.mean, max(-self.span, self.mean - unseen), min(self.span, self.mean + unseen))

    def power(self, n: int, level: float, smallest_p: float = SMALLEST_P) -> tuple[float | None, Needed | None]:
        """The smallest difference found with 80 % power, and how many items would confirm this one."""
        smallest = detectable_at(self.error, self.groups.count, level, smallest_p)
        return smallest, needed_at(self.mean, self.error, n, level, n / self.groups.count, smallest_p)


def bootstrap_interval(mean: float, figures: Floats, groups: Groups, level: float) -> Interval:
    """Percentiles of resampled figures, and at least Student's t, which few groups need."""
    low, high = percentiles(figures, level)
    student = student_interval(mean, standard_error(figures, groups), groups.count - 1, level)
    return widest(Interval(mean, low, high), student)


def standard_error(figures: Floats, groups: Groups) -> float:
    """Of resampled figures; a bootstrap of G groups is too narrow by √((G − 1) / G)."""
    if groups.count < 2:
        return 0.0
    return float(np.nanstd(figures, ddof=1)) * math.sqrt(groups.count / (groups.count - 1))


def is_steady(figures: Floats) -> bool:
    """Whether resamples make no difference. Their deviation cannot tell: that of equal numbers may miss 0."""
    low, high = float(np.nanmin(figures)), float(np.nanmax(figures))
    return high - low <= ROUNDING * max(1.0, abs(high))
