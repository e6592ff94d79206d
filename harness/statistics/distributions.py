"""Tails and quantiles of Student's t, the beta and the binomial distribution, by the functions that they are made of.

scipy.stats gives the same numbers, but its import takes as long as the figures of 6,000 answers.
"""

import numpy as np
from numpy.typing import ArrayLike

from harness.statistics.resampling import Floats


def student_tail(value: float, freedom: float) -> float:
    """How probable a t above the value is."""
    from scipy.special import stdtr

    return float(stdtr(freedom, -value))


def student_quantile(share: float, freedom: float) -> float:
    """The t below which the share of the distribution lies."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def beta_quantile(share: float, first: float, second: float) -> float:
    """The value of a beta distribution below which the share of it lies."""
    from scipy.special import betaincinv

    return float(betaincinv(first, second, share))


def binomial_tail(hits: int, trials: int, chance: float) -> float:
    """How probable so many hits or more are, of at least one."""
    from scipy.special import betainc

    return float(betainc(hits, trials - hits + 1, chance))


def lower_tails(hits: ArrayLike, trials: ArrayLike, chance: float) -> Floats:
    """How probable so many hits or fewer are, for each pair of counts; 0 where hits are below 0."""
    from scipy.special import betainc

    most, count = np.asarray(hits), np.asarray(trials)
    inside = (most >= 0) & (most < count)
    tails: Floats = np.where(most < 0, 0.0, 1.0)
    tails[inside] = betainc((count - most)[inside], (most + 1)[inside], 1 - chance)
    return tails


def binomial_shares(trials: int, chance: float) -> Floats:
    """How probable 0 to all hits are [trials + 1]."""
    from scipy.special import gammaln, xlog1py, xlogy

    hits = np.arange(trials + 1)
    orders = gammaln(trials + 1) - gammaln(hits + 1) - gammaln(trials - hits + 1)
    shares: Floats = np.exp(orders + xlogy(hits, chance) + xlog1py(trials - hits, -chance))
    return shares
