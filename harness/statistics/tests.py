"""Whether a difference is real: paired, exact where possible, by groups, corrected for many comparisons."""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from harness.statistics.alike import tossed_sums
from harness.statistics.distributions import beta_quantile
from harness.statistics.groups import Groups
from harness.statistics.intervals import Interval
from harness.statistics.resampling import ALPHA, RESAMPLES, Floats, mean_difference

STEPS = 60  # of a bisection: halves a width to nothing
ROUNDING = 1e-10  # relative to what is summed: sums in another order may differ by so much


def mcnemar(wins: int, losses: int) -> float:
    """Two-sided exact p for paired right-or-wrong values: wins among discordant pairs are binomial(½). McNemar 1947."""
    discordant = wins + losses
    if discordant == 0:
        return 1.0
    tail = sum(math.comb(discordant, k) for k in range(min(wins, losses) + 1))
    return min(1.0, float(2 * tail / 2**discordant)) if discordant < 1000 else _binomial(wins, discordant)


def mcnemar_interval(wins: int, losses: int, n: int, level: float) -> Interval:
    """The differences that McNemar's exact test leaves open: it excludes 0 exactly where the test rejects at `level`.

    The share of wins among discordant items has the interval of Clopper & Pearson, whose tails are those of the test.
    """
    discordant, mean = wins + losses, (wins - losses) / n
    if not discordant:
        return Interval(mean, 0.0, 0.0)
    low = beta_quantile(level / 2, wins, losses + 1) if wins else 0.0
    high = beta_quantile(1 - level / 2, wins + 1, losses) if losses else 1.0
    return Interval(mean, (2 * low - 1) * discordant / n, (2 * high - 1) * discordant / n)


def _binomial(wins: int, n: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(wins, n).pvalue)


class SignFlips:
    """A paired permutation test of groups: under no difference the sign of each sum is a coin toss. Fisher 1935.

    Exact when all 2^G assignments of signs to the G groups are no more than RESAMPLES, else by random assignments with
    (hits + 1) / (draws + 1).
    """

    def __init__(self, differences: Floats, groups: Groups, seed: int) -> None:
        self.sums, self.sizes = groups.sums(differences), groups.sizes
        self.groups, self.seed = groups, seed
        self.mean = mean_difference(differences)
        self.slack = ROUNDING * float(np.abs(differences).sum()) + 1e-300

    @property
    def is_exact(self) -> bool:
        """Whether all assignments are looked at."""
        return self.groups.count <= math.log2(RESAMPLES)

    def p(self, shift: float = 0.0) -> float:
        """Two-sided p of a mean difference of `shift`."""
        observed = abs(float(self.sums.sum() - shift * self.sizes.sum())) - self.slack
        sums, sizes = self._flipped
        hits = int((np.abs(sums - shift * sizes) >= observed).sum())
        return hits / len(sums) if self.is_exact else (hits + 1) / (len(sums) + 1)

    def interval(self, level: float, span: float) -> Interval:
        """The mean differences that the test does not reject at `level`, as far as ± `span`."""
        return Interval(self.mean, self._end(-span, level), self._end(span, level))

    def _end(self, outside: float, level: float) -> float:
        """Where p falls below the level between the mean and a value outside."""
        if self.p(outside) >= level:
            return outside
        inside = self.mean
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if self.p(middle) >= level else (inside, middle)
        return inside

    @cached_property
    def _flipped(self) -> tuple[Floats, Floats]:
        """The sum of all differences, and of ones, under each assignment of signs."""
        count = self.groups.count
        columns: Floats = np.column_stack([self.sums, self.sizes])
        if self.is_exact:
            every = ((np.arange(2**count)[:, None] >> np.arange(count)) & 1).astype(np.float64)
            flipped = (1.0 - 2 * every) @ columns
        else:
            flipped = columns.sum(axis=0) - 2 * tossed_sums(columns, self.seed)
        return flipped[:, 0], flipped[:, 1]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false alarm at α. Holm 1979."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def holm_levels(adjusted: Sequence[float]) -> list[float]:
    """The level of each interval of a family, so that it excludes 0 exactly where its adjusted p is below α.

    With R of m hypotheses rejected, Holm's procedure compared the last rejected p with α/(m − R + 1) and the first
    that stayed with α/(m − R). At the first level the intervals of what is rejected miss their difference in at most a
    share α of cases, since it is no more than Rα/m (Benjamini & Yekutieli 2005).
    """
    rejected, m = sum(p < ALPHA for p in adjusted), len(adjusted)
    return [ALPHA / (m - rejected + 1) if p < ALPHA else ALPHA / (m - rejected) for p in adjusted]
