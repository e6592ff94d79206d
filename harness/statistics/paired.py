"""Two variants on the same items: the difference of their means, its test, an interval that agrees, its power."""

from functools import cached_property

import numpy as np

from harness.statistics.groups import Groups, merged
from harness.statistics.intervals import BoundedMean, Interval, reconciled, score_interval
from harness.statistics.power import Needed, detectable, detectable_share, needed, needed_share
from harness.statistics.resampling import Floats, differences_of, is_binary
from harness.statistics.tests import SignFlips, mcnemar, mcnemar_interval


class PairedDifference:
    """Values of two variants [n] on items that both have, unknown ones left out.

    Right-or-wrong values of independent items have McNemar's exact test and Tango's score interval; all others a
    permutation test that flips the differences of whole groups, and `bounded`, the interval of their mean.
    """

    def __init__(self, ours: Floats, theirs: Floats, groups: Groups, bounded: BoundedMean, seed: int) -> None:
        self.items = len(ours)
        groups, (ours, theirs) = merged(groups, ours, theirs)
        self.differences = differences_of(ours, theirs)
        self.groups = groups
        self.bounded = bounded
        self.seed = seed
        self.is_exact = groups.are_items and is_binary(ours) and is_binary(theirs)
        self.wins, self.losses = int((self.differences > 0).sum()), int((self.differences < 0).sum())

    @property
    def test(self) -> str:
        """The test's name, as a report shows it."""
        if self.is_exact:
            return "exact McNemar"
        return "paired permutation" if self.groups.are_items else "paired permutation of groups"

    @cached_property
    def p(self) -> float:
        """Two-sided p of no difference."""
        return mcnemar(self.wins, self.losses) if self.is_exact else self._flips.p()

    def interval(self, level: float) -> Interval:
        """The interval at 1 − level: it excludes 0 exactly where p is below the level."""
        if self.is_exact:
            n = len(self.differences)
            return reconciled(
                score_interval(self.wins, self.losses, n, level), mcnemar_interval(self.wins, self.losses, n, level)
            )
        inverted = self._flips.interval(level, self.bounded.scale.high)
        return reconciled(self.bounded.interval(level), inverted)

    def detectable(self, level: float) -> float | None:
        """The smallest difference found with 80 % power at this number of items; None where none can be."""
        if self.is_exact:
            discordance = (self.wins + self.losses) / len(self.differences)
            return detectable_share(len(self.differences), discordance, level)
        return detectable(self.differences, self.groups, level)

    def needed(self, level: float) -> Needed | None:
        """How many items would confirm it with 80 % power."""
        n = len(self.differences)
        if self.is_exact:
            number = needed_share(self.wins, self.losses, n, level)
        else:
            number = needed(self.differences, self.groups, level)
        return number and number.times(self.items // n)

    @cached_property
    def _flips(self) -> SignFlips:
        return SignFlips(np.asarray(self.differences), self.groups, self.seed)
