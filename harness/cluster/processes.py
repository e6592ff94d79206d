"""Which processes a run asks of a cluster: one a GPU, without any one a machine, or as many as are wished for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import HarnessError
from harness.text.counting import counted

MOST_CPUS = 8  # of a process with a GPU: it writes and reads tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one process asks of Ray."""

    node: str  # the resource that names the machine
    cpus: int
    gpus: int
    sharers: int  # processes on that machine

    def resources(self) -> dict[str, float]:
        """What keeps the process on its machine."""
        return {self.node: 0.001}


def demands(nodes: Sequence[Mapping[str, Any]], devices: int | Literal["all"] | None, option: str) -> list[Demand]:
    """The processes, as `ray.nodes()` tells what the machines have. Raises HarnessError where they have too little."""
    resources = [node["Resources"] for node in nodes]
    gpus = sum(int(own.get("GPU", 0)) for own in resources)
    cpus = sum(int(own.get("CPU", 0)) for own in resources)
    if devices == "all" and not gpus:
        raise HarnessError(
            f"{option}: there is no GPU here, and `all` counts GPUs; without them, write --devices 2 for two "
            "processes that share the CPUs"
        )
    most = gpus or cpus
    if isinstance(devices, int) and devices > most:
        kind = "GPU" if gpus else "CPU"
        raise HarnessError(f"{option}: {devices} are asked for, and there {_are(most, kind)}; write at most {most}")
    if not most:
        raise HarnessError(f"{option}: the cluster has neither a GPU nor a CPU to compute on; add a node (`ray start`)")
    if gpus:
        return _by_gpu(resources)[: devices if isinstance(devices, int) else None]
    if isinstance(devices, int):
        return _by_cpu(resources, devices)
    return [_demand(own, int(own["CPU"]), 0, 1) for own in resources if int(own.get("CPU", 0))]


def _by_gpu(resources: Sequence[Mapping[str, float]]) -> list[Demand]:
    """One a GPU: batches are sized to fill its memory."""
    processes = []
    for own in resources:
        gpus, cpus = int(own.get("GPU", 0)), int(own.get("CPU", 0))
        processes += [_demand(own, min(MOST_CPUS, cpus // gpus), 1, gpus) for _ in range(gpus)]
    return processes


def _by_cpu(resources: Sequence[Mapping[str, float]], devices: int) -> list[Demand]:
    """So many, spread over the machines in turn, each machine's CPUs shared equally."""
    counts = [0] * len(resources)
    while sum(counts) < devices:
        for i, own in enumerate(resources):
            if counts[i] < int(own.get("CPU", 0)) and sum(counts) < devices:
                counts[i] += 1
    return [
        _demand(own, int(own["CPU"]) // count, 0, count)
        for own, count in zip(resources, counts, strict=True)
        for _ in range(count)
    ]


def _demand(own: Mapping[str, float], cpus: int, gpus: int, sharers: int) -> Demand:
    node = next(name for name in own if name.startswith("node:") and "__internal_head__" not in name)
    return Demand(node=node, cpus=cpus, gpus=gpus, sharers=sharers)


def _are(count: int, kind: str) -> str:
    return f"{'is' if count == 1 else 'are'} {counted(count, kind)}"
