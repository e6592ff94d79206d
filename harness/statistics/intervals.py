"""How sure a figure is: intervals of means, differences and of what was trained several times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.resampling import ALPHA, Z_95, Floats, is_binary, mean_difference, percentiles


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


def wilson(mean: float, n: int) -> tuple[float, float]:
    """95 % score interval of a proportion. Wilson 1927.

    For values in [0, 1] that are not all 0 or 1 it is conservative, because their variance is at most mean·(1 − mean).
    """
    z2 = Z_95**2
    centre = (mean + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * math.sqrt(mean * (1 - mean) / n + z2 / (4 * n * n))
    return (0.0 if mean == 0 else max(0.0, centre - half), 1.0 if mean == 1 else min(1.0, centre + half))


def mean_interval(values: Floats, means: Floats, low: float, high: float) -> Interval:
    """Mean of known values in [low, high] with its interval: Wilson for right-or-wrong values, else a bootstrap.

    Values that do not vary get the Wilson interval of their place in the range too, because a bootstrap of equal values
    would claim certainty.
    """
    mean = float(values.mean())
    if ((low, high) == (0.0, 1.0) and is_binary(values)) or np.ptp(values) == 0:
        ends = wilson((mean - low) / (high - low), len(values))
        return Interval(mean, *(low + end * (high - low) for end in ends))
    return Interval(mean, *percentiles(means))


def difference_interval(differences: Floats, means: Floats, span: float) -> Interval:
    """Mean paired difference with its bootstrap interval.

    Differences that do not vary get a width from Clopper–Pearson instead: after n equal ones, a share of up to
    1 − 0.025^(1/n) of the items may still differ, each by at most `span`.
    """
    mean = mean_difference(differences)
    if np.ptp(differences) == 0:
        unseen = (1 - (ALPHA / 2) ** (1 / len(differences))) * span
        return Interval(mean, max(-span, mean - unseen), min(span, mean + unseen))
    return Interval(mean, *percentiles(means))


def crossed(values: Floats, seeds: Sequence[Floats]) -> tuple[Interval, float]:
    """Mean over items and seeds, both drawn at random, with its 95 % interval and two-sided p against 0.

    `values` [n] are means over the seeds of each item; `seeds` are, for each side that was trained several times, the
    means over the items of each seed [k]. The variances of the two means add, with Satterthwaite's (1946) degrees of
    freedom: conservative, because an item's own noise between seeds is counted in both.
    """
    spread = [values.var(ddof=1) / len(values)] if len(values) > 1 else []
    return crossed_with(float(values.mean()), float(sum(spread)), len(values), seeds)


def crossed_with(mean: float, variance: float, n: int, seeds: Sequence[Floats]) -> tuple[Interval, float]:
    """As `crossed`, for a figure of n items that is no mean: its variance over items is given, e.g. by a bootstrap."""
    from scipy.stats import t

    parts = [(variance, n - 1)] if n > 1 else []
    parts += [(group.var(ddof=1) / len(group), len(group) - 1) for group in seeds if len(group) > 1]
    variance = float(sum(part for part, _ in parts))
    if not variance:
        return Interval(mean, mean, mean), 0.0 if mean else 1.0
    freedom = variance**2 / sum(part**2 / df for part, df in parts if part)
    error = math.sqrt(variance)
    half = float(t.ppf(1 - ALPHA / 2, freedom)) * error
    return Interval(mean, mean - half, mean + half), float(2 * t.sf(abs(mean) / error, freedom))
