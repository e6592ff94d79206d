"""What a machine computes with, and that a run computes elsewhere: then checks and cache keys go by that machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputingPlace:
    """What one process of a run computes with."""

    device: str  # cpu, cuda or mps
    name: str  # of the device, for people
    has_bfloat16: bool  # whether it computes in bfloat16 as fast as in other precisions
    memory: int  # bytes that the process may use
    devices: int = 1


_ELSEWHERE: ContextVar[ComputingPlace | None] = ContextVar("ELSEWHERE", default=None)


def elsewhere() -> ComputingPlace | None:
    """Where the networks of this run compute; None: in this process."""
    return _ELSEWHERE.get()


@contextmanager
def computed_at(place: ComputingPlace) -> Iterator[None]:
    """Networks compute at another place: "auto" stands for its device, and memory is its memory."""
    token = _ELSEWHERE.set(place)
    try:
        yield
    finally:
        _ELSEWHERE.reset(token)
