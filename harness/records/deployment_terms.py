"""What the user asks of a deployment besides quality: margins, prices, limits, circumstances."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.decisions import Approach, ChangeRate

Correction = Literal["max-t", "holm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrice:
    """What a million tokens cost."""

    million_tokens_in: float = 0.0
    million_tokens_out: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices in one currency; None: not stated, so that what it belongs to stays without a price."""

    currency: str = "USD"
    device_hour: float | None = None  # of the machine that trains, indexes and runs local models
    tokens: TokenPrice | None = None  # of models that a server runs for money
    tokens_by_model: Mapping[str, TokenPrice] = field(default_factory=dict)
    labelled_row: float | None = None
    upkeep_hour: float | None = None  # of a person who keeps the knowledge current
    hours_per_change: float = 1.0  # of that person, each time the knowledge changes
    amortise_days: int = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Limits that a deployable variant has to keep; None: not limited."""

    max_p95_ms: float | None = None
    max_memory_gb: float | None = None
    min_quality: Mapping[str, float] = field(default_factory=dict)  # by "task.metric", in the metric's own units
    max_cost_per_1000: float | None = None
    local_only: bool = False
    knowledge_changes: ChangeRate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The circumstances of a team, for the table of evidence; None: not stated."""

    labelled_rows: int | None = None
    knowledge_changes: ChangeRate | None = None
    explainability: Literal["none", "useful", "required"] | None = None
    hardware: Literal["cpu", "one-gpu", "several-gpus", "hosted"] | None = None
    latency: Literal["batch", "interactive", "real-time"] | None = None
    team: Literal["domain", "software", "machine-learning"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentTerms:
    """All of it."""

    margins: Mapping[str, float] = field(default_factory=dict)  # by "task.metric", in the metric's own units
    stated_margin: bool = False  # whether the suite states one: else it is the default
    correction: Correction = "max-t"
    approaches: Mapping[str, Approach] = field(default_factory=dict)  # of variants, where the suite overrides it
    prices: PriceList | None = None
    constraints: Constraints = field(default_factory=Constraints)
    profile: Profile = field(default_factory=Profile)
