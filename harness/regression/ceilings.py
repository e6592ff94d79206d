"""What requests may take: latency, money and tokens of each variant, absolute or over the baseline's."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.decisions import VariantCost
from harness.records.gate_results import GateCheck, GatedCell, Tier
from harness.records.run_evidence import RunEvidence
from harness.records.sentences import Sentence
from harness.regression.policy import Ceilings, GatePolicy
from harness.regression.policy_file import matches
from harness.regression.waivers import worst
from harness.text.stating import state


@dataclass(frozen=True, kw_only=True)
class RequestBurden:
    """One thing that requests take, before and now."""

    metric: str
    unit: str  # in English, behind "{value}"
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
        (_milliseconds, "latency", "{value} ms", entry.max_p95_ms, entry.max_latency_rise),
        (_price, "cost", "{value} for 1,000 requests", entry.max_cost_per_1000, entry.max_cost_rise),
        (_tokens, "tokens", "{value} tokens a request", None, entry.max_tokens_rise),
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
        yield _unmeasured(own, tier, policy)
        return
    values = {"amount": _amount(own, own.after), "ceiling": f"{ceiling:g}"}
    is_broken = own.after > ceiling
    if is_broken:
        text = state("gate.ceiling_broken", "{amount}, more than the ceiling of {ceiling}", **values)
    else:
        text = state("gate.ceiling_kept", "{amount}, within the ceiling of {ceiling}", **values)
    yield GateCheck(
        kind="latency" if own.metric == "latency" else "cost",
        verdict=policy.verdict(tier, "breach") if is_broken else "PASS",
        text=text,
        value=own.after,
        limit=ceiling,
    )


def _relative(own: RequestBurden, rise: float | None, tier: Tier, policy: GatePolicy) -> Iterator[GateCheck]:
    if rise is None:
        return
    if own.after is None or not own.before:
        yield _unmeasured(own, tier, policy)
        return
    grown = own.after / own.before - 1
    is_broken = grown > rise
    yield GateCheck(
        kind="latency" if own.metric == "latency" else "cost",
        verdict=policy.verdict(tier, "breach") if is_broken else "PASS",
        text=state(
            "gate.grown",
            "{amount}, {grown} over the baseline's {before}; {rise} are allowed",
            amount=_amount(own, own.after),
            grown=f"{grown:+.1%}",
            before=f"{own.before:.4g}",
            rise=f"{rise:.0%}",
        ),
        value=grown,
        limit=rise,
    )


def _amount(own: RequestBurden, value: float) -> Sentence:
    return state(f"gate.amount_{own.metric}", own.unit, value=f"{value:.4g}")


def _unmeasured(own: RequestBurden, tier: Tier, policy: GatePolicy) -> GateCheck:
    """What is missing of the run, or else of the baseline."""
    name = state(f"gate.burden_{own.metric}", own.metric)
    text = (
        state("gate.run_unmeasured", "{name}: the run did not measure it", name=name)
        if own.after is None
        else state("gate.baseline_unmeasured", "{name}: the baseline did not measure it", name=name)
    )
    return GateCheck(kind="missing", verdict=policy.verdict(tier, "missing"), text=text)


def _milliseconds(cost: VariantCost | None) -> float | None:
    return cost.latency.p95 * 1000 if cost and cost.latency else None


def _price(cost: VariantCost | None) -> float | None:
    return cost.per_1000 if cost else None


def _tokens(cost: VariantCost | None) -> float | None:
    if cost is None or cost.tokens_in is None or cost.tokens_out is None:
        return None
    return cost.tokens_in + cost.tokens_out
