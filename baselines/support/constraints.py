"""What keeps a variant's replies from being held to the JSON schema of the answer, before any model is asked."""

from collections.abc import Mapping

from baselines.support.predicting import root_of
from harness.components.model import Model
from harness.components.task import Task
from harness.errors import HarnessError


def constraint_mistakes(task: Task, name: str, models: Mapping[str, Model], has_marker: bool) -> list[str]:
    """Why the model of this name cannot be held to the answer's schema on a task.

    `has_marker`: the answer has to follow a marker. A model in this process is held to the schema from there on; a
    server holds the whole reply to it.
    """
    problems = []
    try:
        _ = task.reply_schema
    except HarnessError as error:
        problems.append(f"constrained: {error}")
    if name not in models:
        return problems  # an unknown name is told where references are checked
    root = root_of(name, models)
    if (problem := root.schema_problem()) is not None:
        problems.append(f"constrained: model {name} {problem}")
    elif has_marker and not root.local:
        problems.append(
            f"constrained: the server of model {name} holds the whole reply to the JSON schema, which has no place for "
            "reasoning and a marker before the answer; leave out chain_of_thought, or constrained"
        )
    return problems
