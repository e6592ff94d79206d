"""Parameters that stand for others: what a component is built from where a suite writes it in short."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.inputs import JSON

Place = tuple[str | int, ...]  # keys and indices from a component's parameters to a value


@dataclass(frozen=True, kw_only=True)
class Unfolded:
    """The parameters that a component is built from, in place of those that a suite writes."""

    parameters: Mapping[str, JSON]
    origins: Mapping[Place, Place] = field(default_factory=dict)  # of values made of others: where those are written
    mistakes: tuple[tuple[Place, str], ...] = ()  # what is wrong with what is written, and where
