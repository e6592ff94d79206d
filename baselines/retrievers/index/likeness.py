"""By what vectors are near each other: cosine, inner product or Euclidean distance. Higher is always nearer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.components.model import Vector

Likeness = Literal["cosine", "dot", "euclidean"]


@dataclass(frozen=True)
class Measure:
    """How scores are computed. Searches compare squared distances, whose rounding FAISS bounds; hits show the root."""

    name: Likeness = "cosine"

    @property
    def is_distance(self) -> bool:
        """Whether FAISS returns squared distances, lower being nearer, and no inner products."""
        return self.name == "euclidean"

    def read(self, values: "Vector") -> "Vector":
        """FAISS's values as what is compared."""
        return -values if self.is_distance else values

    def compared(self, queries: "Vector", vectors: "Vector") -> "Vector":
        """What is compared, of all pairs, shape (queries, vectors)."""
        products: Vector = queries @ vectors.T
        if not self.is_distance:
            return products
        squares = (queries**2).sum(axis=1)[:, None] + (vectors**2).sum(axis=1)
        nearness: Vector = 2 * products - squares
        return nearness

    def scores(self, query: "Vector", vectors: "Vector") -> "NDArray[Any]":
        """The score of each vector, summed in one order whatever stands beside it; minus the distance for that."""
        import numpy as np

        if not self.is_distance:
            return np.asarray((vectors * query).sum(axis=1))
        return np.asarray(-np.sqrt(((vectors - query) ** 2).sum(axis=1)))

    def rounding(self, queries: "Vector", longest: float) -> "NDArray[Any]":
        """By what factor values of a query may differ more than those of vectors of length 1. Shape (queries,)."""
        import numpy as np

        if self.name == "cosine":
            return np.ones(len(queries), dtype=np.float32)
        return np.asarray(np.maximum(1.0, np.maximum(np.linalg.norm(queries, axis=1), longest) ** 2))
