"""Evidence of a drop that may be looked at every night: bets on paired bounded differences, always valid.

The null hypothesis is that nothing has truly changed: what an item scored when the baseline was made, and what it
scores in each later night, are draws from one distribution of that item, independent of the draws of other items. The
baseline's own draw is shared by all nights, so that the evidence of two nights must not be multiplied. What holds for
all nights together is a bet on the *mean of the nights so far*: with x the baseline's values, ȳ the means over t nights
and a stake λ,

    E_t(λ) = Π_i (1 + λ (x_i − ȳ_i))

has the expectation 1, since each factor has and items are independent (a bet as Waudby-Smith & Ramdas 2024 make it).
Seen backwards in time ȳ is a martingale, because nights are exchangeable, hence E_t is one, too, being linear in each
item's ȳ; and of a nonnegative martingale seen backwards P(any t: E_t ≥ 1/α) ≤ α (Ville 1939; Manole & Ramdas 2023). A
mixture over fixed stakes keeps both.

A change in a later night is hidden by the good nights before it. So a new count begins every RESTART nights, the j-th
of them with the share 1/(j (j + 1)) of the level; the shares add up to 1 over any number of counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.distributions import binomial_tail
from harness.statistics.resampling import Floats

STAKES: Floats = np.array([0.1, 0.25, 0.5, 0.85])  # mixed in equal parts, below 1: no bet can ruin
RESTART = 7  # nights
EXACT_UP_TO = 13  # differences: 2^13 signs are all looked at


@dataclass(frozen=True, slots=True)
class NightCount:
    """The evidence of one count of nights that the values are lower than the baseline's."""

    first: int  # night with which it began, from 1 among those counted
    nights: int
    drop: float  # mean over items of baseline − mean of the nights, in units of the range
    log_e: float  # natural logarithm of the e-value
    share: float  # of the level

    def proves(self, level: float) -> bool:
        """Whether it shows a drop at a level that all counts of all nights share."""
        return self.log_e >= -math.log(level * self.share)

    @property
    def p(self) -> float:
        """What the level would have to be, at most 1: always valid, over all nights and counts."""
        return min(1.0, math.exp(min(0.0, -self.log_e)) / self.share)


def log_e_value(drops: Floats) -> float:
    """Natural logarithm of the mixed bet on independent differences baseline − later, within ±1 [n]; 0 for none."""
    differing = drops[drops != 0]
    logs = np.log1p(STAKES[:, None] * differing).sum(axis=1)
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).mean()))


def night_counts(nights: Sequence[Floats]) -> list[NightCount]:
    """All counts after these nights, the oldest first.

    Of each night the drop of each item, baseline − night, within ±1, NaN where one of them is unknown [n]. An item
    counts where any of a count's nights has a value; items of one group are one entry, such as their mean.
    """
    counts = []
    for j, first in enumerate(range(0, len(nights), RESTART), 1):
        own = np.stack(nights[first:])
        has_value = ~np.isnan(own)
        is_scored = has_value.any(axis=0)
        drops = np.where(has_value, own, 0.0).sum(axis=0)[is_scored] / has_value.sum(axis=0)[is_scored]
        counts.append(
            NightCount(
                first=first + 1,
                nights=len(own),
                drop=float(drops.mean()) if len(drops) else 0.0,
                log_e=log_e_value(drops),
                share=1 / (j * (j + 1)),
            )
        )
    return counts


def drop_p(drops: Floats) -> float:
    """One-sided p of no drop from differences baseline − later of independent items or sums of groups [G].

    Under no change the sign of each is a coin toss (Fisher 1935). Of right-or-wrong values it is McNemar's exact test;
    of few others all signs are looked at; of more it is Chernoff's bound of that test, min over s of
    Π cosh(s d) / exp(s Σ d), which is never too small (Hoeffding 1963), however small a level is.
    """
    differing = drops[drops != 0]
    total = float(differing.sum())
    if total <= 0:
        return 1.0
    sizes = np.abs(differing)
    if np.ptp(sizes) <= 1e-12 * sizes.max():
        return binomial_tail(int((differing > 0).sum()), len(differing), 0.5)
    if len(sizes) <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes))) & 1)
        return float((signs @ sizes >= total * (1 - 1e-10)).mean())
    return _chernoff(sizes, total)


def _chernoff(sizes: Floats, total: float) -> float:
    """The least bound over s; log cosh is written so that it cannot overflow."""
    from scipy.optimize import minimize_scalar

    def bound(log_s: float) -> float:
        x = math.exp(log_s) * sizes
        return float((x + np.log1p(np.exp(-2 * x)) - math.log(2)).sum() - math.exp(log_s) * total)

    centre = math.log(total / float((sizes**2).sum()))  # the best s where all are small
    best = minimize_scalar(bound, bounds=(centre - 1, centre + 6), method="bounded")
    return min(1.0, math.exp(min(0.0, float(best.fun), bound(centre))))
