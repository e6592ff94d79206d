"""The prompts that a variant would send first, noted instead of sent."""

from collections.abc import Sequence
from functools import cached_property

from harness.components.calls import NotPlannableError
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.errors import HarnessError
from harness.records.inputs import Cell, Prompt
from harness.runtime.dry_context import DryContext
from harness.runtime.model_access import Keys


class PromptRehearsal(DryContext):
    """A context that asks nothing and remembers, for one variant at a time, what each model would be asked first."""

    def first_prompts(self, variant: Variant, task: Task, resources: Resources) -> dict[str, Prompt]:
        """By model, the first prompt of a variant for a task.

        Empty where it is answered already, or where it depends on what only a run computes.
        """
        self.begin(Cell(task.name, ""))
        self._prompts.clear()
        try:
            variant.answer(task, task.data.test[:1], self, resources)
        except NotPlannableError:
            return {}
        return dict(self._prompts) if self.counts.calls else {}

    def model_digest(self, name: str) -> str:
        """The digest; of a model whose server does not answer, a stand-in that matches no stored call."""
        try:
            return super().model_digest(name)
        except HarnessError:
            return f"not here: {name}"

    @cached_property
    def _prompts(self) -> dict[str, Prompt]:
        return {}

    def _note_change(self, name: str, keys: Keys) -> None:
        """Nothing is asked here."""

    def _measure(self, model: str, prompts: Sequence[Prompt], answer_tokens: int) -> None:
        for prompt in prompts[:1]:
            self._prompts.setdefault(model, prompt)
