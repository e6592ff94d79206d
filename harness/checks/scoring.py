"""Models whose kind can score given texts, and that cannot as they stand: a server that does not score its prompt."""

from collections.abc import Mapping

from harness.components.task import Task
from harness.suite.suite import Suite


def scoring_mistakes(suite: Suite, tasks: Mapping[str, Task]) -> list[str]:
    """What keeps models from scoring the options of tasks; a server is asked, and one that is gone says nothing."""
    mistakes = []
    for task in tasks.values():
        is_scored = bool(task.answer.options(task.data.test[0])) and not getattr(task.answer, "is_first_token", False)
        for variant in suite.variants if is_scored and task.name not in suite.general else ():
            for name in suite.usage.models_of[variant]:
                model = suite.models[name]
                if model.scores_options and (reason := model.scoring_mistake()) is not None:
                    mistakes.append(
                        f"variants.{variant} on tasks.{task.name}: model {name} cannot score options: {reason}; "
                        "use answer: {choice: {by: first_token}}"
                    )
    return mistakes
