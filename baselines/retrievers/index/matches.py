"""Search by a sparse matrix of weights, token × document: what the lexical retrievers share."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from harness.components.retriever import Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE = 256  # queries a product: bounds the scores held at a time
STRIDE = 16
Encode = Callable[[Sequence[str]], Any]  # queries → csr matrix (queries, tokens)


class Matches:
    """An index whose score is the sum over a query's tokens of query weight × document weight; only hits above 0."""

    def __init__(self, weights: Any, owners: "NDArray[np.int64]", passages: int, encode: Encode) -> None:
        self.weights = weights  # csr matrix (tokens, documents)
        self.owners = owners  # the passage of each document
        self.passages = passages
        self.encode = encode

    def search(self, queries: Sequence[str], k: int, allowed: "NDArray[np.bool_] | None" = None) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages."""
        check_filter(allowed, self.passages)
        unique = list(dict.fromkeys(query for query in queries if query.strip()))
        found: dict[str, list[Hit]] = {}
        for start in range(0, len(unique), AT_ONCE):
            some = unique[start : start + AT_ONCE]
            scores = self.encode(some) @ self.weights
            for row, query in enumerate(some):
                inside = slice(scores.indptr[row], scores.indptr[row + 1])
                found[query] = self._best(scores.indices[inside], scores.data[inside], k, allowed)
        return [list(found.get(query, ())) for query in queries]

    def _best(self, documents: Any, values: Any, k: int, allowed: "NDArray[np.bool_] | None") -> list[Hit]:
        import numpy as np

        if len(self.owners) > self.passages:  # aliases: a passage scores as its best document
            whole = np.zeros(self.passages, dtype=values.dtype)
            np.maximum.at(whole, self.owners[documents], values)
            places = np.flatnonzero(whole > 0)
            values = whole[places]
        else:
            places = documents
            if values.size and values.min() <= 0:
                places, values = places[values > 0], values[values > 0]
        if allowed is not None:
            inside = allowed[places]
            places, values = places[inside], values[inside]
        return best(places, values, k)


def best(places: "NDArray[Any]", values: "NDArray[Any]", k: int) -> list[Hit]:
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


def check_filter(allowed: "NDArray[np.bool_] | None", passages: int) -> None:
    """A filter for another list of passages would hide the wrong ones."""
    if allowed is not None and len(allowed) != passages:
        raise ValueError(f"the filter has {len(allowed)} truth values for {passages} passages")
