"""The freshness probe: where facts have changed, the questions about them are asked before and after the change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.components.dataset import Dataset
from harness.components.knowledge import Knowledge
from harness.components.task import Task
from harness.records.inputs import Sample
from harness.suite.suite import Suite


def freshness_probes(suite: Suite, tasks: Mapping[str, Task]) -> dict[str, Task]:
    """For each searched knowledge base with a second version, the tasks made of the questions whose facts it changes.

    TASK@KNOWLEDGE-before asks them under the first version, -after under the second with the answers that hold then,
    and -withdrawn those that no answer holds for any more. All variants are asked: what does not look things up keeps
    saying what it learnt, which the metric `stale` counts.
    """
    return {
        f"{name}@{knowledge}-{version}": _named(probe, f"{name}@{knowledge}-{version}")
        for knowledge in suite.usage.knowledge
        for name, task in tasks.items()
        if name not in suite.general and not any(sample.options for sample in task.data.test)  # letters are no facts
        for version, probe in _versions(task, knowledge, suite.knowledge[knowledge]).items()
    }


def _versions(task: Task, name: str, knowledge: Knowledge) -> dict[str, Task]:
    changed = knowledge.affected(task.data.test)
    withdrawn = knowledge.withdrawn(task.data.test)
    versions: dict[str, Task] = {}
    if changed:
        versions["before"] = _asking(task, [before for before, _ in changed], "before", updated="")
        versions["after"] = _asking(task, [after for _, after in changed], "after", updated=name)
    if withdrawn:
        outdated = [replace(sample, meta={**sample.meta, "stale": list(sample.targets)}) for sample in withdrawn]
        versions["withdrawn"] = _asking(task, outdated, "withdrawn", updated=name)
    return versions


def _asking(task: Task, samples: Sequence[Sample], version: str, updated: str) -> Task:
    data = Dataset(tuple(samples), task.data.train, task.data.validation)
    return replace(task, data=data, parent=task, version=version, updated=updated, _questions={})


def _named(task: Task, name: str) -> Task:
    samples = tuple(replace(sample, task=name) for sample in task.data.test)
    return replace(task, name=name, data=replace(task.data, test=samples))
