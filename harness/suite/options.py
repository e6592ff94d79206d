"""The sections of a suite that are plain options."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from harness.components.fields import MOST_TOKENS
from harness.records.decisions import Approach, ChangeRate
from harness.records.deployment_terms import Correction
from harness.records.inputs import JSON
from harness.suite.documented_schema import SchemaOf

HIGHEST_PRICE = 1e9  # of one thing; sums of such prices stay far within floating point
Price = Annotated[float, Field(ge=0, le=HIGHEST_PRICE)]
Limit = Annotated[float, Field(gt=0)]

_AMOUNT = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d+(\.\d+)? points?$"}]}
Amount = Annotated[  # of a figure: a number in its own units, `2 points`, or one for each of several figures
    JSON, WithJsonSchema({"anyOf": [*_AMOUNT["anyOf"], {"type": "object", "additionalProperties": _AMOUNT}]})
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GenerationOptions(_Strict):
    """How text is generated for a task; every variant of the task shares it."""

    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | Literal["auto"] = 256
    """Most tokens of the answer; auto: a quarter and 8 more than 99 % of the train rows' right answers have."""
    reasoning_tokens: int | None = Field(None, ge=0, le=MOST_TOKENS)
    """Most tokens of what comes before the answer; null: 2,048."""
    temperature: float = Field(0.0, ge=0)
    """Temperature of sampling; 0: the likeliest token each time."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Sampling is among the likeliest tokens that have this probability together; 1: all."""
    top_k: int | None = Field(None, ge=0, le=MOST_TOKENS)
    """Sampling is among the so many likeliest tokens; 0: all; null: all, or what a server does by itself."""
    repetition_penalty: float | None = Field(None, gt=0, le=100)
    """Makes tokens less likely that stand in the prompt or the reply; 1: none; null: not stated."""
    stop: list[str] = []
    """Texts at which the answer ends."""


class Compare(_Strict):
    """Which variant the others are measured against, which figures the verdict rests on, and what counts as equal."""

    reference: str | None = None
    """The variant that the others are measured against; null: the first."""
    headline: list[str] = []
    """The figures that the verdict rests on, as task.metric; empty: the first metric of each task."""
    margin: Amount = None
    """How much worse a variant may be and still be as good: 2 points, a number in the metric's units, or {task.metric:
    …}; null: 2 % of the metric's range."""
    correction: Correction = "max-t"
    """How the family of all pairs is corrected for many comparisons."""
    approaches: dict[str, Approach] = {}
    """Of which approach a variant is, where that cannot be told from what it is made of, as {VARIANT: approach}."""
    by: list[str] | None = None
    """Columns by whose values the headline is shown too; null: group of subjects and subject in exams, else none."""


class Leakage(_Strict):
    """How much of a task's test items may also stand in what a model learns from or looks up."""

    allowed: float = Field(0.05, ge=0, le=1)
    """Share of a task's test items that may also stand in what is learnt or looked up, case, spaces and punctuation
    aside."""
    near: float = Field(0.8, gt=0, le=1)
    """Jaccard similarity of character n-grams from which two texts count as near-equal."""


class Trust(_Strict):
    """What a judge must show before its figures may stand in the headline; null waives a demand."""

    min_kappa: float | None = Field(0.4, ge=-1, le=1)
    """Least Cohen's κ against people, from `harness calibrate`; null: not demanded."""
    min_items: int | None = Field(30, ge=2)
    """Least number of items that people labelled; null: not demanded."""
    max_flip: float | None = Field(0.2, ge=0, le=1)
    """Greatest share of pairs whose verdict changes with the order; null: not demanded."""
    max_unreadable: float | None = Field(0.02, ge=0, le=1)
    """Greatest share of judgements without a verdict; null: not demanded."""


class LatencyOptions(_Strict, title="latency"):
    """How many requests of one task are timed one at a time, after the run has answered them together."""

    items: int = Field(20, ge=0, le=1000)
    """Requests of each variant that are timed one at a time; 0: none."""
    task: str | None = None
    """The task whose requests are timed; null: the first that is not general."""


class TokenPrices(_Strict, title="the prices of a model"):
    """What a model's tokens cost; 0 where they are free."""

    million_tokens_in: Price
    """Price of a million tokens of prompts; 0 where they are free."""
    million_tokens_out: Price
    """Price of a million tokens of replies; 0 where they are free."""


class Prices(_Strict, title="prices"):
    """What a deployment pays for; what is not stated stays without a price."""

    currency: str = Field("USD", min_length=1, max_length=12)
    """The name of the currency, as it is shown."""
    device_hour: Price | None = None
    """Price of an hour of the machine that trains, indexes and runs local models; null: not stated."""
    million_tokens_in: Price | None = None
    """Price of a million tokens of prompts to models behind a server; null: not stated."""
    million_tokens_out: Price | None = None
    """Price of a million tokens of replies from models behind a server; null: not stated."""
    models: dict[str, Annotated[JSON, SchemaOf(TokenPrices)]] = {}
    """Prices of tokens of single models, instead of the general ones, by their names in `models`."""
    labelled_row: Price | None = None
    """Price of one labelled row; null: not stated."""
    upkeep_hour: Price | None = None
    """Price of an hour of a person who keeps the knowledge current; null: not stated."""
    hours_per_change: Annotated[float, Field(ge=0, le=10_000)] = 1.0
    """Hours of that person each time that the knowledge changes."""
    amortise_days: int = Field(365, ge=1, le=36_500)
    """Days over which what is paid once is spread."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Prices":
        tokens = {name: getattr(self, name) for name in ("million_tokens_in", "million_tokens_out")}
        missing = [name for name, price in tokens.items() if price is None]
        if len(missing) == 1:
            raise ValueError(f"{missing[0]} is missing beside the other one; write 0 where tokens are free")
        if missing and not self.models and (self.device_hour, self.labelled_row, self.upkeep_hour) == (None,) * 3:
            raise ValueError("no price is stated; give e.g. device_hour: 2.5, or leave prices out")
        return self


class ConstraintOptions(_Strict, title="constraints"):
    """What a variant has to keep to be deployed."""

    max_p95_ms: Limit | None = None
    """Most milliseconds of 95 of 100 requests, each by itself; null: no bound."""
    max_memory_gb: Limit | None = None
    """Most GB of memory of the loaded variant; null: no bound."""
    min_quality: Amount = None
    """Least value of each headline figure, or {task.metric: value}; null: no bound."""
    max_cost_per_1000: Limit | None = None
    """Most that 1,000 requests may cost, in the currency of the prices; null: no bound."""
    local_only: bool = False
    """Whether no request may leave this machine."""
    knowledge_changes: ChangeRate | None = None
    """How often what is true changes; null: not stated."""


class ProfileOptions(_Strict, title="profile"):
    """The circumstances of a team, beside which the report puts what the run measured."""

    labelled_rows: int | None = Field(None, ge=0, le=10**9)
    """Labelled rows that the team has or can get; null: not stated."""
    knowledge_changes: ChangeRate | None = None
    """How often what is true changes; null: not stated."""
    explainability: Literal["none", "useful", "required"] | None = None
    """Whether answers have to show what they rest on; null: not stated."""
    hardware: Literal["cpu", "one-gpu", "several-gpus", "hosted"] | None = None
    """What models can run on; null: not stated."""
    latency: Literal["batch", "interactive", "real-time"] | None = None
    """How fast answers have to come; null: not stated."""
    team: Literal["domain", "software", "machine-learning"] | None = None
    """What the team knows best; null: not stated."""
