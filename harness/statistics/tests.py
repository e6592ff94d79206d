"""Whether a difference is real: paired, exact where possible, corrected for many comparisons."""

import math
from collections.abc import Sequence

import numpy as np

from harness.statistics.resampling import RESAMPLES, Floats, coin_tosses


def mcnemar(wins: int, losses: int) -> float:
    """Two-sided exact p for paired right-or-wrong values: wins among discordant pairs are binomial(½). McNemar 1947."""
    discordant = wins + losses
    if discordant == 0:
        return 1.0
    tail = sum(math.comb(discordant, k) for k in range(min(wins, losses) + 1))
    return min(1.0, float(2 * tail / 2**discordant)) if discordant < 1000 else _binomial(wins, discordant)


def _binomial(wins: int, n: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(wins, n).pvalue)


def sign_flip(differences: Floats, seed: int) -> float:
    """Two-sided p of a paired permutation test: under no difference each sign is a coin toss. Fisher 1935.

    Exact when all 2^n assignments are no more than RESAMPLES, else by random assignments with (hits + 1) / (draws + 1).
    """
    n = len(differences)
    observed = abs(float(differences.sum())) - 1e-12
    if 2**n <= RESAMPLES:
        signs = 1.0 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float((np.abs(signs @ differences) >= observed).mean())
    hits = sum(int((np.abs((1.0 - 2 * swaps) @ differences) >= observed).sum()) for swaps in coin_tosses(n, seed))
    return (hits + 1) / (RESAMPLES + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false alarm at α. Holm 1979."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted
