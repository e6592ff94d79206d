"""Shifts of a nightly figure: where levels change, against an independent search over all segmentations."""

import math
from itertools import combinations, pairwise
from statistics import fmean

import numpy as np
import pytest

from harness.regression.change_points import FEW, LevelShift, level_shifts, night_noise, without_spikes

FLAT = [0.70, 0.71, 0.70, 0.69, 0.70, 0.71, 0.69, 0.70]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (FLAT, []),
        (FLAT[:7], []),  # too few nights
        ([0.7] * 12, []),  # everything from the cache: no noise at all
        ([0.7] * 6 + [0.6] * 6, [LevelShift(6, 0.7, 0.6)]),
        ([0.7] * 6 + [0.69] * 6, []),  # one item of a hundred is within the least noise
        ([0.7] * 5 + [0.5] + [0.7] * 6, []),  # a single night off
        ([0.7] * 11 + [0.5], []),  # the last night alone: not yet
        ([0.7] * 10 + [0.5, 0.5], [LevelShift(10, 0.7, 0.5)]),  # two nights are a level
        ([0.5] + [0.7] * 11, []),
        ([0.7] * 6 + [0.6] * 6 + [0.8] * 6, [LevelShift(6, 0.7, 0.6), LevelShift(12, 0.6, 0.8)]),
        ([*FLAT, *(value - 0.1 for value in FLAT)], [LevelShift(8, 0.70, 0.60)]),
    ],
)
def test_levels_change_where_they_do(values: list[float], expected: list[LevelShift]) -> None:
    shifts = level_shifts(values, 0.01)
    assert [shift.place for shift in shifts] == [shift.place for shift in expected]
    for shift, own in zip(shifts, expected, strict=True):
        assert (shift.before, shift.after) == pytest.approx((own.before, own.after))


def best_cuts(values: list[float], noise: float) -> tuple[int, ...]:
    """All segmentations tried: squared deviations over the noise, ln of each length, and the price of each cut."""
    nights = len(values)
    price = 3 * math.log(nights) * (1 + FEW / nights)

    def cost(cuts: tuple[int, ...]) -> float:
        total = price * len(cuts)
        for start, end in pairwise((0, *cuts, nights)):
            mean = fmean(values[start:end])
            total += sum((value - mean) ** 2 for value in values[start:end]) / noise**2 + math.log(end - start)
        return total

    candidates = (cuts for count in range(4) for cuts in combinations(range(2, nights - 1), count))
    return min((cuts for cuts in candidates if all(b - a >= 2 for a, b in pairwise((0, *cuts, nights)))), key=cost)


@pytest.mark.parametrize("seed", range(6))
def test_the_segmentation_is_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    levels = np.repeat(random.choice([0.0, 4.0, 9.0], size=4), [4, 3, 5, 3])
    values = without_spikes(levels + random.normal(size=15), 1e9)
    noise = 2.0  # above what the differences of neighbours tell, so that it is what counts
    assert tuple(shift.place for shift in level_shifts(list(values), noise)) == best_cuts(list(values), noise)


def test_the_noise_of_independent_nights_is_their_standard_deviation() -> None:
    values = np.random.default_rng(1).normal(0.7, 0.02, 20_000)
    values[10_000:] -= 0.3  # a shift adds nothing to it
    assert night_noise(values) == pytest.approx(0.02, rel=0.03)
