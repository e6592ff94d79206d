"""What requests may take: latency, money and tokens of each variant, absolute or over the baseline's."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.decisions import VariantCost
from harness.records.gate_results import GateCheck, GatedCell, Tier
from harness.records.run_evidence import RunEvidence
from harness.regression.policy import Ceilings, GatePolicy
from harness.regression.policy_file import matches
from harness.regression.waivers import worst


@dataclass(frozen=True, kw_only=True)
class RequestBurden:
    """One thing that requests take, before and now."""

    metric: str
    unit: str
    before: float | None
    after: float | None


def ceiling_cells(before: RunEvidence, after: RunEvidence, policy: GatePolicy) -> Iterator[GatedCell]:
    """A cell for each ceiling of each variant of the run."""
    costs = {own.variant: own for own in after.summary.decisions.costs}
    earlier = {own.variant: own for own in before.summary.decisions.costs}
    variants = dict.fromkeys([*costs, *(own.variant for own in after.summary.results)])
    for entry in policy.ceilings:
        for variant in variants:
            if matches(entry, variant=variant):
                yield from _cells(entry, variant, (earlier.get(variant), costs.get(variant)), policy)


def _cells(
    entry: Ceilings, variant: str, sides: tuple[VariantCost | None, VariantCost | None], policy: GatePolicy
) -> Iterator[GatedCell]:
    limits = (
        (_milliseconds, "latency", "ms", entry.max_p95_ms, entry.max_latency_rise),
        (_price, "cost", "for 1,000 requests", entry.max_cost_per_1000, entry.max_cost_rise),
        (_tokens, "tokens", "tokens a request", None, entry.max_tokens_rise),
    )
    for read, metric, unit, ceiling, rise in limits:
        own = RequestBurden(metric=metric, unit=unit, before=read(sides[0]), after=read(sides[1]))
        checks = [*_absolute(own, ceiling, entry.tier, policy), *_relative(own, rise, entry.tier, policy)]
        if checks:
            yield GatedCell(
                task="",
                variant=variant,
                metric=metric,
                tier=entry.tier,
                verdict=worst([check.verdict for check in checks]),
                before=own.before,
                after=own.after,
                checks=tuple(checks),
            )


def _absolute(own: RequestBurden, ceiling: float | None, tier: Tier, policy: GatePolicy) -> Iterator[GateCheck]:
    if ceiling is None:
        return
    if own.after is None:
        yield _unmeasured(own, "the run did not measure it", tier, policy)
        return
    is_broken = own.after > ceiling
    yield GateCheck(
        kind="latency" if own.metric == "latency" else "cost",
        verdict=policy.verdict(tier, "breach") if is_broken else "PASS",
        text=f"{own.after:.4g} {own.unit}, {'more than' if is_broken else 'within'} the ceiling of {ceiling:g}",
        value=own.after,
        limit=ceiling,
    )


def _relative(own: RequestBurden, rise: float | None, tier: Tier, policy: GatePolicy) -> Iterator[GateCheck]:
    if rise is None:
        return
    if own.after is None or not own.before:
        side = "the run" if own.after is None else "the baseline"
        yield _unmeasured(own, f"{side} did not measure it", tier, policy)
        return
    grown = own.after / own.before - 1
    is_broken = grown > rise
    yield GateCheck(
        kind="latency" if own.metric == "latency" else "cost",
        verdict=policy.verdict(tier, "breach") if is_broken else "PASS",
        text=f"{own.after:.4g} {own.unit}, {grown:+.1%} over the baseline's {own.before:.4g}; {rise:.0%} are allowed",
        value=grown,
        limit=rise,
    )


def _unmeasured(own: RequestBurden, reason: str, tier: Tier, policy: GatePolicy) -> GateCheck:
    return GateCheck(kind="missing", verdict=policy.verdict(tier, "missing"), text=f"{own.metric}: {reason}")


def _milliseconds(cost: VariantCost | None) -> float | None:
    return cost.latency.p95 * 1000 if cost and cost.latency else None


def _price(cost: VariantCost | None) -> float | None:
    return cost.per_1000 if cost else None


def _tokens(cost: VariantCost | None) -> float | None:
    if cost is None or cost.tokens_in is None or cost.tokens_out is None:
        return None
    return cost.tokens_in + cost.tokens_out
