"""Where the level of a nightly figure shifted: the segmentation that explains it best, with a price for each shift.

The levels are those of optimal partitioning (Jackson et al. 2005, IEEE Signal Processing Letters 12:105–108): of all
ways to cut the nights into stretches of at least two, the one with the least squared deviation from the stretches'
means, measured in the noise between nights, plus the penalty of the modified Bayes information criterion: 3·ln(nights)
a shift and the logarithm of each stretch's length (Zhang and Siegmund 2007, Biometrics 63:22–32).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.statistics.resampling import Floats

NIGHTS = 8  # with fewer, the noise between nights is not known well enough
SHORTEST = 2  # nights at one level; a single night is no shift
PENALTY = 3.0  # of a shift, times the logarithm of the number of nights
FEW = 20.0  # nights: the fewer there are, the less is known of the noise, and the more a shift costs
SPIKE = 3.0  # a night that lies this many deviations off both neighbours, on one side, is no evidence of a level
NORMAL_MAD = 0.6744897501960817  # median absolute deviation of a standard normal variable


@dataclass(frozen=True, slots=True)
class LevelShift:
    """A night from which on a figure lies on another level, and the mean before and after it."""

    place: int  # in the values
    before: float
    after: float


def level_shifts(values: Sequence[float], least_noise: float) -> list[LevelShift]:
    """The shifts of a series without gaps, in its order; none of fewer than NIGHTS values.

    `least_noise`, above 0 and in the units of the values, is the standard deviation between nights that is assumed at
    the least: nights of which everything is served from the cache have none, and one item's answer is no shift then.
    """
    if len(values) < NIGHTS:
        return []
    raw = np.asarray(values, dtype=float)
    noise = max(night_noise(raw), least_noise)
    cuts = _cuts(without_spikes(raw, noise) / noise)
    levels = [float(np.median(raw[start:end])) for start, end in pairwise((0, *cuts, len(raw)))]
    return [LevelShift(cut, *pair) for cut, pair in zip(cuts, pairwise(levels), strict=True)]


def night_noise(values: Floats) -> float:
    """Standard deviation between nights, from the differences of neighbours, so that shifts do not add to it.

    Median absolute deviation (Hampel 1974, JASA 69:383–393), divided by √2, since a difference has two nights' noise.
    """
    differences = np.diff(values)
    return float(np.median(np.abs(differences))) / (NORMAL_MAD * math.sqrt(2))


def without_spikes(values: Floats, noise: float) -> Floats:
    """Single nights far off both neighbours, on one side, take the median of the three (Hampel's filter)."""
    if len(values) < 3:
        return values
    medians = np.median(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
    medians = np.concatenate([medians[:1], medians, medians[-1:]])  # the ends have two neighbours on one side
    return np.where(np.abs(values - medians) > SPIKE * noise, medians, values)


def _cuts(values: Floats) -> list[int]:
    """Where the best stretches begin, the first left out; values in units of the noise."""
    count = len(values)
    centred = values - values.mean()  # for the sake of rounding: sums of squares are subtracted from each other
    sums, squares = (np.concatenate([[0.0], np.cumsum(row)]) for row in (centred, centred**2))
    penalty = PENALTY * math.log(count) * (1 + FEW / count)
    best = np.full(count + 1, np.inf)
    best[0] = -penalty
    previous = np.zeros(count + 1, dtype=int)
    for end in range(SHORTEST, count + 1):
        starts = np.arange(0, end - SHORTEST + 1)
        lengths = end - starts
        costs = squares[end] - squares[starts] - (sums[end] - sums[starts]) ** 2 / lengths + np.log(lengths)
        totals = best[starts] + costs + penalty
        previous[end] = chosen = int(np.argmin(totals))
        best[end] = totals[chosen]
    cuts, end = [], int(previous[count])
    while end > 0:
        cuts.append(end)
        end = int(previous[end])
    return cuts[::-1]
