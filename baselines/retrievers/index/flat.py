"""The nearest vectors where FAISS is not installed: all passages are compared; its hits are those of exact search."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from baselines.retrievers.index.likeness import Measure
from baselines.retrievers.index.matches import best_hits, refuse_misfit
from baselines.retrievers.index.nearest import COSINE, TIE, Embed, refuse_other_dimension
from harness.components.retriever import Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.components.model import Vector

SCORE_BATCH = 1 << 24  # scores computed at a time: 64 MB, three times over


class Flat:
    """Vectors in memory, of length 1 for the cosine. Nothing is stored: the vectors are, where they were made."""

    def __init__(self, vectors: "Vector", embed: Embed, measure: Measure = COSINE) -> None:
        self.measure = measure
        self.vectors = vectors  # shape (passages, dimensions)
        self.embed = embed

    def search(self, queries: Sequence[str], k: int, allowed: "NDArray[np.bool_] | None" = None) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages; none without a vector."""
        refuse_misfit(allowed, len(self.vectors))
        unique = list(dict.fromkeys(query for query in queries if query.strip()))
        total = len(self.vectors) if allowed is None else int(allowed.sum())
        hits: dict[str, list[Hit]] = {}
        if unique and k > 0 and total:
            usable, vectors = self.embed(unique)
            hits = dict(zip(usable, self._nearest(vectors, min(k, total), allowed), strict=True))
        return [list(hits.get(query, ())) for query in queries]

    def _nearest(self, queries: "Vector", k: int, allowed: "NDArray[np.bool_] | None") -> list[list[Hit]]:
        """One product a batch tells which passages may be among the k; these are scored again in a fixed order."""
        import numpy as np

        if len(queries):
            refuse_other_dimension(queries, self.vectors.shape[1])
        longest = 1.0 if self.measure == COSINE else float(np.linalg.norm(self.vectors, axis=1).max())
        hits = []
        at_once = max(1, SCORE_BATCH // len(self.vectors))
        for start in range(0, len(queries), at_once):
            batch = queries[start : start + at_once]
            scores = self.measure.compared(batch, self.vectors)
            if allowed is not None:
                scores[:, ~allowed] = -np.inf
            floors = np.partition(scores, -k, axis=1)[:, -k] - TIE * self.measure.rounding(batch, longest)
            for query, reached in zip(batch, scores >= floors[:, None], strict=True):
                places = np.flatnonzero(reached)
                hits.append(best_hits(places, self.measure.scores(query, self.vectors[places]), k))
        return hits
