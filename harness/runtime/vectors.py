"""Vectors that models gave for texts, kept under what determined them, so that nothing is embedded twice."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.runtime.cache import Database

if TYPE_CHECKING:
    from harness.components.model import Vector

_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


class Vectors(Database):
    """float32 vectors by key, committed per batch."""

    table = _TABLE

    def get(self, keys: Sequence[str]) -> "dict[str, Vector]":
        """The stored vectors among `keys`."""
        return {key: np.frombuffer(value, dtype=np.float32) for key, value in self._select("vectors", keys)}

    def put(self, vectors: "Mapping[str, Vector]") -> None:
        """Store one batch in one transaction."""
        rows = [(key, np.ascontiguousarray(vector, dtype=np.float32).tobytes()) for key, vector in vectors.items()]
        with self._translated(), self._database:
            self._database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
