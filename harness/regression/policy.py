"""What a gate's policy file may say. Its fields are the keys of the file."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from harness.records.gate_results import CheckKind, Rule, Tier, Verdict
from harness.records.inputs import JSON

Outcome = Literal["pass", "warn", "inconclusive", "block"]
Event = Literal["breach", "doubt", "missing"]
Pattern = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Allowed = Annotated[
    JSON,
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)? ?(points?|%)$"}]}
    ),
]


class PolicyPart(BaseModel):
    """Base of the parts of a policy."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FalseAlarmBudget(PolicyPart, title="false_alarms"):
    """How often the gate may turn red by a drop although nothing has changed, all its cells together."""

    per_month: Positive = Field(0.2, description="rule nightly: false alarms expected in a month, at most")
    nights: int = Field(30, ge=1, le=1000, description="rule nightly: runs in a month")
    ever: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.05, description="rule sequential: the chance that a baseline ever raises a false alarm, at most"
    )


class TierOptions(PolicyPart, title="a tier"):
    """What comes of a cell of a tier; what is not said stays as the tier has it."""

    breach: Outcome | None = Field(
        None, description="of a proven drop beyond the limit, a missed floor, a broken ceiling"
    )
    doubt: Outcome | None = Field(None, description="where a drop beyond the limit is neither proven nor ruled out")
    missing: Literal["inconclusive", "block"] | None = Field(
        None, description="where values are missing: coverage, failed or unmeasured; such a cell never passes"
    )


class WatchOptions(PolicyPart, title="watch"):
    """What comes of a cell that is only watched: it never blocks."""

    breach: Literal["pass", "warn", "inconclusive"] | None = Field(None, description="as of the other tiers")
    doubt: Literal["pass", "warn", "inconclusive"] | None = Field(None, description="as of the other tiers")
    missing: Literal["inconclusive"] | None = Field(None, description="as of the other tiers")


class Tiers(PolicyPart, title="tiers"):
    """What the tiers mean."""

    critical: TierOptions = Field(TierOptions(), description="what must not get worse: block, inconclusive, block")
    normal: TierOptions = Field(TierOptions(), description="what should not get worse: block, warn, inconclusive")
    watch: WatchOptions = Field(WatchOptions(), description="what is only shown: warn, pass, inconclusive")


TIER_DEFAULTS: Mapping[Tier, Mapping[Event, Outcome]] = {
    "critical": {"breach": "block", "doubt": "inconclusive", "missing": "block"},
    "normal": {"breach": "block", "doubt": "warn", "missing": "inconclusive"},
    "watch": {"breach": "warn", "doubt": "pass", "missing": "inconclusive"},
}


class Limits(PolicyPart):
    """What a cell is held to; what is not said is taken from the line above, at last from the defaults."""

    tier: Tier | None = Field(None, description="critical, normal or watch")
    drop: Allowed = Field(None, description="how much worse than the baseline: 0.02, `2 points` or `5 %` of its figure")
    floor: float | None = Field(None, description="the worst figure that is allowed, in the metric's own units")
    floor_by: Literal["point", "bound"] | None = Field(
        None, description="what must keep the floor: the figure itself, or the worse end of its 95 % interval"
    )
    coverage: Share | None = Field(None, description="the share of items that must have a value")


class CellLimits(Limits, title="gates"):
    """Limits of some cells. Names may hold * and ?."""

    task: Pattern = Field("*", description="name of tasks")
    variant: Pattern = Field("*", description="name of variants")
    metric: Pattern = Field("*", description="name of metrics, with their part (f1.macro)")


class Ceilings(PolicyPart, title="ceilings"):
    """What the requests of some variants may take; what a run did not measure is missing."""

    variant: Pattern = Field("*", description="name of variants")
    tier: Tier = Field("normal", description="critical, normal or watch")
    max_p95_ms: Positive | None = Field(None, description="95th percentile of one request by itself, in milliseconds")
    max_latency_rise: Positive | None = Field(None, description="of that, over the baseline: 0.2 is 20 %")
    max_cost_per_1000: Positive | None = Field(None, description="of 1,000 requests, in the currency of the prices")
    max_cost_rise: Positive | None = Field(None, description="of that, over the baseline: 0.2 is 20 %")
    max_tokens_rise: Positive | None = Field(None, description="of the tokens of a request, over the baseline")

    @model_validator(mode="after")
    def _says_something(self) -> "Ceilings":
        if all(value is None for name, value in self if name.startswith("max_")):
            raise ValueError("states no ceiling; add e.g. max_p95_ms: 800")
        return self


class Waiver(PolicyPart, title="waivers"):
    """What does not count for some time, and why."""

    until: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="the last day on which it holds, e.g. 2026-12-24")
    reason: str = Field(pattern=r"\S", description="why, for whoever reads the gate's report")
    task: Pattern = Field("*", description="name of tasks")
    variant: Pattern = Field("*", description="name of variants")
    metric: Pattern = Field("*", description="name of metrics, or latency, cost, tokens")
    covers: list[CheckKind] = Field([], description="which checks; all where none is named")

    @model_validator(mode="after")
    def _ends_on_a_day(self) -> "Waiver":
        from datetime import date

        try:
            date.fromisoformat(self.until)
        except ValueError as error:
            raise ValueError(f"until: {self.until} is no day; write it as 2026-12-24") from error
        return self


class DriftOptions(PolicyPart, title="judge_drift"):
    """When a judge that gives other scores to the same stored answers may no longer be compared."""

    ask: bool = Field(True, description="whether judges are asked about the stored answers again")
    level: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.001, description="two-sided p of the paired test below which the judge has moved"
    )
    min_shift: Share = Field(
        0.02, description="the least mean shift that counts, as a share of the scale; of pairs: of verdicts"
    )


class GatePolicy(Limits, title="policy"):
    """A gate's policy: when a run blocks. Everything may be left out."""

    rule: Rule = Field("nightly", description="nightly: each night by itself; sequential: all nights together")
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.95, description="with which a drop beyond the limit must be ruled out, else the cell is in doubt"
    )
    false_alarms: FalseAlarmBudget = Field(FalseAlarmBudget(), description="how often the gate may be wrong")
    changed: Literal["not-comparable", "accept"] = Field(
        "not-comparable",
        description="what a changed data set, prompt, knowledge, model, variant, metric or judge means; accept: it was "
        "on purpose, only floors, coverage and ceilings count",
    )
    min_shared: Share = Field(0.8, description="the share of the baseline's items that must ask the same now")
    alarms: Literal["ignore", "warn", "block"] = Field(
        "warn", description="what the run's own alarms mean (empty, cut or equal answers …) that the baseline had not"
    )
    judge_drift: DriftOptions = Field(DriftOptions(), description="when a judge has moved")
    tiers: Tiers = Field(Tiers(), description="what the tiers mean")
    gates: list[CellLimits] = Field([], description="limits of some cells; a later entry overrides an earlier one")
    ceilings: list[Ceilings] = Field([], description="what requests may take")
    waivers: list[Waiver] = Field([], description="what does not count for some time")

    def verdict(self, tier: Tier, event: Event) -> Verdict:
        """What an event makes of a cell of a tier."""
        outcome: Outcome = getattr(getattr(self.tiers, tier), event) or TIER_DEFAULTS[tier][event]
        return VERDICT_OF[outcome]


VERDICT_OF: Mapping[Outcome, Verdict] = {
    "pass": "PASS", "warn": "WARN", "inconclusive": "INCONCLUSIVE", "block": "BLOCK",
}  # fmt: skip


def policy_schema() -> dict[str, JSON]:
    """JSON schema of a policy file, draft 2020-12."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **GatePolicy.model_json_schema()}


EXAMPLE = """\
# What a nightly run is held to. Everything may be left out: these are the defaults, but for gates, ceilings, waivers.
rule: nightly             # each night by itself; sequential: one count over all nights (docs/gate.md)
false_alarms:
  per_month: 0.2          # rule nightly: expected false alarms a month, at most, all cells together
  nights: 30
  ever: 0.05              # rule sequential: the chance of any false alarm while a baseline stands, at most
drop: 2 points            # how much worse than the baseline: 0.02 in its own units, 2 points, or 5 % of its figure
confidence: 0.95          # with which a larger drop must be ruled out; else the cell is in doubt
coverage: 0.95            # share of the items that must have a value
floor_by: point           # bound: the worse end of the figure's 95 % interval must keep the floor
changed: not-comparable   # accept: changed data, prompts, models and judges are on purpose
min_shared: 0.8           # share of the baseline's items that must ask the same
alarms: warn              # empty, cut or equal answers that the baseline had not; ignore or block
judge_drift: {ask: true, level: 0.001, min_shift: 0.02}   # stored answers are judged again; a judge that moved
tiers:                    # breach: proven; doubt: neither proven nor ruled out; missing: values that are not there
  critical: {breach: block, doubt: inconclusive, missing: block}
  normal: {breach: block, doubt: warn, missing: inconclusive}   # headline figures, where nothing else is said
  watch: {breach: warn, doubt: pass, missing: inconclusive}     # all others; it never blocks

# gates:                  # a later entry overrides an earlier one; names may hold * and ?
#   - {task: triage, metric: accuracy, tier: critical, drop: 1 point, floor: 0.8, floor_by: bound}
#   - {variant: "baseline-*", tier: watch}
# ceilings:
#   - {variant: lora, max_p95_ms: 800, max_cost_per_1000: 1.5, max_tokens_rise: 0.2}
# waivers:
#   - {variant: rag, metric: accuracy, until: 2026-12-24, reason: "the index is rebuilt after the move", covers: [drop]}
"""
