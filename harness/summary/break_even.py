"""From how many requests a day what costs more before its first request is the cheaper one."""

from collections.abc import Sequence
from itertools import combinations

from harness.records.decisions import NOT_DEPLOYABLE, BreakEven, VariantCost
from harness.summary.money import DAYS_A_YEAR


def break_even(costs: Sequence[VariantCost], days: int) -> tuple[BreakEven, ...]:
    """Each pair of deployable variants whose money is known, the one that costs more a day without requests first.

    A day costs one_off / days + 12 × monthly / 365.25 + requests × per_1000 / 1,000, so that the two are equal at
    requests = (difference of the first two terms) / (difference of per_1000 / 1,000). None: the dearer before is not
    cheaper for each request, so it never pays. A pair that costs the same before is left out: nothing has to pay off.
    """
    compared = [cost for cost in costs if cost.approach not in NOT_DEPLOYABLE]
    pairs = (_pair(first, second, days) for first, second in combinations(compared, 2))
    return tuple(pair for pair in pairs if pair is not None)


def fixed_a_day(cost: VariantCost, days: int) -> float | None:
    """Money a day whatever the number of requests; None where it is not known. No stated upkeep is none."""
    if cost.one_off is None or (cost.monthly is None and cost.unpriced):
        return None
    return cost.one_off / days + (cost.monthly or 0.0) * 12 / DAYS_A_YEAR


def _pair(first: VariantCost, second: VariantCost, days: int) -> BreakEven | None:
    fixed = {cost.variant: fixed_a_day(cost, days) for cost in (first, second)}
    before, rival_before = fixed[first.variant], fixed[second.variant]
    if (
        before is None
        or rival_before is None
        or first.per_1000 is None
        or second.per_1000 is None
        or before == rival_before
    ):
        return None
    dearer, rival = (first, second) if before > rival_before else (second, first)
    saved = ((rival.per_1000 or 0.0) - (dearer.per_1000 or 0.0)) / 1000
    requests = abs(before - rival_before) / saved if saved > 0 else None
    return BreakEven(variant=dearer.variant, rival=rival.variant, requests_per_day=requests, days=days)
