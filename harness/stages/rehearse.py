"""Before anything is asked: the first prompt of each cell, as far as its server tells what is read of it."""

from collections.abc import Mapping
from contextlib import closing

from harness.components.display import Display
from harness.components.task import Task
from harness.errors import HarnessError, SuiteError
from harness.records.inputs import Cell, Prompt
from harness.runtime.cache import Cache, cache_root
from harness.runtime.prompt_rehearsal import PromptRehearsal
from harness.stages.prepare import check, resources_of
from harness.suite.suite import Suite


def rehearse(suite: Suite, tasks: Mapping[str, Task], cache: Cache, display: Display) -> None:
    """Raise SuiteError, one line a cell, for turns that a server's template leaves out. Each model is loaded once."""
    mistakes = []
    for name, prompts in _first_prompts(suite, tasks, cache, display).items():
        for cell, prompt in prompts.items():
            try:
                suite.models[name].check_turns([prompt])
            except HarnessError as error:
                mistakes += [f"variants.{cell.variant} on tasks.{cell.task}: {line}" for line in error.lines]
    if mistakes:
        for model in suite.models.values():  # looking at a template may have loaded it
            model.close()
        raise SuiteError(mistakes)


def examine(suite: Suite) -> None:
    """Raise SuiteError, one line a mistake, for what a run would refuse before it asks anything."""
    tasks = check(suite)
    try:
        with closing(Cache(cache_root() / "calls.sqlite", read_only=True)) as cache:
            rehearse(suite, tasks, cache, Display())
    finally:
        for model in suite.models.values():
            model.close()


def _first_prompts(
    suite: Suite, tasks: Mapping[str, Task], cache: Cache, display: Display
) -> dict[str, dict[Cell, Prompt]]:
    """What served models would be asked first in each cell that is not answered yet, by model."""
    served = [name for name, model in suite.models.items() if model.shows_turns]
    prompts: dict[str, dict[Cell, Prompt]] = {name: {} for name in served}
    if not served:
        return prompts
    context, resources = PromptRehearsal(suite.models, cache, Display(), suite.seed), resources_of(suite, tasks)
    try:
        for task in tasks.values():
            for variant in suite.asked(task.name) if not task.origin else ():
                if prompts.keys().isdisjoint(suite.usage.models_of[variant]):
                    continue
                first = context.first_prompts(suite.answering()[variant], task, resources)
                for name in prompts.keys() & first.keys():
                    prompts[name][Cell(task.name, variant)] = first[name]
    finally:
        context.close_vectors()
        for model in suite.models.values():
            model.report_to(display)
    return prompts
