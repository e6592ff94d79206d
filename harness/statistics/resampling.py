"""Resamples and random weights of groups of items, and tosses of coins: drawn some rows at a time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 10_000
ALPHA = 0.05
NOTHING = 1e-12  # relative to what is subtracted or added up: less is left by rounding alone
CHUNK = 2_000_000  # random numbers held at once: bounds memory, not results


def resamples(count: int, seed: int) -> Iterator[Floats]:
    """How often each of `count` groups is drawn in RESAMPLES resamples, some rows at a time: [rows, count]."""
    rng = np.random.default_rng(seed)
    for size in _chunks(count):
        drawn = rng.integers(0, count, (size, count)) + np.arange(size)[:, None] * count
        yield np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).astype(np.float64)


def random_weights(count: int, seed: int) -> Iterator[Floats]:
    """RESAMPLES × count independent exponential weights, some rows at a time; their shares are uniform Dirichlet."""
    rng = np.random.default_rng(seed)
    for size in _chunks(count):
        yield rng.standard_exponential((size, count))


def coin_tosses(count: int, seed: int) -> Iterator[Floats]:
    """RESAMPLES × count tosses of a coin, 0 or 1, some rows at a time: what changes sides in a permutation test."""
    rng = np.random.default_rng(seed)
    for size in _chunks(count):
        yield rng.integers(0, 2, (size, count), dtype=np.int8).astype(np.float64)


def percentiles(figures: Floats, level: float = ALPHA) -> tuple[float, float]:
    """The ends of the (1 − level) interval of resampled figures; NaN for what is not defined in a resample."""
    low, high = np.nanpercentile(figures, [100 * level / 2, 100 * (1 - level / 2)])
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


def _chunks(count: int) -> Iterator[int]:
    rows = max(1, CHUNK // count)
    for start in range(0, RESAMPLES, rows):
        yield min(rows, RESAMPLES - start)
