"""The mean that people would have given each variant: the judged mean, corrected by the answers that people scored."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import DataError
from harness.judging.asking.judge_metric import judged_text
from harness.judging.people.against_people import mean
from harness.judging.people.label_rows import refuse
from harness.judging.people.labels import ScoredItem, check_scale, read_labels
from harness.records.judgements import Corrected, HumanMean
from harness.records.outputs import Prediction, Score
from harness.statistics.prediction_powered import corrected_mean


def human_means(
    task: str,
    metric_name: str,
    path: Path,
    rubric_low: float,
    rubric_high: float,
    predictions: Sequence[Prediction],
    scores: Sequence[Score],
) -> list[HumanMean]:
    """The corrected mean of each variant of which people scored at least three answers, in units of the rubric's scale.

    A label belongs to a variant if its id is the sample's and its answer, but for white space around it, is what the
    variant answered in this run; one that names a variant belongs to no other. Labels of other answers are counted and
    never used. People must have scored a random draw of the items (see `corrected_mean`). Raises DataError.
    """
    labels = human_labels(path, rubric_low, rubric_high)
    scores = [score for score in scores if (score.task, score.metric) == (task, metric_name)]
    answers: dict[str, dict[str, str]] = {}
    for prediction in predictions:
        if prediction.task == task and prediction.error is None:
            answers.setdefault(prediction.variant, {})[prediction.sample_id] = judged_text(prediction)
    means = []
    for variant, by_sample in answers.items():
        judged = {s.sample_id: s.value for s in scores if s.variant == variant and s.value is not None}
        own = [label for label in labels if label.variant in (None, variant)]
        matched = _matched(own, by_sample)
        corrected = _corrected(matched, judged, (rubric_low, rubric_high))
        if corrected is not None:
            means.append(
                HumanMean(
                    task=task,
                    metric=metric_name,
                    variant=variant,
                    corrected=corrected,
                    unmatched=len(own) - len(matched),
                )
            )
    return means


def human_labels(path: Path, low: float, high: float) -> list[ScoredItem]:
    """The answers that hold a human score on the scale, each with the id of its sample. Raises DataError."""
    labels = read_labels(path)
    if labels.pairs:
        raise DataError(f"{path}: holds verdicts on two answers; a mean needs scores of single ones")
    refuse(
        f"{item.place}: has no id; give each answer the id of its sample in the task"
        for item in labels.scored
        if item.id is None
    )
    check_scale(labels, low, high)
    return [item for item in labels.scored if mean(item.scores) is not None]


def _matched(labels: Sequence[ScoredItem], answers: Mapping[str, str]) -> dict[str, float]:
    """By sample the human score of the answer that was given: the mean of the annotators."""
    human: dict[str, float] = {}
    places: dict[str, str] = {}
    for label in labels:
        score = mean(label.scores)
        if label.id is None or score is None or answers.get(label.id) != label.answer.strip():
            continue
        if label.id in human:
            raise DataError(f"{label.place}: labels the same answer to {label.id} as {places[label.id]}; keep one row")
        human[label.id], places[label.id] = score, label.place
    return human


def _corrected(
    people: Mapping[str, float], judged: Mapping[str, float], scale: tuple[float, float]
) -> Corrected | None:
    """Items of which the judge gave no score are left out on both sides. No mean lies beyond the scale."""
    both = [item for item in people if item in judged]
    rest = [value for item, value in judged.items() if item not in people]
    corrected = corrected_mean(
        [people[item] for item in both], [judged[item] for item in both], rest, scale[1] - scale[0]
    )
    if corrected is None or corrected.low is None or corrected.high is None:
        return corrected
    low, mean, high = (min(max(value, scale[0]), scale[1]) for value in (corrected.low, corrected.mean, corrected.high))
    return replace(corrected, low=low, mean=mean, high=high)
