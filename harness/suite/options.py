"""The sections of a suite that are plain options."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from harness.components.fields import MOST_TOKENS
from harness.records.decisions import Approach, ChangeRate
from harness.records.deployment_terms import Correction
from harness.records.inputs import JSON

HIGHEST_PRICE = 1e9  # of one thing; sums of such prices stay far within floating point
Price = Annotated[float, Field(ge=0, le=HIGHEST_PRICE)]
Limit = Annotated[float, Field(gt=0)]

_AMOUNT = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d+(\.\d+)? points?$"}]}
Amount = Annotated[  # of a figure: a number in its own units, `2 points`, or one for each of several figures
    JSON, WithJsonSchema({"anyOf": [*_AMOUNT["anyOf"], {"type": "object", "additionalProperties": _AMOUNT}]})
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class GenerationOptions(_Strict):
    """How text is generated for a task; every variant of the task shares it."""

    max_tokens: int = Field(256, ge=1, le=MOST_TOKENS)  # of the answer
    reasoning_tokens: int | None = Field(None, ge=0, le=MOST_TOKENS)  # of what comes before it; 2,048 when not given
    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int | None = Field(
        None, ge=0, le=MOST_TOKENS
    )  # likeliest tokens that are drawn from; 0: all; greedy: no use
    repetition_penalty: float | None = Field(None, gt=0, le=100)  # of tokens that stand in prompt or reply; 1: none
    stop: list[str] = []


class Compare(_Strict):
    """Which variant the others are measured against, which figures the verdict rests on, and what counts as equal."""

    reference: str | None = None
    headline: list[str] = []
    margin: Amount = None  # how much worse a variant may be and still be as good; 2 % of the range when not given
    correction: Correction = "max-t"  # for many comparisons
    approaches: dict[str, Approach] = {}  # of variants, in place of what they are made of
    by: list[str] | None = None  # columns by whose values the headline is shown, too; exams: group of subjects, subject


class Leakage(_Strict):
    """How much of a task's test items may also stand in what a model learns from or looks up."""

    allowed: float = Field(0.05, ge=0, le=1)  # share of the test items, equal but for case, spaces and punctuation
    near: float = Field(0.8, gt=0, le=1)  # Jaccard similarity of character n-grams from which two texts are near-equal


class Trust(_Strict):
    """What a judge must show before its figures may stand in the headline; null waives a demand."""

    min_kappa: float | None = Field(0.4, ge=-1, le=1)  # Cohen's κ against people, from `harness calibrate`
    min_items: int | None = Field(30, ge=2)  # labelled by people: κ of a few items is chance
    max_flip: float | None = Field(0.2, ge=0, le=1)  # share of pairs whose verdict changes with the order
    max_unreadable: float | None = Field(0.02, ge=0, le=1)  # share of judgements without a verdict


class LatencyOptions(_Strict, title="latency"):
    """How many requests of one task are timed one at a time, after the run has answered them together."""

    items: int = Field(20, ge=0, le=1000)  # 0: none
    task: str | None = None  # the first that is not general, where none is named


class TokenPrices(_Strict, title="the prices of a model"):
    """What a model's tokens cost; 0 where they are free."""

    million_tokens_in: Price
    million_tokens_out: Price


class Prices(_Strict, title="prices"):
    """What a deployment pays for; what is not stated stays without a price."""

    currency: str = Field("USD", min_length=1, max_length=12)
    device_hour: Price | None = None  # of the machine that trains, indexes and runs local models
    million_tokens_in: Price | None = None  # of models behind a server
    million_tokens_out: Price | None = None
    models: dict[str, Annotated[JSON, WithJsonSchema(TokenPrices.model_json_schema())]] = {}  # instead, by model
    labelled_row: Price | None = None
    upkeep_hour: Price | None = None  # of a person who keeps the knowledge current
    hours_per_change: Annotated[float, Field(ge=0, le=10_000)] = 1.0  # of that person, each time it changes
    amortise_days: int = Field(365, ge=1, le=36_500)  # over which is spread what is paid once

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

    max_p95_ms: Limit | None = None  # of one request by itself
    max_memory_gb: Limit | None = None  # of the loaded variant
    min_quality: Amount = None  # of each headline figure, or by figure
    max_cost_per_1000: Limit | None = None  # requests, in the currency of the prices
    local_only: bool = False  # whether no request may leave this machine
    knowledge_changes: ChangeRate | None = None  # how often what is true changes


class ProfileOptions(_Strict, title="profile"):
    """The circumstances of a team, beside which the report puts what the run measured."""

    labelled_rows: int | None = Field(None, ge=0, le=10**9)
    knowledge_changes: ChangeRate | None = None
    explainability: Literal["none", "useful", "required"] | None = None
    hardware: Literal["cpu", "one-gpu", "several-gpus", "hosted"] | None = None
    latency: Literal["batch", "interactive", "real-time"] | None = None
    team: Literal["domain", "software", "machine-learning"] | None = None
