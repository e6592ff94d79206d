"""One metric over the predictions of a task: how its marks become scores."""

from collections.abc import Mapping, Sequence

from harness.components.metric import LARGEST, Mark, Marks, Metric
from harness.components.scoring import Scoring
from harness.records.figure_names import FigureName
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Score
from harness.text.normalise import as_text


def score_metric(
    metric: Metric, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring
) -> list[Score]:
    """One metric over all predictions of a task. What failed before an answer is unknown in every part."""
    fit = [(s, p) for s, p in zip(samples, predictions, strict=True) if metric.applies(p)]
    samples, predictions = [sample for sample, _ in fit], [prediction for _, prediction in fit]
    answered = [i for i, prediction in enumerate(predictions) if prediction.error is None]
    marks = metric.score_batch([samples[i] for i in answered], [predictions[i] for i in answered], scoring)
    by_index = {i: _parts(mark) for i, mark in zip(answered, marks, strict=True)}
    parts = list(dict.fromkeys(part for named_marks in by_index.values() for part in named_marks)) or [""]
    valued = {predictions[i].variant for i, named_marks in by_index.items() if named_marks}
    silent = {predictions[i].variant for i in answered} - valued
    scores = []
    for i, prediction in enumerate(predictions):
        for part in parts:
            full_name = FigureName(scoring.task.name, scoring.metric, part).full_metric
            absent = None if prediction.variant in silent else Mark(None)  # it does not apply to the variant at all
            mark = by_index[i].get(part) if i in by_index else absent
            if mark is not None:  # a part may not apply to every sample
                scores.append(_score(prediction, full_name, mark))
    return scores


def _parts(marks: Marks | None) -> dict[str, Mark]:
    if marks is None:
        return {"": Mark(None, "the metric gave no value")}
    if isinstance(marks, Mark):
        return {"": marks}
    return dict(marks) if isinstance(marks, Mapping) else {"": Mark(marks)}


def _score(prediction: Prediction, metric: str, mark: Mark) -> Score:
    """A number that cannot be computed with (NaN, infinity, beyond LARGEST) is unknown, and the score says so.

    Half a character in a reason is "?".
    """
    numbers = [number for number in (mark.value, *(mark.counts or {}).values()) if number is not None]
    strange = [number for number in numbers if not abs(number) <= LARGEST]
    value = float(mark.value) if mark.value is not None and not strange else None
    return Score(
        sample_id=prediction.sample_id,
        task=prediction.task,
        variant=prediction.variant,
        metric=as_text(metric),
        value=value,
        reason=None if mark.reason is None else as_text(mark.reason),
        error=f"the metric returned {str(strange[0])[:40]}" if strange else prediction.error,
        counts=None if value is None else mark.counts,
    )
