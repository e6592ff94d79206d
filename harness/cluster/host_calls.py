"""What goes to a process on the cluster and comes back."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cluster.scratch_cache import ScratchCache
from harness.runtime.cache import cache_root
from harness.runtime.computing_place import ComputingPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """What a process on the cluster says of itself."""

    node: str  # the name of its machine
    process: int
    versions: Mapping[str, str]  # of the packages that answers depend on
    place: ComputingPlace
    unseen: str = ""  # a folder of the driver that it does not see


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process has to have of the driver's: its cache to read, and the places that it imports from."""

    cache: str
    paths: tuple[str, ...]

    @classmethod
    def own(cls) -> "Surroundings":
        """Those of this process."""
        return cls(str(cache_root()), tuple(filter(None, sys.path)))

    def enter(self, scratch: str) -> None:
        """Let this process work in them; it writes to the scratch cache of that name."""
        sys.path[:0] = [path for path in self.paths if path not in sys.path]
        ScratchCache(Path(self.cache), scratch).open()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCall:
    """One method of a model, to be computed."""

    engine: str  # the name under which the model was sent
    carrier: str  # the name of the model whose weights it needs
    surroundings: Surroundings
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOutcome:
    """What a process computed, or why it could not."""

    value: Any = None
    settings: Mapping[str, Any] | None = None  # of a plan: what it settled beside its batches
    remark: str | None = None  # what the model noticed, and a user should know
    failure: str = ""  # the class of an error that the user can mend
    lines: tuple[str, ...] = ()  # of that error
