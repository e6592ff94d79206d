"""What a variant would send first, told without weights, tokenizer or server: for looking at a suite before a run."""

from collections.abc import Callable

from harness.components.calls import NotPlannableError
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.errors import HarnessError
from harness.records.inputs import Cell, Prompt
from harness.runtime.prompt_rehearsal import PromptRehearsal


class PromptPreview(PromptRehearsal):
    """A context that asks nothing and opens nothing: where tokens matter, characters are counted instead."""

    def preview(self, variant: Variant, task: Task, resources: Resources) -> tuple[dict[str, Prompt], str]:
        """By model, the first prompt for a task's first item; and why there is none, where it is not known."""
        self.begin(Cell(task.name, ""))
        self._prompts.clear()
        try:
            variant.answer(task, task.data.test[:1], self, resources)
        except NotPlannableError as error:
            return dict(self._prompts), f"known only in a run: {error}"
        except HarnessError as error:
            return {}, str(error.lines[0])
        return dict(self._prompts), ""

    def model_digest(self, name: str) -> str:
        """One that matches no stored call: weights are not read, so that nothing is taken for answered."""
        return f"not asked: {name}"

    def context_length(self, model: str) -> int | None:
        return None

    def token_counter(self, model: str) -> Callable[[str], int] | None:
        return None
