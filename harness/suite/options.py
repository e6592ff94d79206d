"""The sections of a suite that are plain options."""

from pydantic import BaseModel, ConfigDict, Field

from harness.components.fields import MOST_TOKENS


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GenerationOptions(_Strict):
    """How text is generated for a task; every variant of the task shares it."""

    max_tokens: int = Field(256, ge=1, le=MOST_TOKENS)  # of the answer
    reasoning_tokens: int | None = Field(None, ge=0, le=MOST_TOKENS)  # of what comes before it; 2,048 when not given
    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    stop: list[str] = []


class Compare(_Strict):
    """Which variant the others are measured against, and which figures the verdict rests on."""

    reference: str | None = None
    headline: list[str] = []


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


class LatencyOptions(_Strict):
    """How many requests of one task are timed one at a time, after the run has answered them together."""

    items: int = Field(20, ge=0, le=1000)  # 0: none
    task: str | None = None  # the first that is not general, where none is named
