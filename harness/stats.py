"""Whether a difference is real: paired, exact where possible, corrected for many comparisons, honest about power."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 10_000
ALPHA = 0.05
POWER = 0.8
CHUNK = 2_000_000  # resampled indices held at once: bounds memory, not results
Z_95 = 1.959963984540054
Z_POWER = 0.8416212335729143  # of 80 %


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


def resamples(n: int, seed: int) -> Iterator[Floats]:
    """How often each of n items is drawn in RESAMPLES resamples, some rows at a time: [rows, n]."""
    rng = np.random.default_rng(seed)
    rows = max(1, CHUNK // n)
    for start in range(0, RESAMPLES, rows):
        size = min(rows, RESAMPLES - start)
        drawn = rng.integers(0, n, (size, n)) + np.arange(size)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def bootstrap_means(values: Floats, seed: int) -> Floats:
    """Means of resampled items. values [n, m] with NaN for unknown → [RESAMPLES, m].

    All columns are resampled by the same items, so that differences of columns are paired. Efron & Tibshirani 1993.
    """
    n = len(values)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    means = []
    for counts in resamples(n, seed):
        weights = float(n) if known.all() else counts @ known
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(counts @ filled / weights)
    return np.concatenate(means)


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
    mean = float(differences.mean())
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
    parts += [(some.var(ddof=1) / len(some), len(some) - 1) for some in seeds if len(some) > 1]
    variance = float(sum(part for part, _ in parts))
    if not variance:
        return Interval(mean, mean, mean), 0.0 if mean else 1.0
    freedom = variance**2 / sum(part**2 / df for part, df in parts if part)
    error = math.sqrt(variance)
    half = float(t.ppf(1 - ALPHA / 2, freedom)) * error
    return Interval(mean, mean - half, mean + half), float(2 * t.sf(abs(mean) / error, freedom))


def percentiles(means: Floats) -> tuple[float, float]:
    """The ends of the 95 % interval of resampled figures; NaN for what is not defined in a resample."""
    low, high = np.nanpercentile(means, [100 * ALPHA / 2, 100 * (1 - ALPHA / 2)])
    return float(low), float(high)


def is_binary(values: Floats) -> bool:
    """Whether all values are 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())


def mcnemar(wins: int, losses: int) -> float:
    """Two-sided exact p for paired right-or-wrong values: wins among discordant pairs are binomial(½). McNemar 1947."""
    discordant = wins + losses
    if discordant == 0:
        return 1.0
    tail = sum(math.comb(discordant, k) for k in range(min(wins, losses) + 1))
    return min(1.0, float(2 * tail / 2**discordant)) if discordant < 1000 else _binomial(wins, discordant)


def _binomial(wins: int, n: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(wins, n).pvalue)


def sign_flip(differences: Floats, seed: int) -> float:
    """Two-sided p of a paired permutation test: under no difference each sign is a coin toss. Fisher 1935.

    Exact when all 2^n assignments are no more than RESAMPLES, else by random assignments with (hits + 1) / (draws + 1).
    """
    n = len(differences)
    observed = abs(float(differences.sum())) - 1e-12
    if 2**n <= RESAMPLES:
        signs = 1.0 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float((np.abs(signs @ differences) >= observed).mean())
    hits = sum(int((np.abs((1.0 - 2 * swaps) @ differences) >= observed).sum()) for swaps in coin_tosses(n, seed))
    return (hits + 1) / (RESAMPLES + 1)


def coin_tosses(n: int, seed: int) -> Iterator[Floats]:
    """RESAMPLES × n tosses of a coin, 0 or 1, some rows at a time: which items change sides in a permutation test."""
    rng = np.random.default_rng(seed)
    rows = max(1, CHUNK // n)
    for start in range(0, RESAMPLES, rows):
        yield rng.integers(0, 2, (min(rows, RESAMPLES - start), n), dtype=np.int8).astype(np.float64)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false alarm at α. Holm 1979."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def detectable(differences: Floats, alpha: float = ALPHA) -> float | None:
    """The smallest true difference found with 80 % power at this size. Miller 2024, section 5, eq. 9 solved for δ."""
    spread = _spread(differences)
    return (_z(alpha) + Z_POWER) * spread / math.sqrt(len(differences)) if spread else None


def detectable_at(error: float, alpha: float) -> float | None:
    """As `detectable`, for a difference of figures that are no means, by its standard error."""
    return (_z(alpha) + Z_POWER) * error or None


def needed_at(difference: float, error: float, n: int, alpha: float) -> int | None:
    """As `needed`, by the standard error over n items, which shrinks with the root of their number."""
    return math.ceil(n * ((_z(alpha) + Z_POWER) * error / difference) ** 2) or None if difference else None


def needed(differences: Floats, alpha: float = ALPHA) -> int | None:
    """Items needed to confirm the observed mean difference δ with 80 % power; None if it is 0.

    Graded values: Miller 2024, eq. 9. Right-or-wrong values: Connor 1987 for McNemar's test, whose variance under no
    difference is the share of discordant items: (z_α √ψ + z_β √(ψ − δ²))² / δ²; and at least so many that the exact
    test can reach α at all, which takes log₂(2/α) discordant items that all go one way.
    """
    mean = float(differences.mean())
    if mean == 0:
        return None
    if np.isin(differences, (-1.0, 0.0, 1.0)).all():
        discordant = float(np.abs(differences).mean())
        root = _z(alpha) * math.sqrt(discordant) + Z_POWER * math.sqrt(max(0.0, discordant - mean**2))
        least = math.ceil(math.log2(2 / alpha)) / discordant
        return math.ceil(max((root / mean) ** 2, least))
    return math.ceil(((_z(alpha) + Z_POWER) * _spread(differences) / mean) ** 2) or None


def _z(alpha: float) -> float:
    return NormalDist().inv_cdf(1 - alpha / 2)


def _spread(differences: Floats) -> float:
    return float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
