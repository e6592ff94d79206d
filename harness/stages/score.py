"""Score every prediction by every metric of its task, judges last; leaves scores, judgements and what they cost."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, groupby

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
from harness.runtime.record_parts import RecordParts
from harness.runtime.run_folder import RunFolder
from harness.stages.predict import progress_line
from harness.stages.score_metric import MetricScores
from harness.suite.loading_order import Rank, judging_rank
from harness.suite.suite import Suite
from harness.summary.comparison_plan import reference_of
from harness.summary.judge_quality import identities, rubric_texts
from harness.text.blocks import blocks

BLOCK = 2_000  # predictions that are scored together by metrics that look at each by itself
Answered = tuple[Sample, Prediction]


def score(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder, context: Context) -> None:
    """First the metrics that ask no model, then those that ask the models that answered, then judges."""
    for task in tasks.values():
        task.forget_questions()  # what follows asks few of them again
    judgements: list[Judgement] = []
    figures = [
        MetricScores(metric, _scoring(name, tasks[task], suite, context, judgements))
        for task in tasks
        if suite.asked(task) and tasks[task].data.test
        for name, metric in suite.metrics_of(tasks[task]).items()
    ]
    costs: list[dict[str, JSON]] = []
    with folder.parts("scores.jsonl", Score) as parts:
        try:
            predictions: dict[str, list[Answered]] = {}
            samples = chain.from_iterable(task.data.test for task in tasks.values())
            for task, answered in groupby(folder.answered(samples), lambda pair: pair[1].task):
                own = [figure for figure in figures if figure.task == task]
                pairs = _score_separably(own, answered, parts)
                for figure in own:
                    if not figure.is_separable and not scoring_phase(figure.metric):
                        costs += _score_whole(figure, pairs, context, parts)
                if any(scoring_phase(figure.metric) for figure in own):
                    predictions[task] = pairs
            for figure in sorted(figures, key=lambda figure: _rank(figure.metric, suite)):
                if scoring_phase(figure.metric):
                    costs += _score_whole(figure, predictions[figure.task], context, parts)
        finally:
            context.close()
        parts.join([own.key for own in figures], {own.key: own.late() for own in figures if own.failed})
    folder.write_judgements(judgements)
    judging = {
        "judges": described_judges(suite, context),
        "judge_ids": identities(suite, tasks, context),
        "judging": costs,
        "rubrics": rubric_texts(suite),
    }
    folder.write_run({**folder.read_run(), **described_suite(suite, tasks), **judging})


def _scoring(name: str, task: Task, suite: Suite, context: Context, judgements: list[Judgement]) -> Scoring:
    return Scoring(
        metric=name,
        task=task,
        context=context,
        answering=suite.usage.answering_model,
        reference=reference_of(suite),
        pools=suite.expansion.pools,
        seed=suite.seed,
        judgements=judgements,
    )


def _score_separably(
    figures: Sequence[MetricScores], answered: Iterable[Answered], parts: RecordParts[Score]
) -> list[Answered]:
    """The metrics of a task that look at each prediction by itself; returns the predictions if others need them all."""
    pairs: list[Answered] = []
    separable = [figure for figure in figures if figure.is_separable]
    for block in blocks(answered, BLOCK):
        for figure in separable:
            parts.extend(figure.key, figure.of([sample for sample, _ in block], [own for _, own in block]))
        pairs += block if len(separable) < len(figures) else ()
    return pairs


def _score_whole(
    figure: MetricScores, answered: Sequence[Answered], context: Context, parts: RecordParts[Score]
) -> list[dict[str, JSON]]:
    """One metric of a task over all predictions; returns what it cost. Its progress is shown where it asks models."""
    context.counts = CallCounts()
    asks_models = scoring_phase(figure.metric) > 0
    if asks_models:
        context.begin(Cell(figure.task, figure.scoring.metric))
    parts.extend(figure.key, figure.of([sample for sample, _ in answered], [own for _, own in answered]))
    if asks_models:
        context.display.finish(progress_line(len(answered), context.counts))
    cost = {"task": figure.task, "metric": figure.scoring.metric, **context.counts.record()}
    return [cost] if context.counts.has_calls else []


def _rank(metric: Metric, suite: Suite) -> tuple[int, Rank]:
    """When a metric scores: by what it asks, and judges so that each is loaded once."""
    return scoring_phase(metric), judging_rank(named(metric, "models"), suite.models)
