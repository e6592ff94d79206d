"""The processes on the cluster as the driver's threads share them: each computes one thing at a time."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness import errors
from harness.cluster.host_calls import HostCall, HostOutcome, HostReport, Surroundings
from harness.cluster.sent_models import packed
from harness.components.display import Display
from harness.components.model import Model
from harness.components.trained_model import DerivedModel
from harness.errors import DeviceGoneError, HarnessError, ModelError
from harness.records.cluster_places import ClusterPlace
from harness.runtime.cache import cache_root
from harness.runtime.lost_devices import device_loss

log = logging.getLogger("harness")
ATTEMPTS = 3  # of one piece of work, each on a process that died of it
BEAT = 0.5  # seconds between two looks at work that goes on
PATIENCE = 120.0  # seconds until a process that was started again has to be there, where no other is left


class StoppedError(Exception):
    """The run is over: whoever waits for a process gives up."""


@dataclass(eq=False, kw_only=True)
class Worker:
    """A process on the cluster."""

    actor: Any
    report: HostReport
    number: int
    carrier: str = ""  # the model whose weights it holds
    work: str = ""  # what it does at present


@dataclass(kw_only=True)
class Workers:
    """Those that are alive. Whoever needs the weights that a process holds is served by it before others are."""

    start: Callable[[int], Any]  # a process again, by its number
    workers: list[Worker]
    show: Callable[[Sequence[str]], None] = lambda places: None
    lock: threading.RLock = field(default_factory=threading.RLock)  # of what the models keep in the driver
    _sent: dict[int, tuple[Model, str, Any]] = field(
        default_factory=dict
    )  # by identity: the model, its name, its bytes
    _waiting: list[str] = field(default_factory=list)  # the carriers that threads wait for
    _freed: threading.Condition = field(default_factory=threading.Condition)
    _is_over: bool = False

    @property
    def count(self) -> int:
        """How many there are."""
        return max(1, len(self.workers))

    def compute(
        self, model: Model, method: str, arguments: tuple[Any, ...], title: str, settings: Any = None
    ) -> HostOutcome:
        """A method of a model, computed by one of the processes. Raises HarnessError as the model does.

        `settings` are those of the plan whose batch it is, as `share` returned them.
        """
        with self.lock:
            engine = model.engine if isinstance(model, DerivedModel) else model
            carrier = engine.carrier()
            name, content = self._send(engine, carrier)
            carrier_name, weights = self._send(carrier, carrier)
        call = HostCall(
            engine=name, carrier=carrier_name, surroundings=Surroundings.own(), method=method, arguments=arguments
        )  # fmt: skip
        return self._run(carrier_name, lambda own: own.actor.compute.remote(call, content, weights, settings), title)

    def share(self, value: Any) -> Any:
        """A value that goes to several processes: sent once to each machine."""
        import ray

        return ray.put(value)

    def make(self, name: str, model: Model, scratch: str, display: Display) -> HostOutcome:
        """Train, merge or check a model of the suite on one of the processes."""
        import ray

        with self.lock:
            content = ray.put(packed(model, model, ""))
        own = Surroundings.own()
        return self._run(
            "", lambda worker: worker.actor.make.remote(name, content, own, scratch), f"train {name}", display
        )

    def prove(self, device: str) -> HostOutcome:
        """The self-test of one of the processes, which are alike."""
        return self._run("", lambda own: own.actor.prove.remote(device), "self-test")

    def stop(self) -> None:
        """Let all threads that wait give up, and see them do so."""
        with self._freed:
            self._is_over = True
            self._freed.notify_all()
            self._freed.wait_for(lambda: not any(own.work for own in self.workers), timeout=10 * BEAT)

    def places(self) -> list[ClusterPlace]:
        """Where the run computes, for its record."""
        return [
            ClusterPlace(
                node=own.report.node,
                device=own.report.place.device,
                name=own.report.place.name,
                memory=own.report.place.memory,
            )
            for own in self.workers
        ]

    # -- one piece of work --------------------------------------------------------------------------------------------

    def _send(self, engine: Model, carrier: Model) -> tuple[str, Any]:
        """The name and the bytes of a model, sent once."""
        import ray

        if id(engine) not in self._sent:
            base = "" if engine is carrier else self._send(carrier, carrier)[0]
            self._sent[id(engine)] = (engine, f"model {len(self._sent)}", ray.put(packed(engine, carrier, base)))
        _, name, content = self._sent[id(engine)]
        return name, content

    def _run(
        self, carrier: str, begin: Callable[[Worker], Any], title: str, display: Display | None = None
    ) -> HostOutcome:
        """Work on a process, or on another one where that died. Raises HarnessError."""
        from ray.exceptions import RayActorError, RayError, RayTaskError

        for _ in range(ATTEMPTS):
            with self._reserved(carrier, title) as worker:
                try:
                    return _result(self._awaited(worker, begin(worker), display))
                except RayActorError as error:
                    reason = f"process {worker.report.process} on {worker.report.node} ended: {_first_line(error)}"
                except RayTaskError as error:
                    if "CUDA error" not in str(error):
                        raise _own_error(error.cause, title, worker) from error
                    reason = f"{worker.report.place.name} on {worker.report.node} failed: {_first_line(error.cause)}"
                except RayError as error:
                    raise ModelError(f"{title}: the cluster is gone: {_first_line(error)}") from error
                self._refuse_if_over()
                log.warning("%s; %s is repeated", reason, title)
                self._replace(worker)
        raise ModelError(
            f"{title}: {ATTEMPTS} processes ended over it, the last: {reason}; most often memory runs out: set a "
            "smaller batch_size, or fewer --devices. What was computed is kept: the same command goes on"
        )

    def _awaited(self, worker: Worker, reference: Any, display: Display | None) -> HostOutcome:
        """What the process gives, with its news passed on meanwhile."""
        import ray

        while True:
            self._refuse_if_over()
            done, _ = ray.wait([reference], timeout=BEAT)
            if display is not None:
                for method, arguments in ray.get(worker.actor.news.remote()):
                    getattr(display, method)(*arguments)
            if done:
                outcome: HostOutcome = ray.get(reference)
                return outcome

    def _refuse_if_over(self) -> None:
        if self._is_over:
            raise StoppedError

    @contextmanager
    def _reserved(self, carrier: str, title: str) -> Iterator[Worker]:
        """A process that nobody else uses."""
        with self._freed:
            self._waiting.append(carrier)
            try:
                while (worker := self._free(carrier)) is None and not self._is_over:
                    self._freed.wait(BEAT)
            finally:
                self._waiting.remove(carrier)
            if worker is None or self._is_over:
                raise StoppedError
            worker.carrier, worker.work = carrier, title
            self._show()
        try:
            yield worker
        finally:
            with self._freed:
                worker.work = ""
                self._show()
                self._freed.notify_all()

    def _free(self, carrier: str) -> Worker | None:
        """An idle process: one that holds the weights, else an empty one, else one whose weights nobody waits for.

        A training takes any: others wait for what it makes.
        """
        if not self.workers:
            raise ModelError("no process of the cluster is left, and none can be started; run the same command again")
        idle = [own for own in self.workers if not own.work]
        holding = [own for own in idle if own.carrier == carrier and carrier]
        useless = [own for own in idle if not carrier or own.carrier not in self._waiting]
        return next(iter([*holding, *sorted(useless, key=lambda own: bool(own.carrier))]), None)

    def _replace(self, worker: Worker) -> None:
        """Start a process again; where its device is gone and others are left, these go on alone."""
        import ray
        from ray.exceptions import RayError

        ray.kill(worker.actor)
        actor = self.start(worker.number)
        patience = PATIENCE / 4 if len(self.workers) > 1 else PATIENCE
        try:
            report, deadline = actor.report.remote(str(cache_root())), time.monotonic() + patience
            while not ray.wait([report], timeout=BEAT)[0] and time.monotonic() < deadline:
                self._refuse_if_over()
            worker.report = ray.get(report, timeout=BEAT)
            worker.actor, worker.carrier = actor, ""
        except RayError as error:
            ray.kill(actor)
            with self._freed:
                self.workers.remove(worker)
            log.warning(
                "worker %d on %s is gone (%s); %d go on", worker.number, worker.report.node, _first_line(error),
                len(self.workers),
            )  # fmt: skip

    def _show(self) -> None:
        self.show([f"{own.report.node}: {own.work or 'idle'}" for own in self.workers])


def _result(outcome: HostOutcome) -> HostOutcome:
    """The outcome; the error that it tells of is raised here."""
    if outcome.failure:
        kind = getattr(errors, outcome.failure, HarnessError)
        raise (errors.SuiteError(outcome.lines) if kind is errors.SuiteError else kind(*outcome.lines))
    return outcome


def _own_error(cause: Exception, title: str, worker: Worker) -> Exception:
    """What a process raised, without Ray's words around it; where its memory ran out, that in one line."""
    loss = device_loss(cause)
    return cause if loss is None else DeviceGoneError(f"{title}, on {worker.report.node}: {loss}")


def _first_line(error: BaseException) -> str:
    return next((line.rstrip(".") for line in str(error).splitlines() if line.strip()), type(error).__name__)
