"""Search by a sparse matrix of weights, token × document: what the lexical retrievers share."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from harness.components.retriever import Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUERY_BATCH = 256  # queries a matrix product: bounds the memory for scores
STRIDE = 16  # every 16th value is looked at first
Encode = Callable[[Sequence[str]], Any]  # queries → csr matrix (queries, tokens)


class SparseIndex:
    """An index whose score is the sum over a query's tokens of query weight × document weight; only hits above 0."""

    def __init__(self, weights: Any, owners: "NDArray[np.int64]", passages: int, encode: Encode) -> None:
        self.weights = weights  # csr matrix (tokens, documents)
        self.owners = owners  # the passage of each document
        self.passages = passages
        self.encode = encode

    def search(self, queries: Sequence[str], k: int, allowed: "NDArray[np.bool_] | None" = None) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages."""
        refuse_misfit(allowed, self.passages)
        unique = list(dict.fromkeys(query for query in queries if query.strip()))
        hits: dict[str, list[Hit]] = {}
        for start in range(0, len(unique), QUERY_BATCH):
            batch = unique[start : start + QUERY_BATCH]
            scores = self.encode(batch) @ self.weights
            for row, query in enumerate(batch):
                inside = slice(scores.indptr[row], scores.indptr[row + 1])
                hits[query] = self._best(scores.indices[inside], scores.data[inside], k, allowed)
        return [list(hits.get(query, ())) for query in queries]

    def _best(self, documents: Any, values: Any, k: int, allowed: "NDArray[np.bool_] | None") -> list[Hit]:
        import numpy as np

        if len(self.owners) > self.passages:  # aliases: a passage scores as its best document
            maxima = np.zeros(self.passages, dtype=values.dtype)
            np.maximum.at(maxima, self.owners[documents], values)
            places = np.flatnonzero(maxima > 0)
            values = maxima[places]
        else:
            places = documents
            if values.size and values.min() <= 0:
                places, values = places[values > 0], values[values > 0]
        if allowed is not None:
            inside = allowed[places]
            places, values = places[inside], values[inside]
        return best_hits(places, values, k)


def best_hits(places: "NDArray[Any]", values: "NDArray[Any]", k: int) -> list[Hit]:
    """The k highest values, best first, equal ones in the order of their places."""
    import numpy as np

    if k <= 0:
        return []
    for step in (STRIDE, 1):  # the k-th highest of a part is a bound from below, and leaves little to partition
        part = values[::step]
        if len(part) > k:  # what equals the k-th highest stays in: its place decides
            enough = values >= np.partition(part, len(part) - k)[len(part) - k]
            places, values = places[enough], values[enough]
    order = np.lexsort((places, -values))[:k]
    return list(zip(places[order].tolist(), values[order].tolist(), strict=True))


def refuse_misfit(allowed: "NDArray[np.bool_] | None", passages: int) -> None:
    """Raise ValueError for a filter that was made for another list of passages."""
    if allowed is not None and len(allowed) != passages:
        raise ValueError(f"the filter has {len(allowed)} truth values for {passages} passages")
