"""Score every prediction by every metric of its task, judges last; leaves scores, judgements and what they cost."""

from collections.abc import Mapping, Sequence

from harness.components.component import named
from harness.components.metric import Metric, scoring_phase
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.records.call_counts import CallCounts
from harness.records.inputs import JSON, Cell, Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction, Score
from harness.runtime.context import Context
from harness.runtime.provenance import described_judges, described_suite
from harness.runtime.run_folder import RunFolder
from harness.stages.predict import progress_line
from harness.stages.score_metric import score_metric
from harness.suite.loading_order import Rank, judging_rank
from harness.suite.suite import Suite
from harness.summary.comparison_plan import reference_of
from harness.summary.judge_quality import identities, rubric_texts


def score(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder, context: Context) -> None:
    """First the metrics that ask no model, then those that ask the models that answered, then judges."""
    samples = {(sample.task, sample.id): sample for sample in folder.samples()}
    predictions: dict[str, list[Prediction]] = {}
    for prediction in folder.predictions():
        predictions.setdefault(prediction.task, []).append(prediction)
    metrics = {task: suite.metrics_of(tasks[task]) for task in predictions}
    figures = [(task, metric) for task in predictions for metric in metrics[task]]
    scores: dict[tuple[str, str], list[Score]] = {}
    judgements: list[Judgement] = []
    costs: list[dict[str, JSON]] = []
    try:
        for task, name in sorted(figures, key=lambda figure: _rank(metrics[figure[0]][figure[1]], suite)):
            scoring = Scoring(
                metric=name,
                task=tasks[task],
                context=context,
                answering=suite.usage.answering_model,
                reference=reference_of(suite),
                pools=suite.expansion.pools,
                seed=suite.seed,
                judgements=judgements,
            )
            items = [samples[task, prediction.sample_id] for prediction in predictions[task]]
            scores[task, name] = _score(metrics[task][name], items, predictions[task], scoring, context)
            costs += [{"task": task, "metric": name, **context.counts.record()}] if context.counts.has_calls else []
    finally:
        context.close()
    folder.write_scores(score for figure in figures for score in scores[figure])
    folder.write_judgements(judgements)
    judging = {
        "judges": described_judges(suite, context),
        "judge_ids": identities(suite, tasks, context),
        "judging": costs,
        "rubrics": rubric_texts(suite),
    }
    folder.write_run({**folder.read_run(), **described_suite(suite, tasks), **judging})


def _rank(metric: Metric, suite: Suite) -> tuple[int, Rank]:
    """When a metric scores: by what it asks, and judges so that each is loaded once."""
    return scoring_phase(metric), judging_rank(named(metric, "models"), suite.models)


def _score(
    metric: Metric, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring, context: Context
) -> list[Score]:
    """One metric of a task; its progress is shown where it asks models."""
    context.counts = CallCounts()
    if not scoring_phase(metric):
        return score_metric(metric, samples, predictions, scoring)
    context.begin(Cell(scoring.task.name, scoring.metric))
    scores = score_metric(metric, samples, predictions, scoring)
    context.display.finish(progress_line(len(predictions), context.counts))
    return scores
