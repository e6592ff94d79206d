"""Whether the rows that something is chosen by are known already: then it would be chosen by remembering."""

from collections.abc import Mapping, Sequence

from baselines.support.confidence import contains_rows
from harness.components.component import named
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Resources, Variant


def trained_models(task: Task, variants: Sequence[Variant], models: Mapping[str, Model]) -> list[str]:
    """The models of some variants that learn the task's train rows."""
    names = dict.fromkeys(model for variant in variants for model in named(variant, "models"))
    return [name for name in names if is_trained_on(task, name, models)]


def is_trained_on(task: Task, name: str, models: Mapping[str, Model]) -> bool:
    """Whether a model, or one that it is made of, learns the task's train rows."""
    model = models[name]
    return task.name in named(model, "tasks") or any(
        is_trained_on(task, base, models) for base in named(model, "models")
    )


def knowledge_of_rows(variants: Sequence[Variant], task: Task, resources: Resources) -> list[str]:
    """The knowledge bases of some variants that hold a task's train rows, as they are declared or by their text."""
    bases = {name: resources.knowledge[name] for variant in variants for name in named(variant, "knowledge")}
    return [
        name
        for name, base in sorted(bases.items())
        if task.name in named(base, "tasks") or contains_rows(base.passage_set(), task.data.train)
    ]
