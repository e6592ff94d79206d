"""What each variant takes in two runs: tokens and seconds an item, latency, memory, money."""

from collections.abc import Collection, Iterator

from harness.records.decisions import VariantCost
from harness.records.figures import Usage
from harness.records.run_comparisons import CostChange, Quantity
from harness.records.run_evidence import RunEvidence

Amounts = dict[Quantity, float | None]


def cost_changes(
    before: RunEvidence, after: RunEvidence, tasks: Collection[str]
) -> tuple[tuple[CostChange, ...], str | None]:
    """Of each variant that both runs have, over some tasks; and the currency, where both state the same."""
    sides = [_amounts(side, tasks) for side in (before, after)]
    currencies = [side.summary.decisions.currency for side in (before, after)]
    currency = currencies[1] if currencies[0] == currencies[1] else None
    money: tuple[Quantity, ...] = () if currency else ("per_1000", "one_off", "monthly")
    changes = tuple(
        CostChange(variant=variant, quantity=quantity, before=own, after=sides[1][variant].get(quantity))
        for variant, amounts in sides[0].items()
        if variant in sides[1]
        for quantity, own in amounts.items()
        if quantity not in money and (own is not None or sides[1][variant].get(quantity) is not None)
    )
    return tuple(own for own in changes if own.before or own.after), currency


def _amounts(evidence: RunEvidence, tasks: Collection[str]) -> dict[str, Amounts]:
    usage: dict[str, list[Usage]] = {}
    for own in evidence.summary.usage:
        if own.task in tasks:
            usage.setdefault(own.variant, []).append(own)
    costs = {own.variant: own for own in evidence.summary.decisions.costs}
    return {variant: {**dict(_used(cells)), **_costs(costs.get(variant))} for variant, cells in usage.items()}


def _used(cells: list[Usage]) -> Iterator[tuple[Quantity, float]]:
    samples = sum(own.samples for own in cells) or 1
    yield "tokens_in", sum(own.tokens_in for own in cells) / samples
    yield "tokens_out", sum(own.tokens_out for own in cells) / samples
    yield "seconds", sum(own.seconds for own in cells) / samples
    yield "failed", sum(own.failed for own in cells)
    yield "unread", sum(own.unread for own in cells)
    yield "truncated", sum(own.truncated for own in cells)


def _costs(cost: VariantCost | None) -> Amounts:
    if cost is None:
        return {}
    latency = cost.latency
    return {
        "latency_p50": latency.p50 if latency and latency.items else None,
        "latency_p95": latency.p95 if latency and latency.items else None,
        "memory": cost.memory,
        "training_seconds": cost.training_seconds,
        "index_seconds": cost.index_seconds,
        "per_1000": cost.per_1000,
        "one_off": cost.one_off,
        "monthly": cost.monthly,
    }
