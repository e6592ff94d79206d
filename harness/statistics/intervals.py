"""How sure a figure is: intervals of means, of paired differences, and of what was trained several times.

No interval may contradict the test that stands beside it: `reconciled` joins an interval that covers well with the one
that a test leaves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from harness.records.figures import ENDLESS
from harness.statistics.alike import weighted_sums
from harness.statistics.distributions import student_quantile, student_tail
from harness.statistics.groups import Groups, error_of_mean, merged
from harness.statistics.resampling import ALPHA, RESAMPLES, Floats, is_binary, mean_difference

INSIDE = 1e-9  # off the observed difference, where the score is nothing over nothing if no item differs


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The lowest and the highest value that an item can have."""

    low: float
    high: float

    @property
    def is_share(self) -> bool:
        """Whether values are shares of 1."""
        return (self.low, self.high) == (0.0, 1.0)

    @property
    def of_differences(self) -> "ValueRange":
        """Of the differences of two values."""
        span = ENDLESS if self.high >= ENDLESS else self.high - self.low
        return ValueRange(-span, span)

    def cut(self, interval: Interval) -> Interval:
        """An interval, cut where the scale ends."""
        return Interval(interval.mean, max(self.low, interval.low), min(self.high, interval.high))


def wilson(mean: float, n: int) -> tuple[float, float]:
    """95 % score interval of a proportion. Wilson 1927."""
    z2 = _z(ALPHA) ** 2
    centre = (mean + z2 / (2 * n)) / (1 + z2 / n)
    half = _z(ALPHA) / (1 + z2 / n) * math.sqrt(mean * (1 - mean) / n + z2 / (4 * n * n))
    return (0.0 if mean == 0 else max(0.0, centre - half), 1.0 if mean == 1 else min(1.0, centre + half))


@dataclass(frozen=True, slots=True)
class BoundedMean:
    """The mean of values within a scale, with what its interval rests on."""

    mean: float
    error: float  # standard error, clustered by group
    freedom: int  # groups − 1
    lows: Floats  # resampled means with an unseen group at the low end of the scale: the lowest of them, sorted
    highs: Floats  # with one at the high end: the highest, sorted
    scale: ValueRange

    def interval(self, level: float = ALPHA) -> Interval:
        """The interval at a level of at most α; towards an end that the scale does not have, Student's t."""
        rank = level / 2 * RESAMPLES
        low = min(self.mean, float(np.interp(rank, np.arange(len(self.lows)), self.lows)))
        high = max(self.mean, float(np.interp(rank, np.arange(len(self.highs)), self.highs[::-1])))
        student = student_interval(self.mean, self.error, self.freedom, level)
        return Interval(
            self.mean,
            student.low if self.scale.low <= -ENDLESS else low,
            student.high if self.scale.high >= ENDLESS else high,
        )


def mean_interval(values: Floats, groups: Groups, bounded: BoundedMean) -> Interval:
    """Mean of known values [n] with its 95 % interval.

    Wilson for right-or-wrong values of independent items; all others have `bounded_means`, which take no width from
    chance: values that hardly vary, or not at all, are no proof that others would not.
    """
    units, (own,) = merged(groups, values)
    if bounded.scale.is_share and units.are_items and is_binary(own):
        return Interval(bounded.mean, *wilson(bounded.mean, units.count))
    return bounded.interval()


def bounded_means(
    columns: Floats, groups: Groups, scales: Sequence[ValueRange], unseen: Sequence[float], seed: int
) -> list[BoundedMean]:
    """Means of columns [n, m] (NaN for unknown) with intervals that cover at small n too.

    Gaffke 2005; Learned-Miller & Thomas 2020. Groups get random weights with uniform Dirichlet shares (Rubin 1981), the
    same for all columns, and for each end of the scale a group that was not seen is added, of mean size, with all its
    values at that end. Of independent right-or-wrong values it is the interval of Clopper & Pearson. `unseen` is the
    shape of the Gamma weight of the added group, 1 as published.
    """
    has_value = ~np.isnan(columns)
    sums, sizes = groups.sums(np.where(has_value, columns, 0.0)), groups.sums(has_value.astype(np.float64))
    totals, counts = sizes.sum(axis=0), (sizes > 0).sum(axis=0)
    lows, highs = _extreme_means(sums, sizes, scales, unseen, seed)
    return [
        BoundedMean(
            mean=mean_difference(columns[has_value[:, j], j]) if totals[j] else math.nan,
            error=error_of_mean(columns[has_value[:, j], j], groups.at(has_value[:, j])) if totals[j] else 0.0,
            freedom=int(counts[j]) - 1,
            lows=lows[:, j],
            highs=highs[:, j],
            scale=scales[j],
        )
        for j in range(columns.shape[1])
    ]


def _extreme_means(
    sums: Floats, sizes: Floats, scales: Sequence[ValueRange], unseen: Sequence[float], seed: int
) -> tuple[Floats, Floats]:
    """The lowest and the highest randomly weighted means of groups [g, m], sorted; as many as intervals need [k, m]."""
    from scipy.special import gammaincinv

    added = sizes.sum(axis=0) / np.maximum((sizes > 0).sum(axis=0), 1)
    ends = np.array([[scale.low for scale in scales], [scale.high for scale in scales]])
    rng = np.random.default_rng([seed, 1])
    shapes, shape_of = np.unique(np.asarray(unseen, dtype=np.float64), return_inverse=True)
    drawn: list[list[Floats]] = [[], []]
    with np.errstate(invalid="ignore", divide="ignore"):
        for total, size in weighted_sums(sums, sizes, seed):
            own = gammaincinv(shapes, rng.random((len(total), 1)))[:, shape_of]  # equal columns have equal intervals
            extra = added * own
            for chunks, end in zip(drawn, ends, strict=True):
                chunks.append((total + extra * end) / (size + extra))
    tail = int(ALPHA / 2 * RESAMPLES) + 2
    lows = np.sort(np.partition(np.concatenate(drawn[0]), tail - 1, axis=0)[:tail], axis=0)
    highs = np.sort(np.partition(np.concatenate(drawn[1]), RESAMPLES - tail, axis=0)[-tail:], axis=0)
    return lows, highs


def bounded_differences(columns: Floats, groups: Groups, scales: Sequence[ValueRange], seed: int) -> list[BoundedMean]:
    """The means of differences [n, m], with less room for what was not seen where differences never repeat."""
    has_value = [~np.isnan(column) for column in columns.T]
    unseen = [
        commonest_share(column[rows], groups.at(rows)) if rows.any() else 1.0
        for column, rows in zip(columns.T, has_value, strict=True)
    ]
    return bounded_means(columns, groups, scales, unseen, seed)


def commonest_share(differences: Floats, groups: Groups) -> float:
    """The share of the groups whose mean difference is the commonest one, in (0, 1].

    Differences that are mostly equal tell little about how far an unseen one may lie; those that never repeat do.
    """
    means = groups.sums(differences) / groups.sizes
    return float(np.unique(np.round(means, 9), return_counts=True)[1].max() / groups.count)


def student_interval(mean: float, error: float, freedom: float, level: float = ALPHA) -> Interval:
    """A mean ± t times its standard error, at the degrees of freedom; without any, it has no ends."""
    half = student_quantile(1 - level / 2, freedom) * error if freedom > 0 else ENDLESS
    return Interval(mean, mean - half, mean + half)


def score_interval(wins: int, losses: int, n: int, level: float) -> Interval:
    """Difference of two shares of the same n items: Tango 1998, the paired score interval.

    The ends are where (wins − losses − nδ)² = z² n (2q + δ(1 − δ)), with q the likeliest share of lost items at δ.
    """
    from scipy.optimize import brentq

    mean, z = (wins - losses) / n, _z(level)

    def excess(delta: float) -> float:
        b = -wins - losses + (2 * n - wins + losses) * delta
        q = (math.sqrt(max(0.0, b * b + 8 * n * losses * delta * (1 - delta))) - b) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        return abs(wins - losses - n * delta) - z * math.sqrt(max(0.0, variance))

    low = float(brentq(excess, -1.0, mean - INSIDE, xtol=INSIDE)) if mean - INSIDE > -1 and excess(-1.0) > 0 else -1.0
    high = float(brentq(excess, mean + INSIDE, 1.0, xtol=INSIDE)) if mean + INSIDE < 1 and excess(1.0) > 0 else 1.0
    return Interval(mean, low, high)


def reconciled(estimated: Interval, inverted: Interval) -> Interval:
    """An interval that covers well, made to agree with the test that another one inverts.

    It holds both, so that zero is within where the test leaves it open; but where the test excludes zero, it ends on
    that side at the latest where the test does.
    """
    low, high = min(estimated.low, inverted.low), max(estimated.high, inverted.high)
    low = inverted.low if low <= 0 < inverted.low else low
    high = inverted.high if inverted.high < 0 <= high else high
    return Interval(estimated.mean, low, high)


def widest(first: Interval, second: Interval) -> Interval:
    """The hull of two intervals of one figure."""
    return Interval(first.mean, min(first.low, second.low), max(first.high, second.high))


def crossed(
    mean: float, error: float, freedom: int, seeds: Sequence[Floats], level: float = ALPHA
) -> tuple[Interval, float]:
    """A figure over items and seeds, both drawn at random, with its interval and two-sided p against 0.

    `error` is its standard error over items, with `freedom` degrees (groups − 1); `seeds` are, for each side that was
    trained several times, the figures of each seed [k]. The variances add, with Satterthwaite's (1946) degrees of
    freedom: conservative, because an item's own noise between seeds is counted in both.
    """
    parts = [(error**2, freedom)] if freedom > 0 else []
    parts += [(group.var(ddof=1) / len(group), len(group) - 1) for group in seeds if len(group) > 1]
    variance = float(sum(part for part, _ in parts))
    if not variance:
        return Interval(mean, mean, mean), 0.0 if mean else 1.0
    total = variance**2 / sum(part**2 / df for part, df in parts if part)
    p = 2 * student_tail(abs(mean) / math.sqrt(variance), total)
    return student_interval(mean, math.sqrt(variance), total, level), p


def _z(level: float) -> float:
    return NormalDist().inv_cdf(1 - level / 2)
