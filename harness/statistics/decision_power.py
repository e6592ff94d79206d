"""What a suite can decide, said before anything is paid for: from its number of items and a stated discordance."""

import math
from dataclasses import dataclass

from harness.statistics.power import detectable_share, share_items
from harness.statistics.resampling import ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPower:
    """What so many items show of any two of several variants, all pairs tested together.

    The level is Bonferroni's, α / comparisons. The test of all pairs (max-T) is never stricter, so that what it finds
    with 80 % power is no larger than `detectable`, and the items that it takes no more than `needed` says.
    """

    items: int
    groups: int  # that the items form; a group is taken for one piece of evidence, so that the bound is safe
    comparisons: int  # that are tested together
    discordance: float  # share of the items on which two variants are expected to differ, in [0, 1]
    detectable: float | None  # smallest difference of two shares found with 80 % power; None: none, however large

    @property
    def level(self) -> float:
        """At which each pair is tested."""
        return ALPHA / self.comparisons

    def needed(self, difference: float) -> int | None:
        """Items that find a difference of two shares with 80 % power, Connor 1987; None where there is none to find."""
        if not 0 < abs(difference) <= 1:
            return None
        group_size = self.items / self.groups if self.groups else 1.0
        return math.ceil(group_size * share_items(abs(difference), self.discordance, self.level))


def planned_power(items: int, groups: int, comparisons: int, discordance: float) -> PlannedPower:
    """The power of a suite of right-or-wrong items; no comparison, as with a single variant, counts as one."""
    comparisons = max(1, comparisons)
    level = ALPHA / comparisons
    return PlannedPower(
        items=items,
        groups=groups,
        comparisons=comparisons,
        discordance=discordance,
        detectable=detectable_share(groups, discordance, level) if groups > 0 else None,
    )
