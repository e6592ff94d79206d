"""What a suite can decide, before it runs: against simulated tests of all pairs, and by hand."""

import math

import numpy as np
import pytest

from harness.statistics.decision_power import planned_power
from harness.statistics.tests import mcnemar


@pytest.mark.parametrize(
    ("items", "comparisons", "discordance"), [(100, 1, 0.2), (200, 3, 0.3), (400, 15, 0.25), (3000, 66, 0.2)]
)
def test_the_difference_is_found_four_times_in_five(items: int, comparisons: int, discordance: float) -> None:
    power = planned_power(items, items, comparisons, discordance)
    assert power.detectable is not None
    rng, found = np.random.default_rng(items), 0
    for _ in range(2000):
        discordant = rng.binomial(items, discordance)
        wins = int(rng.binomial(discordant, (1 + power.detectable / discordance) / 2))
        found += mcnemar(wins, int(discordant) - wins) < 0.05 / comparisons
    assert found / 2000 == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("items", "groups", "comparisons", "discordance", "detectable"),
    [
        (0, 0, 1, 0.3, None),
        (1, 1, 1, 0.3, None),  # one item: p is 1
        (5, 5, 1, 1.0, None),  # 2 / 2^5 = 0.0625
        (6, 6, 1, 1.0, 0.9270),  # all six must go one way: ((1 + δ)/2)^6 = 0.8 → δ = 2 · 0.9635 − 1
        (6, 6, 2, 1.0, None),  # 0.03125 is not below 0.025
        (60, 6, 1, 1.0, 0.9270),  # ten items a group are one piece of evidence
        (6, 6, 0, 1.0, 0.9270),  # one variant: nothing is compared, which counts as one comparison
        (
            50,
            50,
            19_900,
            0.0,
            0.4493,
        ),  # all that differ go one way; 2 / 2^20 is below α/19,900: P(Bin(50, δ) ≥ 20) = 0.8
    ],
)
def test_small_suites(items: int, groups: int, comparisons: int, discordance: float, detectable: float | None) -> None:
    power = planned_power(items, groups, comparisons, discordance)
    if detectable is None:
        assert power.detectable is None
    else:
        assert power.detectable == pytest.approx(detectable, abs=1e-4)


def test_items_needed_follow_connor() -> None:
    # z of α/3 two-sided = 2.3940, of 80 % = 0.8416: (2.3940 √0.3 + 0.8416 √(0.3 − 0.01))² / 0.01 = 311.4
    power = planned_power(100, 100, 3, 0.3)
    root = 2.39398 * math.sqrt(0.3) + 0.841621 * math.sqrt(0.29)
    assert power.needed(0.1) == math.ceil(root**2 / 0.01) == 312
    assert power.needed(-0.1) == 312
    assert planned_power(1000, 100, 3, 0.3).needed(0.1) == 3120
    assert [power.needed(size) for size in (0.0, 1.5, math.nan)] == [None, None, None]
