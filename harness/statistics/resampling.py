"""Resamples and random weights of groups of items, and tosses of coins: drawn some rows at a time.

Comparisons of the same items share resamples and tosses, so that the last ones drawn are kept, a byte each.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
RESAMPLES = 10_000
ALPHA = 0.05
NOTHING = 1e-12  # relative to what is subtracted or added up: less is left by rounding alone
CHUNK = 2_000_000  # random numbers held at once: bounds memory, not results
KEPT = 10_000  # groups: the draws of more are not kept
Draw = Callable[[int, int], Iterator[Bytes]]  # number of groups, seed → some rows at a time


def resamples(count: int, seed: int) -> Iterator[Floats]:
    """How often each of `count` groups is drawn in RESAMPLES resamples, some rows at a time: [rows, count]."""
    return _shared(_drawn_resamples, _kept_resamples, count, seed)


def random_weights(count: int, seed: int) -> Iterator[Floats]:
    """RESAMPLES × count independent exponential weights, some rows at a time; their shares are uniform Dirichlet."""
    rng = np.random.default_rng(seed)
    for size in draws_at_once(count):
        yield rng.standard_exponential((size, count))


def coin_tosses(count: int, seed: int) -> Iterator[Floats]:
    """RESAMPLES × count tosses of a coin, 0 or 1, some rows at a time: what changes sides in a permutation test."""
    return _shared(_drawn_tosses, _kept_tosses, count, seed)


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


def draws_at_once(count: int) -> Iterator[int]:
    """How many resamples of `count` groups are drawn together, until there are RESAMPLES."""
    rows = max(1, CHUNK // count)
    for start in range(0, RESAMPLES, rows):
        yield min(rows, RESAMPLES - start)


def _shared(draw: Draw, keep: Callable[[int, int], tuple[Bytes, ...]], count: int, seed: int) -> Iterator[Floats]:
    for rows in draw(count, seed) if count > KEPT else keep(count, seed):
        yield rows.astype(np.float64)


def _drawn_resamples(count: int, seed: int) -> Iterator[Bytes]:
    """That a group is drawn more than 255 times out of more than 255 does not happen: the chance is below 10⁻⁵⁰⁰."""
    rng = np.random.default_rng(seed)
    for size in draws_at_once(count):
        drawn = rng.integers(0, count, (size, count)) + np.arange(size)[:, None] * count
        yield np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).astype(np.uint8)


def _drawn_tosses(count: int, seed: int) -> Iterator[Bytes]:
    rng = np.random.default_rng(seed)
    for size in draws_at_once(count):
        yield rng.integers(0, 2, (size, count), dtype=np.int8).astype(np.uint8)


@lru_cache(maxsize=2)
def _kept_resamples(count: int, seed: int) -> tuple[Bytes, ...]:
    return tuple(_drawn_resamples(count, seed))


@lru_cache(maxsize=2)
def _kept_tosses(count: int, seed: int) -> tuple[Bytes, ...]:
    return tuple(_drawn_tosses(count, seed))
