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
from harness.records.inputs import JSON
from harness.records.judgements import Judgement, Judging
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.expansion import PROBE
from harness.suite.suite import Suite


def identities(tasks: Mapping[str, Task], context: Context) -> dict[str, dict[str, str]]:
    """By "task.metric" and judge, the digest that a calibration is kept under."""
    return {
        f"{name}.{metric_name}": {judge: metric.identity(context.model_digest(judge)) for judge in metric.judges}
        for name, task in tasks.items()
        for metric_name, metric in task.metrics.items()
        if isinstance(metric, JudgeMetric)
    }


def rubric_texts(tasks: Mapping[str, Task]) -> dict[str, str]:
    """The rubrics that judges go by, verbatim, by name."""
    asking = [metric for task in tasks.values() for metric in task.metrics.values() if isinstance(metric, JudgeMetric)]
    return {metric.rules.name: metric.rules.text for metric in asking}


def judging(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder) -> Judging:
    """The judges of a run, from what they said, what is known of them, and what the suite demands."""
    record, judgements = folder.read_run(), [_named(one) for one in folder.judgements()]
    found = Judging()
    for figure, judge_ids in record.get("judge_ids", {}).items():
        task, _, name = figure.partition(".")
        metric = tasks[task].metrics[name]
        if isinstance(metric, JudgeMetric):
            own = [one for one in judgements if (one.task, one.metric) == (task, name)]
            known = _known(suite, tasks[task], name, metric, judge_ids, record)
            found = _with(found, known, own, suite)
            if isinstance(metric, Judge) and metric.human is not None and not tasks[task].origin:
                found = _with_people(found, task, name, metric, folder)
    return found


def _with(found: Judging, known: Judged, judgements: Sequence[Judgement], suite: Suite) -> Judging:
    """What is known, and one more metric."""
    judges = [examined(one, suite.trust) for one in reliability.reliability(known, judgements)]
    panel, ranked = reliability.panel(known, judgements), reliability.ranked(known, judgements, suite.seed)
    reason = demotion(judges)
    return replace(
        found,
        judges=(*found.judges, *judges),
        panels=(*found.panels, *([panel] if panel else [])),
        rankings=(*found.rankings, *([ranked] if ranked else [])),
        demoted={**found.demoted, **({f"{known.task}.{known.metric}": reason} if reason else {})},
    )


def _with_people(found: Judging, task: str, name: str, metric: Judge, folder: RunFolder) -> Judging:
    """What is known, and the judged means corrected by human scores. On a probe other answers are right: not there."""
    path, low, high = Path(metric.human or ""), metric.rules.low, metric.rules.high
    own = [prediction for prediction in folder.predictions() if prediction.task == task]
    scores = [score for score in folder.scores() if (score.task, score.metric) == (task, name)]
    means = human_means(task, name, path, low, high, own, scores)
    if means:
        return replace(found, human=(*found.human, *means))
    note = (
        f"{task}.{name}: no variant has three of the answers that {path.name} scores (id and answer must be those of "
        "this run), so no judged mean is corrected"
    )
    return replace(found, notes=(*found.notes, note))


def _named(one: Judgement) -> Judgement:
    """A model that was asked by itself is reported by its own name."""
    rival = None if one.rival is None else one.rival.removeprefix(PROBE)
    return replace(one, variant=one.variant.removeprefix(PROBE), rival=rival)


def _known(
    suite: Suite, task: Task, name: str, metric: JudgeMetric, judge_ids: Mapping[str, str], record: Mapping[str, JSON]
) -> Judged:
    asked = suite.asked(task.origin or task.name)
    answering = {
        variant.removeprefix(PROBE): model
        for variant, model in suite.usage.answering_model.items()
        if model is not None and variant in asked
    }
    families = {name: model_lineage(suite.models[name], suite.models) for name in {*answering.values(), *metric.judges}}
    found = {judge: calibrations.stored(identity) for judge, identity in judge_ids.items()}
    return Judged(
        task=task.name,
        metric=name,
        rubric=metric.rules.name,
        pairwise=metric.pairwise,
        descriptions={judge: record.get("judges", {}).get(judge, {}).get("description", "") for judge in metric.judges},
        calibrations={judge: one for judge, one in found.items() if one is not None},
        kin={
            judge: tuple(
                v for v, m in answering.items() if m != judge and families[m] and families[m] == families[judge]
            )
            for judge in metric.judges
        },
        itself={judge: tuple(v for v, m in answering.items() if m == judge) for judge in metric.judges},
    )
