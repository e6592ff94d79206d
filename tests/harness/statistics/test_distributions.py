"""The functions that stand in for scipy's slow modules give their numbers."""

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

DRAWS = np.random.default_rng(5)
SHARES = DRAWS.uniform(1e-6, 1 - 1e-6, 40)


def test_quantiles_and_tails_are_scipys() -> None:
    from scipy.stats import beta, binom, t

    for share, freedom, hits in zip(SHARES, DRAWS.uniform(0.5, 400, 40), DRAWS.integers(1, 300, 40), strict=True):
        assert student_tail(4 * share - 2, freedom) == pytest.approx(t.sf(4 * share - 2, freedom), rel=1e-12)
        assert student_quantile(share, freedom) == pytest.approx(t.ppf(share, freedom), rel=1e-12)
        assert beta_quantile(share, int(hits), 17) == pytest.approx(beta.ppf(share, hits, 17), rel=1e-12)
        assert binomial_tail(int(hits), 300, share) == pytest.approx(binom.sf(hits - 1, 300, share), rel=1e-12)


@pytest.mark.parametrize("chance", [0.0, 1e-4, 0.5, 0.83, 1.0])
def test_counts_are_as_probable_as_scipy_says(chance: float) -> None:
    from scipy.stats import binom

    hits, trials = np.array([-1, 0, 3, 70, 100, 0]), np.array([100, 100, 100, 100, 100, 0])
    assert lower_tails(hits, trials, chance) == pytest.approx(binom.cdf(hits, trials, chance), rel=1e-12, abs=1e-300)
    assert binomial_shares(100, chance) == pytest.approx(binom.pmf(np.arange(101), 100, chance), rel=1e-11, abs=1e-300)
