"""Draws for groups that are alike, against what is known of draws for single groups."""

import numpy as np
import pytest

from harness.statistics.alike import MANY, alike, tossed_sums, weighted_sums
from harness.statistics.groups import Groups
from harness.statistics.intervals import ValueRange, bounded_means
from harness.statistics.resampling import RESAMPLES, random_weights

COUNT = MANY + 10_000
SHARE = 0.25


def binary(count: int) -> np.ndarray:
    """A quarter of ones."""
    return (np.arange(count) % 4 == 0).astype(np.float64)[:, None]


def test_distinct_rows_and_how_often_they_occur() -> None:
    rows = np.array([[1.0, 2.0]] * 9 + [[1.0, 3.0]] * 7)
    distinct, counts = alike(rows) or ((), ())
    assert sorted(zip(np.asarray(distinct).tolist(), counts, strict=True)) == [([1.0, 2.0], 9), ([1.0, 3.0], 7)]
    assert alike(np.arange(16.0)[:, None]) is None


def test_as_many_groups_as_ever_are_drawn_as_ever() -> None:
    sums, sizes = binary(40), np.ones((40, 1))
    (totals, weights), *_ = weighted_sums(sums, sizes, 3)
    (drawn,) = random_weights(40, 3)
    np.testing.assert_array_equal(totals, drawn @ sums)
    np.testing.assert_array_equal(weights, drawn @ sizes)


def test_an_interval_of_many_groups_is_that_of_the_beta_distribution() -> None:
    """Clopper & Pearson's limits are quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k)."""
    from scipy.stats import beta

    (bounded,) = bounded_means(binary(COUNT), Groups.single(COUNT), [ValueRange(0, 1)], [1.0], 7)
    ones = SHARE * COUNT
    own = bounded.interval()
    width = np.sqrt(SHARE * (1 - SHARE) / COUNT)
    assert own.low == pytest.approx(beta.ppf(0.025, ones, COUNT - ones + 1), abs=0.1 * width)
    assert own.high == pytest.approx(beta.ppf(0.975, ones + 1, COUNT - ones), abs=0.1 * width)


def test_tosses_of_many_coins_have_the_mean_and_the_variance_of_tosses() -> None:
    """Values 1 of a quarter of n coins: mean n / 8, variance n / 16. The standard error of a mean is 1 % of a deviation."""
    sums = tossed_sums(np.hstack([binary(COUNT), np.ones((COUNT, 1))]), 5)
    assert sums.shape == (RESAMPLES, 2)
    assert sums[:, 0].mean() == pytest.approx(COUNT / 8, abs=0.05 * np.sqrt(COUNT / 16))
    assert sums[:, 0].std() == pytest.approx(np.sqrt(COUNT / 16), rel=0.05)
    assert sums[:, 1].std() == pytest.approx(np.sqrt(COUNT / 4), rel=0.05)
