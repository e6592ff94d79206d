"""A process on the cluster: holds the weights of one model at a time, answers with them, or trains."""

import gc
import os
import platform
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import harness
from harness.cluster.host_calls import HostCall, HostOutcome, HostReport, Surroundings
from harness.cluster.sent_models import unpacked
from harness.components.display import Display
from harness.components.model import Model
from harness.errors import HarnessError
from harness.models.local.scoring_model import ScoringModel
from harness.records.inputs import Generation
from harness.records.outputs import Completion
from harness.runtime.computing_place import ComputingPlace
from harness.runtime.provenance import versions

PACKAGES = ("torch", "transformers", "tokenizers", "peft", "bitsandbytes", "sentence-transformers")
PLANNING = ("plan", "plan_scoring")  # into batches, which any of the processes may compute
WRITING = ("generate_each", "score_options", "first_token_each", "likelihood")  # of prompts: `plan` loads the weights


def own_versions() -> dict[str, str]:
    """Of what answers and trained weights depend on, in this process."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"harness": harness.__version__, "python": python, **versions(PACKAGES)}


class ModelHost:
    """What Ray starts as an actor. It never writes to the driver's cache, nor to the run folder."""

    def __init__(self, name: str, sharers: int) -> None:
        """`sharers` is how many such processes share the machine's memory."""
        self._name, self._sharers = name, sharers
        self._carrier = ""
        self._engines: dict[str, Model] = {}
        self._warm: set[str] = set()  # of these, those that have been called
        self._news = News()

    def report(self, cache: str) -> HostReport:
        """What it is, and whether it sees the driver's cache."""
        unseen = "" if Path(cache).is_dir() else cache
        return HostReport(
            node=socket.gethostname(), process=os.getpid(), versions=own_versions(), place=own_place(self._sharers),
            unseen=unseen,
        )  # fmt: skip

    def prove(self, device: str) -> HostOutcome:
        """The self-test of this process."""
        from harness.selftest.selftest import self_test

        return _outcome(lambda: HostOutcome(value=self_test(device, self._news)))

    def compute(
        self, call: HostCall, engine: bytes, carrier: bytes, settings: Mapping[str, Any] | None = None
    ) -> HostOutcome:
        """What a method of a model gives. The weights stay for the next call.

        `settings` are those of the plan whose batch is computed, whichever process made it.
        """

        def computed() -> HostOutcome:
            call.surroundings.enter(self._name)
            model = self._model(call, engine, carrier)
            if call.engine not in self._warm and call.method in WRITING:
                model.plan(call.arguments[0][:1], Generation(max_tokens=1))
            self._warm.add(call.engine)
            if settings is not None and isinstance(model, ScoringModel):
                model.adopt(settings)
            began = time.perf_counter()
            value = getattr(model, call.method)(*call.arguments)
            value = list(value) if isinstance(value, Iterator) else value
            value = timed(value, time.perf_counter() - began) if call.method in WRITING else value
            own = None
            if call.method in PLANNING and isinstance(model, ScoringModel):
                own = model.batch_settings()
            return HostOutcome(value=value, settings=own, remark=model.scoring_remark())

        return _outcome(computed)

    def _model(self, call: HostCall, engine: bytes, carrier: bytes) -> Model:
        """The model that is called. The weights of another carrier are released."""
        if call.carrier != self._carrier:
            self.release()
            self._carrier = call.carrier
            self._engines[call.carrier] = unpacked(carrier, {})
        if call.engine not in self._engines:
            self._engines[call.engine] = unpacked(engine, self._engines)
        return self._engines[call.engine]

    def make(self, name: str, content: bytes, surroundings: Surroundings, scratch: str) -> HostOutcome:
        """Train, merge or check a model of the suite; what it leaves lies in the scratch cache of that name."""

        def train() -> HostOutcome:
            self.release()
            surroundings.enter(scratch)
            unpacked(content, {}).make(name, self._news)
            return HostOutcome()

        return _outcome(train)

    def news(self) -> list[tuple[str, tuple[Any, ...]]]:
        """What the work has told its display since this was asked last."""
        return self._news.drained()

    def release(self) -> None:
        """Give the weights back."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()
        self._warm.clear()
        self._carrier = ""
        gc.collect()


class News(Display):
    """A display that keeps what it is told until the driver asks."""

    def __init__(self) -> None:
        self._lock, self._messages = Lock(), list[tuple[str, tuple[Any, ...]]]()

    def drained(self) -> list[tuple[str, tuple[Any, ...]]]:
        with self._lock:
            news, self._messages = self._messages, []
        return news

    def expect(self, calls: int) -> None:
        self._tell("expect", calls)

    def advance(self, done: int, tokens: int = 0) -> None:
        self._tell("advance", done, tokens)

    def note(self, text: str) -> None:
        self._tell("note", text)

    def _tell(self, method: str, *arguments: Any) -> None:
        with self._lock:
            self._messages.append((method, arguments))


def own_place(sharers: int) -> ComputingPlace:
    """What this process computes with; the memory of a machine is shared."""
    if find_spec("torch") is None:
        import psutil

        memory = int(psutil.virtual_memory().total) // sharers
        return ComputingPlace(device="cpu", name=platform.machine(), has_bfloat16=False, memory=memory)
    import torch

    from harness.models.local.device import available, choose_device, has_bfloat16
    from harness.runtime.provenance import processor_name

    device = choose_device("auto")
    name = torch.cuda.get_device_name() if device == "cuda" else processor_name()
    memory = available(device) // (1 if device == "cuda" else sharers)
    return ComputingPlace(device=device, name=name, has_bfloat16=has_bfloat16(device), memory=memory)


def timed(value: Sequence[Any], seconds: float) -> list[Any]:
    """Completions, or places with completions, each with its equal share of the time, unless it was timed by itself."""

    def own(completion: Completion) -> Completion:
        return replace(completion, seconds=completion.seconds or seconds / len(value))

    return [own(item) if isinstance(item, Completion) else (item[0], own(item[1])) for item in value]


def _outcome(work: Callable[[], HostOutcome]) -> HostOutcome:
    """What the user can mend comes back as data; anything else is Ray's to report."""
    try:
        return work()
    except HarnessError as error:
        return HostOutcome(failure=type(error).__name__, lines=error.lines)
