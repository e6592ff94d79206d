"""What a number of items can show, and how many it takes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from harness.statistics.distributions import binomial_shares, lower_tails, student_quantile
from harness.statistics.groups import Groups, error_of_mean
from harness.statistics.resampling import ALPHA, NOTHING, RESAMPLES, Floats, mean_difference

POWER = 0.8
Z_POWER = 0.8416212335729143  # of 80 %
SPREAD = 1.2815515655446004  # of the 10th and the 90th percentile
SMALLEST_P = 1 / (RESAMPLES + 1)  # that random assignments and exchanges can give
EXACT_UP_TO = 2000  # items; above, the normal formula differs by less than one part in a hundred


@dataclass(frozen=True, slots=True)
class Needed:
    """Items that would confirm a difference with 80 % power.

    `low` and `high` are for a difference as large and as small as an 80 % interval around the observed one allows.
    """

    low: int
    likely: int | None  # at the observed difference; None: there is none
    high: int | None  # None: the difference may as well be none

    def at_least(self, items: int) -> "Needed":
        """No number below `items`."""
        return Needed(
            max(self.low, items), self.likely and max(self.likely, items), self.high and max(self.high, items)
        )

    def times(self, copies: int) -> "Needed":
        """Of items that are each there so many times."""
        return Needed(self.low * copies, self.likely and self.likely * copies, self.high and self.high * copies)


def detectable(differences: Floats, groups: Groups, level: float = ALPHA) -> float | None:
    """The smallest true mean difference that a permutation test of these groups finds with 80 % power.

    Miller 2024, section 5, eq. 9 solved for δ, with clustered errors and Student's t. None where so few groups can
    reject nothing: the smallest p of a permutation test of G groups is 2^(1 − G).
    """
    return detectable_at(error_of_mean(differences, groups), groups.count, level)


def detectable_at(error: float, groups: int, level: float, smallest_p: float = SMALLEST_P) -> float | None:
    """As `detectable`, by the standard error over so many groups; None, too, where no error was seen.

    `smallest_p` is what a single test can reach; a test by the largest of a family is not bound to it, and has 0.
    """
    if groups < fewest_groups(level) or level <= smallest_p:
        return None
    return (student_quantile(1 - level / 2, groups - 1) + student_quantile(POWER, groups - 1)) * error or None


def fewest_groups(level: float) -> int:
    """The fewest groups of which a permutation test can reject anything at the level: 2^(1 − G) is below it."""
    return math.floor(1 - math.log2(level)) + 1


@lru_cache(maxsize=4096)
def detectable_share(n: int, discordance: float, level: float = ALPHA) -> float | None:
    """As `detectable`, for right-or-wrong values of n independent items: exact power of McNemar's exact test.

    `discordance` is the share of items on which the two differ; a difference above it takes a larger one. None where
    n items cannot reject anything. Above 2,000 items Connor 1987.
    """
    if _exact_power(1.0, n, discordance, level) < POWER:
        return None
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if _exact_power(middle, n, discordance, level) >= POWER else (middle, high)
    return high


def needed(differences: Floats, groups: Groups, level: float = ALPHA) -> Needed | None:
    """Items needed to confirm a mean difference like the observed one; None without any. Miller 2024, eq. 9.

    At least so many that a permutation test can reach the level at all, whatever the size: of groups that differ.
    """
    error, n = error_of_mean(differences, groups), len(differences)
    differing = int(np.count_nonzero(groups.sums(differences)))
    return needed_at(mean_difference(differences), error, n, level, n / differing) if differing else None


def needed_at(
    difference: float, error: float, n: int, level: float, group_size: float = 1.0, smallest_p: float = SMALLEST_P
) -> Needed | None:
    """As `needed`, by the standard error over n items, which shrinks with the root of their number.

    `group_size` is how many items it takes for a group that can change signs; `smallest_p` as in `detectable_at`.
    """
    if not error or level <= smallest_p:
        return None
    difference = 0.0 if abs(difference) <= NOTHING * error else difference
    fewest = math.ceil(group_size * fewest_groups(level) - NOTHING)

    def items(size: float) -> int:
        return max(fewest, math.ceil(n * ((_z(level) + Z_POWER) * error / size) ** 2))

    return _range(abs(difference), error, items)


def needed_share(wins: int, losses: int, n: int, level: float = ALPHA) -> Needed | None:
    """As `needed`, for right-or-wrong values of n independent items.

    Connor 1987 for McNemar's test, whose variance under no difference is the share ψ of discordant items:
    (z_α √ψ + z_β √(ψ − δ²))² / δ²; and at least so many that the exact test can reach α at all, which takes log₂(2/α)
    discordant items that all go one way.
    """
    discordance, mean = (wins + losses) / n, (wins - losses) / n
    if not discordance:
        return None

    def items(size: float) -> int:
        return share_items(size, discordance, level)

    return _range(abs(mean), math.sqrt(max(discordance - mean**2, discordance / n) / n), items, largest=1.0)


def share_items(size: float, discordance: float, level: float = ALPHA) -> int:
    """Independent right-or-wrong items that find a difference of `size` between two shares with 80 % power.

    Connor 1987; no fewer than the exact test can reject anything with.
    """
    share = max(discordance, size)
    root = _z(level) * math.sqrt(share) + Z_POWER * math.sqrt(max(0.0, share - size**2))
    return math.ceil(max((root / size) ** 2, math.ceil(math.log2(2 / level)) / share))


def _range(size: float, error: float, items: Callable[[float], int], largest: float = math.inf) -> Needed:
    """The number at a difference, and at the ends of its 80 % interval."""
    low = items(min(largest, size + SPREAD * error))
    high = items(size - SPREAD * error) if size > SPREAD * error else None
    return Needed(low, items(size) if size else None, high)


def _exact_power(size: float, n: int, discordance: float, level: float) -> float:
    """How often McNemar's exact test rejects when the shares differ by `size`."""
    share = min(1.0, max(discordance, size))
    if n > EXACT_UP_TO:
        root = math.sqrt(max(1e-12, share - size**2))
        return NormalDist().cdf((size * math.sqrt(n) - _z(level) * math.sqrt(share)) / root)
    discordant, most = np.arange(n + 1), _rejected_counts(n, level)
    wins = (1 + size / share) / 2
    rejected = lower_tails(most, discordant, wins) + lower_tails(most, discordant, 1 - wins)
    return float((binomial_shares(n, share) * rejected).sum())


@lru_cache(maxsize=16)
def _rejected_counts(n: int, level: float) -> Floats:
    """For 0 to n discordant items the most wins, or losses, with which McNemar's test rejects; below 0 for none."""
    counts, most = np.empty(n + 1), -1
    for discordant in range(n + 1):  # with one more discordant item it is the same count, or one more
        if 2 * lower_tails(most + 1, discordant, 0.5) < level:
            most += 1
        counts[discordant] = most
    return counts


def _z(level: float) -> float:
    return NormalDist().inv_cdf(1 - level / 2)
