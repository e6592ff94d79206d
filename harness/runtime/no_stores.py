"""Stores that hold nothing and keep nothing: behind them every call is made, as for a question that was never asked."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.records.inputs import JSON
from harness.records.outputs import Completion
from harness.runtime.cache import Cache, StoredModel
from harness.runtime.vectors import Vectors

if TYPE_CHECKING:
    from harness.components.model import Vector


class NoCompletions(Cache):
    """A cache of calls without any."""

    def __init__(self, path: Path) -> None:
        """`path`: of the real one, beside which lies what is built from calls. It is never opened."""
        self.path = path
        self.read_only = True

    def open(self) -> None:
        pass

    def get(self, keys: Sequence[str]) -> dict[str, Completion]:
        return {}

    def put(self, model: str, completions: Mapping[str, Completion]) -> None:
        pass

    def keep_model(self, digest: str, name: str, identity: Mapping[str, JSON]) -> None:
        pass

    def has_answers(self, model: str) -> bool:
        return False

    def stored_models(self, name: str) -> list[StoredModel]:
        return []


class NoVectors(Vectors):
    """A store of embeddings without any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_only = True

    def get(self, keys: Sequence[str]) -> "dict[str, Vector]":
        return {}

    def put(self, vectors: "Mapping[str, Vector]") -> None:
        pass
