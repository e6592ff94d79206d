"""Which runs would be removed, or were, so that they do not grow without end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

KeptReason = Literal["running", "baseline", "unreadable", "other files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRemoval:
    """A run that goes."""

    name: str  # below the folder that is pruned
    path: Path
    size: int  # bytes


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
    removals: tuple[RunRemoval, ...]
    kept: tuple[KeptRun, ...] = ()
