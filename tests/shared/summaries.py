"""Summaries of records that are at hand, as the stage makes them of those in a run folder."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.components.task import Task
from harness.records.anomalies import Anomaly
from harness.records.figures import MetricInfo, Overlap
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Score
from harness.records.summary import Summary
from harness.suite.suite import Suite
from harness.summary import run_summary
from harness.summary.answer_figures import AnswerFigures
from harness.summary.answered_cells import prompts_digest
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.equal_answers import EqualAnswers
from harness.summary.score_table import ScoreTable


def summary_of(
    plan: ComparisonPlan,
    metrics: Mapping[str, MetricInfo],
    samples: Sequence[Sample],
    predictions: Iterable[Prediction],
    scores: Iterable[Score],
    overlaps: Sequence[Overlap] = (),
) -> Summary:
    """All figures of these records."""
    table = ScoreTable.of(samples, scores, plan.corpora)
    answers = answer_figures(plan, metrics, table, predictions)
    return run_summary.summary_of(plan, metrics, samples, answers, table, overlaps)


def answer_figures(
    plan: ComparisonPlan, metrics: Mapping[str, MetricInfo], table: ScoreTable, predictions: Iterable[Prediction]
) -> AnswerFigures:
    """The figures of these answers, in whatever order they come."""
    answers = AnswerFigures(plan, metrics, table)
    for cell in _cells(predictions):
        answers.add(cell, prompts_digest(cell))
    return answers


def without_effect(suite: Suite, tasks: Mapping[str, Task], predictions: Iterable[Prediction]) -> Iterator[Anomaly]:
    """The variants among these that answer all items alike."""
    equal = EqualAnswers(suite, tasks)
    for cell in _cells(predictions):
        equal.add(cell)
    yield from equal.anomalies()


def _cells(predictions: Iterable[Prediction]) -> Iterable[list[Prediction]]:
    cells: dict[tuple[str, str], list[Prediction]] = {}
    for prediction in predictions:
        cells.setdefault((prediction.task, prediction.variant), []).append(prediction)
    return cells.values()


def values_of(scores: Iterable[Score], chosen: Mapping[str, str]) -> dict[tuple[str, str, str], float | None]:
    """The values of each task's deciding metric by (task, variant, sample)."""
    return {
        (score.task, score.variant, score.sample_id): score.value
        for score in scores
        if chosen.get(score.task) == score.metric
    }
