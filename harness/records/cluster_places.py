"""Where a run on a cluster computed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPlace:
    """One process of a cluster."""

    node: str  # the name of its machine
    device: str  # cpu, cuda or mps
    name: str  # of the device
    memory: int  # bytes that it may use
