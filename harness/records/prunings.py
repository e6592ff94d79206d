"""What would be removed, or was, so that runs and the cache do not grow without end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KeptReason = Literal["running", "baseline", "unreadable", "other files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A run, or an entry of the cache, that goes."""

    name: str  # below the folder that is pruned
    path: Path
    size: int  # bytes
    used: float | None = None  # seconds since 1970 at its last use; None: the cache does not know
    rows: str = ""  # of a database: the model whose calls go; "": the whole folder or file


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """A run that would be due, and stays."""

    name: str
    reason: KeptReason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPruning:
    """What of a folder of runs goes, and what stays though it is due."""

    nights: int  # finished runs of whole suites that stay
    removals: tuple[Removal, ...]
    kept: tuple[KeptRun, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePruning:
    """What of the cache goes until it is small enough."""

    size: int  # bytes of all that can go and all that cannot
    removals: tuple[Removal, ...]
    below: int  # bytes that it should be below

    @property
    def left(self) -> int:
        """Bytes that are there afterwards."""
        return self.size - sum(own.size for own in self.removals)
