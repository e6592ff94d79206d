"""An index that never finds a text without a vector: a zero vector would be as near as any to every query."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from baselines.retrievers.index.aliased import TextIndex
from harness.components.retriever import Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 1 << 16  # vectors looked at in one piece


class Voiced:
    """An inner index of texts, some of which have no vector."""

    def __init__(self, inner: TextIndex, has_vector: "NDArray[np.bool_]") -> None:
        self.inner = inner
        self.has_vector = has_vector

    def search(self, queries: Sequence[str], k: int, allowed: "NDArray[np.bool_] | None" = None) -> list[list[Hit]]:
        """Up to k hits a query among the texts that have a vector."""
        return self.inner.search(queries, k, self.has_vector if allowed is None else allowed & self.has_vector)


def lengths_above_zero(index: Any) -> "NDArray[np.bool_]":
    """Which vectors of a FAISS index are not zero. Shape (vectors,)."""
    import numpy as np

    pieces = [
        np.any(index.reconstruct_n(start, min(CHUNK, index.ntotal - start)) != 0, axis=1)
        for start in range(0, index.ntotal, CHUNK)
    ]
    return np.concatenate(pieces)
