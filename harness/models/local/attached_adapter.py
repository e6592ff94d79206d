"""An adapter on a network that several models share: how it is attached, and how it comes off again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

AttachAdapter = Callable[[Any], tuple[Any, Callable[[], None]]]  # a network → the adapted one, and what detaches it


@dataclass(frozen=True)
class AttachedAdapter:
    """An adapter attached to a loaded network, until the next adapter needs that network."""

    name: str
    network: Any
    detach: Callable[[], None]
