"""A connection to Ray, with the processes of a run on it: refused before anything is planned where it cannot serve."""

import logging
import os
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.cluster.cluster_wish import ClusterWish
from harness.cluster.host_calls import HostReport
from harness.cluster.model_host import ModelHost, own_versions
from harness.cluster.processes import Demand, demands
from harness.cluster.scratch_cache import ScratchCache
from harness.cluster.workers import Worker, Workers
from harness.errors import HarnessError
from harness.models.local.memory import gib
from harness.runtime.cache import cache_root
from harness.runtime.computing_place import computed_at
from harness.selftest.selftest import proven_by
from harness.text.counting import counted

INSTALL = "pip install 'domain-harness[ray]'"
REMEDY = (
    "name the client port of a head that runs (ray://HOST:10001); where it asks for a token, set RAY_AUTH_MODE=token "
    "and RAY_AUTH_TOKEN here, too (docs/cluster.md)"
)
CONNECTING = 5.0  # seconds until an address has to take a connection
STARTING = 300.0  # seconds until the processes have to be there: on a fresh node they are imported from a slow disk
CLIENT_PORT, HEAD_PORT = 10001, 6379
STORE = 100 << 20  # bytes of Ray's own object store on this machine: it holds settings and batches of prompts
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S": "40",
    "RAY_worker_niceness": "0",  # as a run without Ray; with Ray's 15 other work of the machine starves a worker
}  # what Ray is told before it is imported, where nobody has said otherwise


@contextmanager
def cluster_session(wish: ClusterWish, say: Callable[[str], None]) -> Iterator[Workers]:
    """The processes of a run, and checks that go by what they compute with. Raises HarnessError where they cannot be.

    `say` takes a line for a person.
    """
    with ExitStack() as stack:
        stack.enter_context(_connected(wish))
        processes = demands(_nodes(), wish.devices, wish.option)
        say(f"{wish.option}: starting {counted(len(processes), 'worker')}")
        workers = _started(processes, stack)
        refuse_unfit([own.report for own in workers.workers], wish)
        place = min((own.report.place for own in workers.workers), key=lambda own: own.memory)
        nodes = ", ".join(sorted({own.report.node for own in workers.workers}))
        say(f"{counted(len(workers.workers), 'worker')} on {nodes}: {place.name}, {gib(place.memory)} each")
        stack.enter_context(computed_at(place))
        if place.device != "cpu":
            stack.enter_context(proven_by(lambda device: workers.prove(device).value))
        yield workers


def refuse_unfit(reports: Sequence[HostReport], wish: ClusterWish) -> None:
    """Raise HarnessError, a line a worker, for those that would not compute what this process asks for."""
    own, first, mistakes = own_versions(), reports[0].place, []
    for report in reports:
        where = f"{wish.option}: the worker on {report.node}"
        differences = [
            f"{name} {report.versions.get(name, 'is missing')} (here {own.get(name, 'missing')})"
            for name in sorted({*own, *report.versions})
            if report.versions.get(name) != own.get(name)
        ]
        if differences:
            mistakes.append(
                f"{where} has other packages: {', '.join(differences)}; install the same versions on all nodes"
            )
        if report.unseen:
            mistakes.append(
                f"{where} does not see {report.unseen}: set HARNESS_CACHE to a folder that all nodes share, and keep "
                "models and data on one, too"
            )
        if (report.place.device, report.place.has_bfloat16) != (first.device, first.has_bfloat16):
            mistakes.append(
                f"{where} computes otherwise ({report.place.name}) than that on {reports[0].node} ({first.name}); "
                "take nodes of one kind"
            )
    if mistakes:
        raise HarnessError(*dict.fromkeys(mistakes))


# -- Ray --------------------------------------------------------------------------------------------------------------


@contextmanager
def _connected(wish: ClusterWish) -> Iterator[None]:
    """Ray, as it is already in this process, else connected to or started."""
    if find_spec("ray") is None:
        raise HarnessError(f"{wish.option} needs the package ray: {INSTALL}")
    options = _options(wish)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        with _uninterrupted(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(**options, log_to_driver=False, configure_logging=False, namespace="domain-harness")
    except Exception as error:  # of many kinds; in all of them there is no cluster to run on
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise HarnessError(f"{wish.option}: no connection to Ray: {reason}; {REMEDY}") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that are started in it do not hear Ctrl-C: a terminal tells all of them, and the driver ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _options(wish: ClusterWish) -> dict[str, Any]:
    """What Ray is started or connected with. Raises HarnessError for an address that nobody answers at."""
    local = {"address": "local", "include_dashboard": False, "object_store_memory": STORE}
    if wish.address is None:
        return local
    if wish.address != "ray":
        return _remote_options(wish.address)
    current = Path(tempfile.gettempdir()) / "ray/ray_current_cluster"
    named = os.environ.get("RAY_ADDRESS") or (current.read_text().strip() if current.is_file() else "")
    host, _, port = named.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        source = "RAY_ADDRESS" if os.environ.get("RAY_ADDRESS") else str(current)
        remedy = (
            "start the cluster by `ray start --head`, or clear the name away: unset RAY_ADDRESS, or call `ray stop`"
        )
        _refuse_silent(host, int(port), f"--on ray: {source} names a cluster at {named}, and", remedy)
    return {} if named else local


def _remote_options(address: str) -> dict[str, Any]:
    """What Ray is connected with to ray://HOST:PORT."""
    parts = urlsplit(address)
    try:
        host, port = parts.hostname, parts.port or CLIENT_PORT
    except ValueError:
        host, port = None, 0
    if parts.scheme != "ray" or not host or parts.path.strip("/"):
        raise HarnessError(
            f"--on {address}: must be ray, for the cluster of this machine, or ray://HOST:PORT, e.g. "
            f"ray://10.0.0.5:{CLIENT_PORT}"
        )
    start = f"start the cluster there with `ray start --head --ray-client-server-port {port}`"
    _refuse_silent(host, port, f"--on {address}:", f"{start}, or name the right address")
    if port == HEAD_PORT:
        return {"address": f"{host}:{port}"}
    if find_spec("grpc") is None:
        raise HarnessError(f"--on {address} needs the package grpcio: {INSTALL}")
    return {"address": f"ray://{host}:{port}"}


def _refuse_silent(host: str, port: int, source: str, remedy: str) -> None:
    """Raise HarnessError where nobody takes a connection."""
    try:
        socket.create_connection((host, port), timeout=CONNECTING).close()
    except OSError as error:
        raise HarnessError(
            f"{source} {host} does not answer on port {port} ({error.strerror or error}); {remedy}"
        ) from error


def _nodes() -> list[Mapping[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def _started(processes: Sequence[Demand], stack: ExitStack) -> Workers:
    """The processes, all of them there."""
    import ray
    from ray.exceptions import GetTimeoutError, RayError

    cache = cache_root()
    cache.mkdir(parents=True, exist_ok=True)
    kind: Any = ray.remote(ModelHost)

    def start(number: int) -> Any:
        demand = processes[number]
        options = {"num_cpus": demand.cpus, "num_gpus": demand.gpus, "resources": demand.resources()}
        own = f"{os.getpid()}-{number}"
        return kind.options(**options, max_concurrency=2).remote(own, demand.sharers)

    actors = [start(number) for number in range(len(processes))]
    for number in range(len(processes)):
        stack.callback(ScratchCache(cache, f"{os.getpid()}-{number}").remove)
    stack.callback(lambda: [ray.kill(own.actor) for own in workers.workers])
    workers = Workers(start=start, workers=[])
    try:
        reports = ray.get([actor.report.remote(str(cache)) for actor in actors], timeout=STARTING)
    except GetTimeoutError as error:
        raise HarnessError(
            f"the cluster did not start {counted(len(processes), 'worker')} within {STARTING:.0f} s: other work uses "
            "it (`ray status` says which), or give --devices a smaller number"
        ) from error
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise HarnessError(
            f"a worker cannot be started: {reason}; is this version of harness installed there?"
        ) from error
    workers.workers = [
        Worker(actor=actor, report=report, number=number)
        for number, (actor, report) in enumerate(zip(actors, reports, strict=True))
    ]
    stack.callback(workers.stop)
    return workers
