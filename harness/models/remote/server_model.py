"""What models behind a server share: a pace, patience, bounded retries, and failures that become data."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr

from harness.components.display import Display
from harness.components.model import TextModel
from harness.models.remote.asking import Asking
from harness.models.remote.call_clock import CallClock, SignsOfLife
from harness.models.remote.call_error import CallError
from harness.models.remote.outage import Outage
from harness.models.remote.pace import Pace
from harness.models.remote.schema_probe import QUESTION, is_told, probe_generation, unheld_reason
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion
from harness.text.inert import inert_line
from harness.text.redaction import Redaction

REASON_EXCERPT = 300  # characters


class RemoteModel(TextModel):
    """Base of models behind a server. Threads only here; results keep the order of the prompts."""

    prefix: ClassVar[str] = ""  # of what is said about a failed call

    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"  # calls at once
    retries: int = Field(2, ge=0)  # further attempts after a passing failure
    pause: float = Field(1.0, ge=0)  # seconds before the first retry, doubled each time
    timeout: float = Field(300.0, gt=0)  # seconds that a reply may fall silent, and that a connection may take
    longest: float = Field(3600.0, gt=0)  # seconds for one whole reply; waiting in the server's queue is no part of it
    patience: float = Field(600.0, ge=0)  # seconds that a run waits for a server that takes no calls
    _holds_schemas: bool = PrivateAttr(False)  # the server has shown it
    _display: Display = PrivateAttr(default_factory=Display)

    def report_to(self, display: Display) -> None:
        self._display = display

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        return [list(range(len(prompts)))] if prompts else []

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        completions = dict(self.generate_each(prompts, generation, repeats))
        return [completions[index] for index in range(len(prompts))]

    def generate_each(
        self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]
    ) -> Iterator[tuple[int, Completion]]:
        self.before_asking(prompts, generation)
        if generation.strict and (reason := self._unheld(generation)) is not None:
            unheld = Completion(text="", finish="error", error=reason)
            return iter([(index, unheld) for index in range(len(prompts))])

        def call(index: int) -> Completion:
            return self.call(prompts[index], replace(generation, seed=generation.seed + repeats[index]))

        return self._ask_each(len(prompts), call)

    def before_asking(self, prompts: Sequence[Prompt], generation: Generation) -> None:
        """Look at the prompts of a cell before the first of them is asked. Raises ModelError."""

    def still_the_same(self) -> None:
        """Raise ModelError if what answers is no longer what the run began with; a server that is gone says nothing."""

    def slots(self) -> int | None:
        """Calls that the server can take at once; None where it does not tell."""
        return None

    def close(self) -> None:
        if "_client" in self.__dict__:
            self.__dict__.pop("_client").close()

    def schema_problem(self) -> str | None:
        return None  # seen on the first reply that must be held to a schema

    def _unheld(self, generation: Generation) -> str | None:
        """Why the server's replies would not be held to a schema, as a question shows once a run."""
        if self._holds_schemas:
            return None
        probe = probe_generation(generation)
        ((_, completion),) = self._ask_each(1, lambda _: self.call(QUESTION, probe))
        if not is_told(completion):
            return None  # the calls themselves tell what is wrong
        reason = unheld_reason(completion)
        self._holds_schemas = reason is None
        return None if reason is None else self.redaction().redact_message(reason)

    @abstractmethod
    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        """One request. Raises CallError."""

    def mentions(self) -> Mapping[str, str]:
        """What no message shows: the values of all variables of the environment that the model's fields name."""
        return {}

    def redaction(self) -> Redaction:
        """Keeps this model's secrets out of what its server says."""
        return Redaction(self.secrets(), self.mentions())

    def failure_text(self, failure: CallError) -> str:
        """A failure as people see it: no secret, nothing that moves a cursor, not too long."""
        return inert_line(self.redaction().redact_message(str(failure)))[:REASON_EXCERPT]

    def _ask_each(self, count: int, call: Callable[[int], Completion]) -> Iterator[tuple[int, Completion]]:
        """The completions of `call(index)`, each a request that may raise CallError, as they come."""
        from harness.models.remote.transport import timed_call

        redaction = self.redaction()

        def make(index: int) -> Completion:
            with timed_call(CallClock(self.timeout, self.longest, self._signs), self.prefix):
                return redaction.redact_completion(call(index))

        asking = Asking(
            count=count,
            make=make,
            pace=self._pace,
            outage=self._outage,
            retries=self.retries,
            describe=self.failure_text,
            check_server=self.still_the_same,
        )
        return asking.completions()

    @cached_property
    def _pace(self) -> Pace:
        return Pace(self.workers, self.slots())

    @cached_property
    def _outage(self) -> Outage:
        return Outage(self.patience, self.pause, lambda reason: self._display.wait(reason))

    @cached_property
    def _signs(self) -> SignsOfLife:
        return SignsOfLife()
