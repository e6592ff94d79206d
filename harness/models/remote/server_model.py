"""What models behind a server share: several calls at once, bounded retries, and failures that become data."""

import random
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pydantic import Field

from harness.components.model import Model
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion

BATCHES_AHEAD = 4  # calls per worker in one batch: enough to keep workers busy, few enough to commit often


class CallError(Exception):
    """One call failed. `lasting` means that trying again cannot help."""

    def __init__(self, reason: str, lasting: bool, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.lasting = lasting
        self.wait = wait  # seconds that the server asked for


class RemoteModel(Model):
    """Base of models behind a server. Threads only here; results keep the order of the prompts."""

    workers: int = Field(4, ge=1)  # calls at once
    retries: int = Field(2, ge=0)  # further attempts after a passing failure
    pause: float = Field(1.0, ge=0)  # seconds before the first retry, doubled each time
    timeout: float = Field(300.0, gt=0)  # seconds for one call

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        size = self.workers * BATCHES_AHEAD
        return [list(range(start, min(start + size, len(prompts)))) for start in range(0, len(prompts), size)]

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        def complete(prompt: Prompt, repeat: int) -> Completion:
            return self._attempts(lambda: self.call(prompt, replace(generation, seed=generation.seed + repeat)))

        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(complete, prompts, repeats))

    def close(self) -> None:
        if "_client" in self.__dict__:
            self.__dict__.pop("_client").close()

    @abstractmethod
    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        """One request. Raises CallError."""
        raise NotImplementedError

    def _attempts(self, call: Callable[[], Completion]) -> Completion:
        wait = self.pause
        for attempt in range(self.retries + 1):
            began = time.perf_counter()
            try:
                return replace(call(), seconds=time.perf_counter() - began)
            except CallError as failure:
                last = failure
            if last.lasting or attempt == self.retries:
                break
            time.sleep(max(last.wait, wait * random.uniform(0.8, 1.2)))
            wait *= 2
        return Completion(text="", finish="error", error=str(last))
