"""What goes to a process on the cluster and comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.models.local.computing_place import ComputingPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """What a process on the cluster says of itself."""

    node: str  # the name of its machine
    process: int
    versions: Mapping[str, str]  # of the packages that answers depend on
    place: ComputingPlace
    unseen: str = ""  # a folder of the driver that it does not see


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCall:
    """One method of a model, to be computed."""

    engine: str  # the name under which the model was sent
    carrier: str  # the name of the model whose weights it needs
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOutcome:
    """What a process computed, or why it could not."""

    value: Any = None
    failure: str = ""  # the class of an error that the user can mend
    lines: tuple[str, ...] = ()  # of that error
