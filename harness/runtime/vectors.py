"""Vectors that models gave for texts, kept under what determined them, so that nothing is embedded twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import StoreError
from harness.runtime.cache import Database

if TYPE_CHECKING:
    from harness.components.model import Vector

_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


class Vectors(Database):
    """float32 vectors by key, committed per batch."""

    table = _TABLE

    def get(self, keys: Sequence[str]) -> "dict[str, Vector]":
        """The stored vectors among `keys`, which are of one model; damaged ones count as not stored."""
        stored = {key: vector for key, value in self._select("vectors", keys) if (vector := _parsed(value)) is not None}
        lengths = Counter(map(len, stored.values()))
        usual = max(lengths, key=lengths.__getitem__, default=0)
        return {key: vector for key, vector in stored.items() if len(vector) == usual}

    def stacked(self, vectors: "Sequence[Vector]") -> "Vector":
        """Stored and fresh vectors as rows. Raises StoreError where they cannot be of one model."""
        if len({vector.shape for vector in vectors}) > 1:
            raise StoreError(f"{self.path}: holds vectors of another length than the model gives; delete the file")
        return np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float32)

    def put(self, vectors: "Mapping[str, Vector]") -> None:
        """Store one batch in one transaction."""
        rows = [(key, np.ascontiguousarray(vector, dtype=np.float32).tobytes()) for key, vector in vectors.items()]
        with self._translated(), self._database:
            self._database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)


def _parsed(value: object) -> "Vector | None":
    """A stored vector; None for what no vector was written as."""
    if not isinstance(value, bytes) or not value or len(value) % np.dtype(np.float32).itemsize:
        return None
    vector = np.frombuffer(value, dtype=np.float32)
    return vector if np.isfinite(vector).all() else None
