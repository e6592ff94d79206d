"""The records of the decision: what a deployment would cost, what the pairs of approaches show, and what to choose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.figures import Comparison
from harness.records.inputs import JSON

Approach = Literal[
    "prompting", "RAG", "fine-tuning", "fine-tuning + RAG", "cascade", "made elsewhere", "floor", "upper bound"
]
NOT_DEPLOYABLE: tuple[Approach, ...] = ("made elsewhere", "floor", "upper bound")  # what no run can recommend
Kind = Literal[
    "choose", "choose simplest", "undecided", "trade-off", "deploy floor", "infeasible", "not trustworthy", "no choice"
]
Certainty = Literal["sure", "likely", "cannot tell"]
ChangeRate = Literal["never", "yearly", "monthly", "weekly", "daily"]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence as data: its key in the catalogue of sentences, and the values that it names."""

    key: str
    values: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproachContest:
    """The best variant of one approach against the best of another, on one headline figure."""

    approach: Approach
    rival: Approach
    comparison: Comparison  # of the two variants; its interval is simultaneous over all pairs, so "best" may be picked


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTest:
    """Whether a variant is as good as another: not worse than it by more than a margin."""

    task: str
    metric: str
    variant: str
    reference: str
    margin: float  # in the metric's own units, above 0
    loss: float  # by how much the variant is worse, better direction accounted for; below 0: it is better
    most_lost: float  # upper end of the loss's simultaneous 95 % interval
    most_gained: float  # lower end of it, as a gain
    non_inferior: bool  # loses less than the margin at most
    equivalent: bool  # neither loses nor gains as much as the margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one factor of a grid does on average over the others, or how two of them depend on each other."""

    grid: str  # name of the grid's figure family, e.g. "model × retriever × shots"
    task: str
    metric: str
    factors: tuple[str, ...]  # one: a main effect; two: an interaction
    levels: tuple[tuple[str, str], ...]  # of each factor: from which level to which
    cells: int  # variants that it rests on
    difference: float | None  # of a main effect: mean at the second level − at the first; else a difference of those
    low: float | None = None  # simultaneous over the effects of the grid
    high: float | None = None
    p_adjusted: float | None = None
    verdict: Literal["better", "worse", "inconclusive"] = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long one request takes by itself: batch size 1, nothing else in flight, weights loaded, question unknown."""

    variant: str
    task: str
    items: int  # requests that were measured
    p50: float  # seconds
    p95: float
    mean: float | None = None  # seconds
    cached_tokens: int | None = None  # of the prompts', those that a server had kept; None: not told
    peak_memory: int | None = None  # bytes of this process, or of its accelerator, with the variant loaded
    note: str = ""  # why fewer items were measured than asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """The calls by which a model wrote the answers that others learn."""

    model: str
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantCost:
    """What it takes to have one variant, and what one of its requests takes; money only where prices are stated."""

    variant: str
    approach: Approach
    is_local: bool | None  # whether no request leaves this machine; None: not known here
    labelled_rows: int | None = None  # that its models learn from, its examples are picked from, and names are made of
    named_rows: int = 0  # labelled rows whose inputs are names of the passages that it searches
    training_seconds: float | None = None
    training_memory: int | None = None  # bytes at the peak
    index_seconds: float | None = None
    latency: Latency | None = None
    tokens_in: float | None = None  # of one request, on average
    tokens_out: float | None = None
    seconds: float | None = None  # of one request in the run, batched as the run did
    memory: int | None = None  # bytes of the loaded variant
    one_off: float | None = None  # money before the first request: labelled rows, their answers, training, index
    monthly: float | None = None  # money a month whatever the number of requests: upkeep of knowledge, retraining
    per_1000: float | None = None  # money for 1,000 requests
    unpriced: tuple[str, ...] = ()  # prices that are not stated and keep a sum above from being known
    device_seconds: float | None = None  # of training, each device counted
    teaching: tuple[Teaching, ...] = ()  # of the models that wrote the answers that its models learn, one each
    looks_up: bool = False  # whether its knowledge is looked up, so that it changes without any training
    search_calls: float | None = None  # of models, to choose its settings; None where they were not searched for
    search_tokens_in: float | None = None
    search_tokens_out: float | None = None
    search_seconds: float | None = None  # in models
    is_efficient: bool | None = None  # whether nothing is both better and cheaper, on the first headline figure


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """From how many requests a day one variant is cheaper than another, with everything before amortised."""

    variant: str  # costs more before its first request, and less for each
    rival: str
    requests_per_day: float | None  # None: never
    days: int  # over which what was spent before is spread


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenConstraint:
    """A demand of the suite that a variant does not meet, or that was not measured for it."""

    variant: str
    constraint: str  # its name in the suite, e.g. "max_p95_ms"
    limit: JSON
    value: JSON  # as measured; None: not measured


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff:
    """One dimension of the usual trade-off: what is commonly said, and what this run measured."""

    dimension: str
    said: Statement
    measured: tuple[Statement, ...]  # none: this run says nothing about it
    needed: Statement | None = None  # what the suite's profile asks of this dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to deploy, how sure that is, why, and what would change the answer."""

    kind: Kind
    certainty: Certainty
    variant: str | None  # to deploy; None where nothing can be named
    approach: Approach | None = None
    rivals: tuple[str, ...] = ()  # that it could not be told from, or that a trade-off is between
    headline: Statement  # the recommendation in one sentence
    reasons: tuple[Statement, ...] = ()
    changes: tuple[Statement, ...] = ()  # what would change the answer
    broken: tuple[BrokenConstraint, ...] = ()
    distrusted: tuple[Statement, ...] = ()  # what was left out of the decision, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """Everything that the decision rests on, and the decision itself."""

    approaches: Mapping[str, Approach] = field(default_factory=dict)  # by variant, as reported
    pairs: tuple[Comparison, ...] = ()  # all pairs of deployable variants on the headline figures, one family
    contests: tuple[ApproachContest, ...] = ()
    margins: tuple[MarginTest, ...] = ()
    effects: tuple[Effect, ...] = ()
    costs: tuple[VariantCost, ...] = ()
    break_even: tuple[BreakEven, ...] = ()
    currency: str | None = None  # None: no prices are stated
    constraints: Mapping[str, JSON] = field(default_factory=dict)  # as the suite states them
    trade_offs: tuple[TradeOff, ...] = ()
    decision: Decision | None = None  # None in runs of older versions
