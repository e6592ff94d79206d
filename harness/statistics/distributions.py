"""Tails and quantiles of Student's t, the beta and the binomial distribution, by the functions that they are made of.

scipy.stats gives the same numbers to the last digit, but its import takes as long as the figures of 6,000 answers.
"""


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
