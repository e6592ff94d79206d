"""Models whose kind can tell how likely options are, and that cannot as they stand: it takes a look at their server."""

from collections.abc import Mapping

from harness.components.answer import Answer
from harness.components.model import Model
from harness.components.task import Task
from harness.suite.suite import Suite


def scoring_mistakes(suite: Suite, tasks: Mapping[str, Task]) -> list[str]:
    """What keeps models from choosing among the options of tasks; a server that is gone says nothing."""
    return [
        f"variants.{variant} on tasks.{task.name}: model {name} {problem}"
        for task in tasks.values()
        if task.answer.options(task.data.test[0]) and task.name not in suite.general
        for variant in suite.variants
        for name in suite.usage.writers_of[variant]
        if (problem := _problem(suite.models[name], task.answer)) is not None
    ]


def _problem(model: Model, answer: Answer) -> str | None:
    if answer.is_first_token:
        reason = model.first_token_mistake() if model.tells_first_token else None
        return None if reason is None else f"cannot choose by: first_token: {reason}"
    reason = model.scoring_mistake() if model.scores_options else None
    return None if reason is None else f"cannot score options: {reason}; {answer.remedy_for_scoring()}"
