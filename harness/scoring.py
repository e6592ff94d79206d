"""One metric over the predictions of a task: what it may use besides them, and how its marks become scores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.component import Mark, Marks, Metric, named
from harness.context import Context
from harness.judgements import Judgement
from harness.tasks.task import Task
from harness.types import Prediction, Sample, Score


@dataclass(frozen=True)
class Scoring:
    """The surroundings in which one metric scores one task."""

    metric: str  # as the suite calls it
    task: Task
    context: Context
    answering: Mapping[str, str | None] = field(default_factory=dict)  # variant → the one model that answers, if one
    reference: str | None = None  # the variant that the others are measured against
    pools: Mapping[str, Sequence[str]] = field(default_factory=dict)  # variants that stand for those of several seeds
    seed: int = 0
    judgements: list[Judgement] = field(default_factory=list)  # a judge adds what it said

    def team(self, variant: str) -> str:
        """The variant as it is reported: one for those of several seeds."""
        return next((pool for pool, members in self.pools.items() if variant in members), variant)


def turn(metric: Metric) -> int:
    """When it is a metric's turn: 0 if it asks no model, 1 if it asks those that answered, 2 if it asks a judge."""
    return 2 if named(metric, "models") else int(metric.asks_answerers)


def score_metric(
    metric: Metric, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring
) -> list[Score]:
    """One metric over all predictions of a task. What failed before an answer is unknown in every part."""
    fit = [(s, p) for s, p in zip(samples, predictions, strict=True) if metric.applies(p)]
    samples, predictions = [sample for sample, _ in fit], [prediction for _, prediction in fit]
    answered = [i for i, prediction in enumerate(predictions) if prediction.error is None]
    marks = metric.evaluate([samples[i] for i in answered], [predictions[i] for i in answered], scoring)
    by_index = {i: _parts(mark) for i, mark in zip(answered, marks, strict=True)}
    parts = list(dict.fromkeys(part for some in by_index.values() for part in some)) or [""]
    told = {predictions[i].variant for i, some in by_index.items() if some}
    silent = {predictions[i].variant for i in answered} - told
    scores = []
    for i, prediction in enumerate(predictions):
        for part in parts:
            full_name = f"{scoring.metric}.{part}" if part else scoring.metric
            untold = None if prediction.variant in silent else Mark(None)  # it does not apply to the variant at all
            mark = by_index[i].get(part) if i in by_index else untold
            if mark is not None:  # a part may not apply to every sample
                place = (prediction.sample_id, prediction.task, prediction.variant, full_name)
                scores.append(_score(place, mark, prediction.error))
    return scores


def _parts(marks: Marks | None) -> dict[str, Mark]:
    if marks is None:
        return {"": Mark(None, "the metric gave no value")}
    if isinstance(marks, Mark):
        return {"": marks}
    return dict(marks) if isinstance(marks, Mapping) else {"": Mark(float(marks))}


def _score(place: tuple[str, str, str, str], mark: Mark, error: str | None) -> Score:
    """A number that is none (NaN, infinity) is unknown, and is said to be."""
    if mark.value is not None and not math.isfinite(mark.value):
        return Score(*place, None, mark.reason, f"the metric returned {mark.value}")
    value = None if mark.value is None else float(mark.value)
    return Score(*place, value, mark.reason, error, None if value is None else mark.counts)
