"""The functions that stand in for scipy's slow modules give their numbers."""

import math

import numpy as np
import pytest

from harness.statistics.distributions import (
    beta_quantile,
    binomial_shares,
    binomial_tail,
    lower_tails,
    student_quantile,
    student_tail,
)
from harness.statistics.roots import root_between

DRAWS = np.random.default_rng(5)
SHARES = DRAWS.uniform(1e-6, 1 - 1e-6, 40)


def test_quantiles_and_tails_are_scipys() -> None:
    from scipy.stats import beta, binom, t

    for share, freedom, hits in zip(SHARES, DRAWS.uniform(0.5, 400, 40), DRAWS.integers(1, 300, 40), strict=True):
        assert student_tail(4 * share - 2, freedom) == t.sf(4 * share - 2, freedom)
        assert student_quantile(share, freedom) == t.ppf(share, freedom)
        assert beta_quantile(share, int(hits), 17) == beta.ppf(share, hits, 17)
        assert binomial_tail(int(hits), 300, share) == binom.sf(hits - 1, 300, share)


@pytest.mark.parametrize("chance", [0.0, 1e-4, 0.5, 0.83, 1.0])
def test_counts_are_as_probable_as_scipy_says(chance: float) -> None:
    from scipy.stats import binom

    hits, trials = np.array([-1, 0, 3, 70, 100, 0]), np.array([100, 100, 100, 100, 100, 0])
    assert lower_tails(hits, trials, chance) == pytest.approx(binom.cdf(hits, trials, chance), rel=1e-12, abs=1e-300)
    assert binomial_shares(100, chance) == pytest.approx(binom.pmf(np.arange(101), 100, chance), rel=1e-11, abs=1e-300)


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (lambda x: math.cos(x) - x, 0.0, 1.0),
        (lambda x: x**9 - 0.3, -0.2, 1.0),
        (lambda x: abs(0.3 - x) ** 0.5 * (1 if x > 0.3 else -1), -1.0, 0.9),
        (lambda x: x - 0.25, 0.25, 1.0),
    ],
)
@pytest.mark.parametrize("tolerance", [1e-4, 1e-9, 1e-12])
def test_root_is_scipys_to_the_last_digit(function, low: float, high: float, tolerance: float) -> None:  # type: ignore[no-untyped-def]
    from scipy.optimize import brentq

    assert root_between(function, low, high, tolerance) == brentq(function, low, high, xtol=tolerance)


def test_root_needs_two_signs() -> None:
    with pytest.raises(ValueError, match="one sign"):
        root_between(math.exp, 0.0, 1.0, 1e-9)
