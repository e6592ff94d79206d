"""What models behind a server share: several calls at once, bounded retries, and failures that become data."""

import random
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field, PrivateAttr

from harness.components.model import TextModel
from harness.models.remote.call_error import CallError
from harness.models.remote.schema_probe import QUESTION, is_told, probe_generation, unheld_reason
from harness.models.remote.workers import map_in_threads
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion
from harness.text.inert import inert_line
from harness.text.redaction import Redaction

BATCHES_AHEAD = 4  # calls per worker in one batch: enough to keep workers busy, few enough to commit often
REASON_EXCERPT = 300  # characters


class RemoteModel(TextModel):
    """Base of models behind a server. Threads only here; results keep the order of the prompts."""

    prefix: ClassVar[str] = ""  # of what is said about a failed call

    workers: int = Field(4, ge=1)  # calls at once
    retries: int = Field(2, ge=0)  # further attempts after a passing failure
    pause: float = Field(1.0, ge=0)  # seconds before the first retry, doubled each time
    timeout: float = Field(300.0, gt=0)  # seconds for one call, from its connection to the last byte of its reply
    _holds_schemas: bool = PrivateAttr(False)  # the server has shown it

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        size = self.workers * BATCHES_AHEAD
        return [list(range(start, min(start + size, len(prompts)))) for start in range(0, len(prompts), size)]

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        if generation.strict and (reason := self._unheld(generation)) is not None:
            return [Completion(text="", finish="error", error=reason) for _ in prompts]
        redaction = self.redaction()

        def complete(index: int, stopped: threading.Event) -> Completion:
            options = replace(generation, seed=generation.seed + repeats[index])
            return redaction.redact_completion(self._attempts(lambda: self.call(prompts[index], options), stopped))

        return map_in_threads(complete, len(prompts), self.workers)

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
        completion = self._attempts(lambda: self.call(QUESTION, probe), threading.Event())
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

    def _attempts(self, call: Callable[[], Completion], stopped: threading.Event) -> Completion:
        from harness.models.remote.transport import exchange

        wait = self.pause
        for attempt in range(self.retries + 1):
            if attempt and stopped.is_set():
                break
            began = time.perf_counter()
            try:
                with exchange(self.timeout, self.prefix):
                    return replace(call(), seconds=time.perf_counter() - began)
            except CallError as failure:
                last = failure
            if last.lasting or attempt == self.retries:
                break
            time.sleep(max(last.wait, wait * random.uniform(0.8, 1.2)))
            wait *= 2
        return Completion(text="", finish="error", error=self.failure_text(last))
