"""Resamples of items and tosses of coins, drawn some rows at a time and the same for every column."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 10_000
ALPHA = 0.05
CHUNK = 2_000_000  # resampled indices held at once: bounds memory, not results
Z_95 = 1.959963984540054
NOTHING = 1e-12  # relative to what is subtracted or added up: less is left by rounding alone


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
    is_known = ~np.isnan(values)
    filled = np.where(is_known, values, 0.0)
    means = []
    for counts in resamples(n, seed):
        weights = float(n) if is_known.all() else counts @ is_known
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(counts @ filled / weights)
    return np.concatenate(means)


def percentiles(means: Floats) -> tuple[float, float]:
    """The ends of the 95 % interval of resampled figures; NaN for what is not defined in a resample."""
    low, high = np.nanpercentile(means, [100 * ALPHA / 2, 100 * (1 - ALPHA / 2)])
    return float(low), float(high)


def differences_of(ours: Floats, theirs: Floats) -> Floats:
    """ours − theirs, 0 where nothing but rounding parts them; NaN where one is unknown."""
    differences = ours - theirs
    rounding = np.abs(differences) <= NOTHING * np.maximum(np.abs(ours), np.abs(theirs))
    return np.where(rounding, 0.0, differences)


def mean_difference(differences: Floats) -> float:
    """The mean of differences, 0 where they cancel but for rounding."""
    mean = float(differences.mean())
    return 0.0 if abs(mean) <= NOTHING * float(np.abs(differences).max()) else mean


def is_binary(values: Floats) -> bool:
    """Whether all values are 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())


def coin_tosses(n: int, seed: int) -> Iterator[Floats]:
    """RESAMPLES × n tosses of a coin, 0 or 1, some rows at a time: which items change sides in a permutation test."""
    rng = np.random.default_rng(seed)
    rows = max(1, CHUNK // n)
    for start in range(0, RESAMPLES, rows):
        yield rng.integers(0, 2, (min(rows, RESAMPLES - start), n), dtype=np.int8).astype(np.float64)
