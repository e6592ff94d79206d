"""Evidence over many nights: p-values of signs by hand and by scipy, bets whose expectation is 1, restarts."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import norm, permutation_test

from harness.statistics.e_values import STAKES, drop_p, log_e_value, night_counts


@pytest.mark.parametrize(
    ("drops", "expected"),
    [
        ([], 1.0),
        ([0, 0, 0], 1.0),
        ([-1, 0, 0], 1.0),  # better now
        ([1, -1, 0], 1.0),  # no drop in all
        ([1] * 5, 1 / 32),  # all five of five discordant items lost
        ([1] * 8 + [-1] * 2, 56 / 1024),  # P(X >= 8) of 10 tosses: 45 + 10 + 1
        ([0.5] * 8 + [-0.5] * 2 + [0.0] * 90, 56 / 1024),  # sizes and ties do not matter where all sizes are equal
        ([3, 1, 1], 1 / 8),  # only + + + reaches 5
        ([3, -1, -1], 4 / 8),  # of ±3 ±1 ±1 the sums 5, 3, 3, 1 are at least 1
    ],
)
def test_signs_by_hand(drops: list[float], expected: float) -> None:
    assert drop_p(np.array(drops, dtype=float)) == pytest.approx(expected)


def test_signs_as_scipy_permutes_them() -> None:
    drops = np.random.default_rng(3).normal(0.4, 1, 11)
    theirs = permutation_test((drops,), np.mean, permutation_type="samples", alternative="greater", n_resamples=10**6)
    assert drop_p(drops) == pytest.approx(theirs.pvalue)


def test_the_bound_for_many_is_never_too_small_and_no_coarser_than_hoeffdings() -> None:
    """400 graded items: the normal tail is what it would be exactly, exp(−T²/2) is Hoeffding's bound."""
    drops = np.random.default_rng(1).normal(0.2, 1, 400)
    t = drops.sum() / math.sqrt((drops**2).sum())
    assert norm.sf(t) < drop_p(drops) <= math.exp(-(t**2) / 2)
    assert drop_p(drops + 5) < 1e-60  # far out in the tail it is a number still


def test_a_bet_by_hand() -> None:
    """One item lost of three: the mean over stakes of 1 + λ."""
    assert log_e_value(np.array([1.0, 0.0, 0.0])) == pytest.approx(math.log(1 + STAKES.mean()))
    assert log_e_value(np.zeros(5)) == 0.0
    assert log_e_value(np.array([])) == 0.0


def test_a_bet_expects_nothing_under_no_change() -> None:
    """All 2^7 signs of differences: the e-value is 1 on average, exactly."""
    sizes = np.array([1, 1, 0.5, 0.25, 0.8, 0.1, 1])
    values = [math.exp(log_e_value(sizes * signs)) for signs in itertools.product((1, -1), repeat=7)]
    assert np.mean(values) == pytest.approx(1.0)


def test_counts_begin_anew_every_seventh_night_and_share_the_level() -> None:
    """Ten items, of which two are lost from night 8 on: the first count sees 2 nights of 9, the second both of its 2."""
    good, bad = np.zeros(10), np.array([1.0, 1.0, *[0.0] * 8])
    first, second = night_counts([good] * 7 + [bad] * 2)
    assert (first.first, first.nights, first.share) == (1, 9, 1 / 2)
    assert (second.first, second.nights, second.share) == (8, 2, 1 / 6)
    assert first.drop == pytest.approx(0.2 * 2 / 9)
    assert second.drop == pytest.approx(0.2)
    assert second.log_e == pytest.approx(math.log(np.mean((1 + STAKES) ** 2)))
    assert second.p == pytest.approx(min(1.0, 6 / np.mean((1 + STAKES) ** 2)))


def test_an_item_that_is_unknown_in_a_night_rests_on_the_others() -> None:
    (count,) = night_counts([np.array([1.0, np.nan, np.nan]), np.array([0.0, 1.0, np.nan])])
    assert count.drop == pytest.approx((0.5 + 1.0) / 2)  # the third item has no value in any night
    assert night_counts([np.array([np.nan])])[0].p == 1.0


def test_looking_every_night_raises_no_more_false_alarms_than_stated() -> None:
    """400 baselines of 60 noisy items over 20 nights at level 0.2: at most 80 may ever be called worse, and 0.2 + 3 σ of
    chance; the baseline's own luck is shared by all nights of a baseline."""
    draw = np.random.default_rng(7)
    alarms = 0
    for _ in range(400):
        chances = draw.random(60)
        baseline = draw.random(60) < chances
        nights = [baseline.astype(float) - (draw.random(60) < chances) for _ in range(20)]
        alarms += any(count.proves(0.2) for last in range(1, 21) for count in night_counts(nights[:last]))
    assert alarms / 400 <= 0.2
