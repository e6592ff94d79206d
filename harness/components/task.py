"""A task at run time: its samples, its prompt, and how its answer is asked for and read back."""

from dataclasses import dataclass, field
from functools import cached_property

from harness.components.answer import Answer
from harness.components.dataset import Dataset
from harness.components.prompt_shape import PromptShape
from harness.records.inputs import JSON, Generation, Language, Message, Prompt, Sample
from harness.text.templates import Template


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything the variants share, so that they see the same items, prompt and generation options."""

    name: str
    data: Dataset
    template: Template
    system: Template | None
    answer: Answer
    generation: Generation
    probe_of: "Task | None" = field(default=None, repr=False)  # of a freshness probe: the task it was derived from
    language: Language = "zh"  # of what the product itself writes into its prompts
    version: str = ""  # of a freshness probe: before, after or withdrawn
    updated: str = ""  # the knowledge base that is searched in its second version
    is_limited_by_targets: bool = False  # the most tokens of an answer are counted by each model's own tokenizer
    _questions: dict[str, tuple[Sample, str]] = field(default_factory=dict, repr=False, compare=False)  # rendered once

    @property
    def origin(self) -> str:
        """The name of the task that a probe was derived from; empty for other tasks."""
        return self.probe_of.name if self.probe_of else ""

    @property
    def prompt_shape(self) -> PromptShape:
        """Of what kind its prompts are as they stand, with nothing that a variant adds."""
        return PromptShape(template=self.template.text, system=self.system.text if self.system else "")

    @cached_property
    def reply_schema(self) -> dict[str, JSON]:
        """JSON schema of a reply; a probe shares that of its task. Raises HarnessError where the answer has none."""
        data = (self.probe_of or self).data
        return self.answer.reply_schema([*data.train, *data.validation, *data.whole_test])

    def ask(self, sample: Sample, **extra: JSON) -> Message:
        """The user's turn for one sample; `extra` variables (e.g. passages) are visible to the template."""
        if extra:
            return Message("user", self.template.render(sample, **extra))
        rendered, question = self._questions.get(sample.id, (None, ""))
        if rendered is not sample:
            question = self.template.render(sample)
            self._questions[sample.id] = (sample, question)
        return Message("user", question)

    def forget_questions(self) -> None:
        """Hold no rendered question any more; one that is asked again is rendered again."""
        self._questions.clear()

    def demonstrate(self, sample: Sample, **extra: JSON) -> Prompt:
        """One worked example as two turns: the question and the right answer."""
        return (self.ask(sample, **extra), Message("assistant", self.answer.example(sample)))

    def prompt(self, sample: Sample, demonstrations: Prompt = (), system: str | None = None, **extra: JSON) -> Prompt:
        """The whole prompt: system turn, worked examples, the sample's history, its question.

        The system turn is the given one, else the task's, else the sample's own unless the prompt shows that itself.
        """
        is_stated = system is not None or (self.system is not None and not self.system.text)
        if system is None and self.system is not None:
            system = self.system.render(sample, **extra)
        if system is None and sample.system and not self.template.names("system"):
            system = sample.system
        system = self.answer.system_turn(sample, system)
        opening = (Message("system", system or ""),) if system or is_stated else ()
        history = tuple(
            turn
            for user, assistant in sample.history
            for turn in (Message("user", user), Message("assistant", assistant))
        )
        return (*opening, *demonstrations, *history, self.ask(sample, **extra))
