"""All that is known of a run's judges: how they behaved, how they stand against people, and who may decide."""

from collections.abc import Mapping
from pathlib import Path

from harness.context import Context
from harness.judgements import HumanMean, Judging, Panel, Ranked, Reliability
from harness.judging import calibrations, reliability
from harness.judging.family import family
from harness.judging.human import human_means
from harness.judging.opinion import Opinion
from harness.judging.reliability import Judged
from harness.judging.trust import demotion, examined
from harness.metrics.judge import Judge
from harness.prepare import answering_models
from harness.store import RunFolder
from harness.suite import Suite
from harness.tasks.task import Task
from harness.types import JSON


def identities(tasks: Mapping[str, Task], context: Context) -> dict[str, dict[str, str]]:
    """By "task.metric" and judge, the digest that a calibration is kept under."""
    return {
        f"{name}.{metric_name}": {judge: metric.identity(context.model_digest(judge)) for judge in metric.judges}
        for name, task in tasks.items()
        for metric_name, metric in task.metrics.items()
        if isinstance(metric, Opinion)
    }


def judging(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder) -> Judging:
    """The judges of a run, from what they said, what is known of them, and what the suite demands."""
    record, judgements = folder.read_run(), folder.judgements()
    human: list[HumanMean] = []
    judges: list[Reliability] = []
    panels: list[Panel] = []
    rankings: list[Ranked] = []
    demoted: dict[str, str] = {}
    for figure, judge_ids in record.get("judge_ids", {}).items():
        task, _, name = figure.partition(".")
        metric = tasks[task].metrics[name]
        if not isinstance(metric, Opinion):
            continue
        own = [one for one in judgements if (one.task, one.metric) == (task, name)]
        known = _known(suite, task, name, metric, judge_ids, record)
        found = [examined(one, suite.trust) for one in reliability.reliability(known, own)]
        judges += found
        panels += filter(None, [reliability.panel(known, own)])
        rankings += filter(None, [reliability.ranked(known, own, suite.seed)])
        human += _corrected(task, name, metric, folder)
        reason = demotion(found)
        if reason:
            demoted[figure] = reason
    return Judging(tuple(judges), tuple(panels), tuple(rankings), tuple(human), demoted)


def _corrected(task: str, name: str, metric: Opinion, folder: RunFolder) -> list[HumanMean]:
    """The judged means, corrected by human scores where the metric names some."""
    if not isinstance(metric, Judge) or metric.human is None:
        return []
    own = [prediction for prediction in folder.predictions() if prediction.task == task]
    scores = [score for score in folder.scores() if (score.task, score.metric) == (task, name)]
    return human_means(task, name, Path(metric.human), metric.rules.low, metric.rules.high, own, scores)


def _known(
    suite: Suite, task: str, name: str, metric: Opinion, judge_ids: Mapping[str, str], record: Mapping[str, JSON]
) -> Judged:
    answering = {variant: model for variant, model in answering_models(suite).items() if model is not None}
    families = {name: family(suite.models[name], suite.models) for name in {*answering.values(), *metric.judges}}
    found = {judge: calibrations.stored(identity) for judge, identity in judge_ids.items()}
    return Judged(
        task,
        name,
        metric.rules.name,
        metric.pairwise,
        {judge: record.get("judges", {}).get(judge, {}).get("description", "") for judge in metric.judges},
        {judge: one for judge, one in found.items() if one is not None},
        {
            judge: tuple(
                v for v, m in answering.items() if m != judge and families[m] and families[m] == families[judge]
            )
            for judge in metric.judges
        },
        {judge: tuple(v for v, m in answering.items() if m == judge) for judge in metric.judges},
    )
