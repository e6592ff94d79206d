"""All that is known of a run's judges: how they behaved, how they stand against people, and who may decide."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.components.task import Task
from harness.judging import reliability
from harness.judging.asking.judge_metric import JudgeMetric
from harness.judging.lineage import model_lineage
from harness.judging.people import calibrations
from harness.judging.people.human_scores import human_means
from harness.judging.reliability import Judged
from harness.judging.trust import demotion, examined
from harness.metrics.judge import Judge
from harness.records.derived_names import reported_name
from harness.records.figure_names import FigureName
from harness.records.inputs import JSON
from harness.records.judgements import Judgement, Judging
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.suite import Suite
from harness.text.stating import state


def identities(suite: Suite, tasks: Mapping[str, Task], context: Context) -> dict[str, dict[str, str]]:
    """By "task.metric" and judge, the digest that a calibration is kept under."""
    return {
        str(FigureName(name, metric_name)): {
            judge: metric.identity(context.model_digest(judge)) for judge in metric.judges
        }
        for name, task in tasks.items()
        for metric_name, metric in suite.metrics_of(task).items()
        if isinstance(metric, JudgeMetric)
    }


def rubric_texts(suite: Suite) -> dict[str, str]:
    """The rubrics that judges go by, verbatim, by name."""
    asking = [
        metric for spec in suite.tasks.values() for metric in spec.metrics.values() if isinstance(metric, JudgeMetric)
    ]
    return {metric.rules.name: metric.rules.text for metric in asking}


def judging(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder) -> Judging:
    """The judges of a run, from what they said, what is known of them, and what the suite demands."""
    record, judgements = folder.read_run(), [_named(judgement) for judgement in folder.judgements()]
    quality = Judging()
    for text, judge_ids in record.get("judge_ids", {}).items():
        figure = FigureName.parse(text)
        task, name = figure.task, figure.metric
        metric = suite.metrics_of(tasks[task])[name]
        if isinstance(metric, JudgeMetric):
            own = [judgement for judgement in judgements if (judgement.task, judgement.metric) == (task, name)]
            judged = _judged(suite, tasks[task], name, metric, judge_ids, record)
            quality = _with(quality, judged, own, suite)
            if isinstance(metric, Judge) and metric.human is not None and not tasks[task].origin:
                quality = _with_people(quality, task, name, metric, folder)
    return quality


def _with(judging: Judging, judged: Judged, judgements: Sequence[Judgement], suite: Suite) -> Judging:
    """What is known, and one more metric."""
    judges = [examined(judge, suite.trust) for judge in reliability.reliability(judged, judgements)]
    panel, ranked = reliability.panel(judged, judgements), reliability.ranked(judged, judgements, suite.seed)
    reason = demotion(judges)
    return replace(
        judging,
        judges=(*judging.judges, *judges),
        panels=(*judging.panels, *([panel] if panel else [])),
        rankings=(*judging.rankings, *([ranked] if ranked else [])),
        demoted={**judging.demoted, **({str(FigureName.of(judged)): reason} if reason else {})},
    )


def _with_people(judging: Judging, task: str, name: str, metric: Judge, folder: RunFolder) -> Judging:
    """What is known, and the judged means corrected by human scores. On a probe other answers are right: not there."""
    path, low, high = Path(metric.human or ""), metric.rules.low, metric.rules.high
    own = [prediction for prediction in folder.stream_predictions() if prediction.task == task]
    scores = [score for score in folder.stream_scores() if (score.task, score.metric) == (task, name)]
    means = human_means(task, name, path, low, high, own, scores)
    if means:
        return replace(judging, human=(*judging.human, *means))
    note = state(
        "warnings.too_few_human_scores",
        "{figure}: no variant has three of the answers that {file} scores (id and answer must be those of this run), "
        "so no judged mean is corrected",
        figure=str(FigureName(task, name)),
        file=path.name,
    )
    return replace(judging, notes=(*judging.notes, note.text), statements=(*judging.statements, note.statement))


def _named(judgement: Judgement) -> Judgement:
    """A model that was asked by itself is reported by its own name."""
    rival = None if judgement.rival is None else reported_name(judgement.rival)
    return replace(judgement, variant=reported_name(judgement.variant), rival=rival)


def _judged(
    suite: Suite, task: Task, name: str, metric: JudgeMetric, judge_ids: Mapping[str, str], record: Mapping[str, JSON]
) -> Judged:
    variants = suite.asked(task.origin or task.name)
    answering = {
        reported_name(variant): model
        for variant, model in suite.usage.answering_model.items()
        if model is not None and variant in variants
    }
    families = {name: model_lineage(suite.models[name], suite.models) for name in {*answering.values(), *metric.judges}}
    stored = {judge: calibrations.stored(identity) for judge, identity in judge_ids.items()}
    return Judged(
        task=task.name,
        metric=name,
        rubric=metric.rules.name,
        pairwise=metric.pairwise,
        descriptions={judge: record.get("judges", {}).get(judge, {}).get("description", "") for judge in metric.judges},
        calibrations={judge: calibration for judge, calibration in stored.items() if calibration is not None},
        kin={
            judge: tuple(
                v for v, m in answering.items() if m != judge and families[m] and families[m] == families[judge]
            )
            for judge in metric.judges
        },
        itself={judge: tuple(v for v, m in answering.items() if m == judge) for judge in metric.judges},
        groups={sample.id: sample.group for sample in task.data.test if sample.group is not None},
    )
