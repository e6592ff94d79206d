"""What models share that write text behind a server: a pace, and failures that become data."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr, field_validator

from harness.components.fields import PromptText
from harness.components.text_model import TextModel
from harness.errors import HarnessError
from harness.models.remote.allowance import Allowance
from harness.models.remote.asking import Asking
from harness.models.remote.call_clock import CallClock
from harness.models.remote.hosted_model import HostedModel
from harness.models.remote.pace import Pace
from harness.models.remote.schema_probe import QUESTION, is_conclusive, probe_generation, schema_violation
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion
from harness.text.turn_template import TurnTemplate, turn_template


class RemoteModel(HostedModel, TextModel):
    """Base of models that write text behind a server. Threads only here; results keep the order of the prompts."""

    served: ClassVar[bool] = True

    shows_turns: ClassVar[bool] = True

    template: Annotated[str | None, PromptText()] = None
    """Renders prompts here instead of on the server: chatml, gemma, llama3, mistral, or Jinja over `messages`; null:
    the server does."""
    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Calls at once; auto: by what the server bears."""
    _holds_schemas: bool = PrivateAttr(False)  # the server has shown it

    @field_validator("template")
    @classmethod
    def _is_a_template(cls, template: str | None) -> str | None:
        try:
            _ = None if template is None else turn_template(template)
        except HarnessError as error:
            raise ValueError(str(error)) from error
        return template

    @cached_property
    def stated_template(self) -> TurnTemplate | None:
        """The template by which prompts are written here and sent as text; None: the server's own."""
        return None if self.template is None else turn_template(self.template)

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        return [list(range(len(prompts)))] if prompts else []

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        completions = dict(self.generate_each(prompts, generation, repeats))
        return [completions[index] for index in range(len(prompts))]

    def generate_each(
        self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]
    ) -> Iterator[tuple[int, Completion]]:
        self.before_asking(prompts, generation)
        if generation.strict and (reason := self._schema_violation(generation)) is not None:
            failure = Completion(text="", finish="error", error=reason)
            return iter([(index, failure) for index in range(len(prompts))])

        def call(index: int) -> Completion:
            return self.call(prompts[index], replace(generation, seed=generation.seed + repeats[index]))

        return self._ask_each(len(prompts), call)

    def before_asking(self, prompts: Sequence[Prompt], generation: Generation) -> None:
        """Look at the prompts of a cell before the first of them is asked. Raises ModelError."""

    def slots(self) -> int | None:
        """Calls that the server can take at once; None where it does not tell."""
        return None

    def schema_problem(self) -> str | None:
        return None  # seen on the first reply that must be held to a schema

    def _schema_violation(self, generation: Generation) -> str | None:
        """Why the server's replies would not be held to a schema, as a question shows once a run."""
        if self._holds_schemas:
            return None
        probe = probe_generation(generation)
        ((_, completion),) = self._ask_each(1, lambda _: self.call(QUESTION, probe))
        if not is_conclusive(completion):
            return None  # the calls themselves tell what is wrong
        reason = schema_violation(completion)
        self._holds_schemas = reason is None
        return None if reason is None else self.redaction().redact_message(reason)

    @abstractmethod
    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        """One request. Raises CallError."""

    def _ask_each(self, count: int, call: Callable[[int], Completion]) -> Iterator[tuple[int, Completion]]:
        """The completions of `call(index)`, each a request that may raise CallError, as they come."""
        from harness.models.remote.transport import timed_call

        redaction = self.redaction()

        def make(index: int) -> Completion:
            with timed_call(CallClock(self.timeout, self.longest, self._signs), self.prefix):
                return redaction.redact_completion(call(index))

        def probe() -> None:
            with timed_call(CallClock(self.timeout, min(self.timeout, self.longest), self._signs)):
                self.call(QUESTION, Generation(max_tokens=1, reasoning_tokens=0))

        asking = Asking(
            count=count,
            make=make,
            probe=probe,
            pace=self._pace,
            outage=self._outage,
            retries=self.retries,
            describe=self.failure_text,
            check_server=self.still_the_same,
            allowance=self._allowance,
        )
        return asking.completions()

    def limits(self) -> tuple[int | None, int | None]:
        """The most calls, and the most tokens, that its service allows within a minute; None without such a limit."""
        return None, None

    @cached_property
    def _allowance(self) -> Allowance:
        return Allowance(*self.limits())

    @cached_property
    def _pace(self) -> Pace:
        return Pace(self.workers, self.slots())
