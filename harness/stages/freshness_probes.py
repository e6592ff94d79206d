"""The freshness probe: where facts have changed, the questions about them are asked before and after the change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from harness.components.dataset import Dataset
from harness.components.knowledge import Knowledge
from harness.components.metric import Metric
from harness.components.registry import find
from harness.components.task import Task
from harness.records.inputs import Sample
from harness.suite.suite import Suite


def probes(suite: Suite, tasks: Mapping[str, Task], searched: Sequence[str]) -> dict[str, Task]:
    """For each searched knowledge base with a second version, the tasks made of the questions whose facts it changes.

    TASK@KNOWLEDGE-before asks them under the first version, -after under the second with the answers that hold then,
    and -withdrawn those that no answer holds for any more. All variants are asked: what does not look things up keeps
    saying what it learnt, which the metric `stale` counts.
    """
    found: dict[str, Task] = {}
    for knowledge_name in searched:
        knowledge = suite.knowledge[knowledge_name]
        for name, task in tasks.items():
            if any(sample.options for sample in task.data.test):
                continue  # letters of options are no facts
            for version, probe in _versions(task, knowledge_name, knowledge).items():
                found[f"{name}@{knowledge_name}-{version}"] = replace(probe, name=f"{name}@{knowledge_name}-{version}")
    return {name: _renamed(task) for name, task in found.items()}


def _versions(task: Task, name: str, knowledge: Knowledge) -> dict[str, Task]:
    pairs = knowledge.affected(task.data.test)
    withdrawn = knowledge.withdrawn(task.data.test)
    stale = {"stale": cast(Metric, find("metric", "stale")())}
    versions: dict[str, Task] = {}
    if pairs:
        versions["before"] = _asking(task, [before for before, _ in pairs], task.metrics, updated="")
        versions["after"] = _asking(task, [after for _, after in pairs], {**task.metrics, **stale}, updated=name)
    if withdrawn:
        gone = [replace(sample, meta={**sample.meta, "stale": list(sample.targets)}) for sample in withdrawn]
        versions["withdrawn"] = _asking(task, gone, stale, updated=name)
    return versions


def _asking(task: Task, samples: Sequence[Sample], metrics: Mapping[str, Metric], updated: str) -> Task:
    data = Dataset(tuple(samples), task.data.train, task.data.validation)
    return replace(task, data=data, metrics=metrics, parent=task, updated=updated, _questions={})


def _renamed(task: Task) -> Task:
    samples = tuple(replace(sample, task=task.name) for sample in task.data.test)
    return replace(task, data=replace(task.data, test=samples))
