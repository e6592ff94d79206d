"""Models that would not be given what a task states of generation: it takes a look at their server."""

from collections.abc import Mapping

from harness.components.task import Task
from harness.suite.suite import Suite


def generation_mistakes(suite: Suite, tasks: Mapping[str, Task]) -> list[str]:
    """What keeps models from generating as tasks state it; a server that is gone says nothing."""
    pairs = {
        (task.name, name): None
        for task in tasks.values()
        if not task.answer.options(task.data.test[0])
        for variant in suite.asked(task.name)
        for name in suite.usage.models_of[variant]
        if suite.models[name].generates
    }
    return [
        f"tasks.{task}.generation: model {name} {problem}"
        for task, name in pairs
        if (problem := suite.models[name].generation_mistake(tasks[task].generation)) is not None
    ]
