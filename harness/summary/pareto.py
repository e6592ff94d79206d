"""Which variants nothing beats in quality and cost together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness.records.decisions import VariantCost

Amount = Callable[[VariantCost], float | None]
AMOUNTS: tuple[Amount, ...] = (  # of one request: money, else its time by itself, else its part of the run's time
    lambda cost: cost.per_1000,
    lambda cost: cost.latency.p50 if cost.latency is not None and cost.latency.items else None,
    lambda cost: cost.seconds,
)


def with_efficiency(
    costs: Sequence[VariantCost], quality: Mapping[str, float], is_lower_better: bool
) -> tuple[VariantCost, ...]:
    """The costs, each marked by whether another variant is as good and as cheap, and better or cheaper (Pareto).

    `quality` is the first headline figure by variant. The cost is the first of AMOUNTS that all of these variants have,
    else the one that most have. None for an upper bound, which nobody deploys, and where quality or cost is not known.
    """
    sign = -1.0 if is_lower_better else 1.0
    candidates = [cost for cost in costs if cost.approach != "upper bound" and cost.variant in quality]
    if not candidates:
        return tuple(costs)
    amount = max(AMOUNTS, key=lambda own: sum(own(cost) is not None for cost in candidates))
    points = {
        cost.variant: (sign * quality[cost.variant], spent)
        for cost in candidates
        if (spent := amount(cost)) is not None
    }
    return tuple(
        replace(cost, is_efficient=_is_efficient(points[cost.variant], list(points.values())))
        if cost.variant in points
        else cost
        for cost in costs
    )


def _is_efficient(point: tuple[float, float], points: Sequence[tuple[float, float]]) -> bool:
    quality, spent = point
    return not any(
        rival >= quality and price <= spent and (rival, price) != (quality, spent) for rival, price in points
    )
