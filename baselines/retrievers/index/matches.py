"""Search by a sparse matrix of weights, token × document: what the lexical retrievers share."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from baselines.retrievers.index.searched_text import IndexedTexts
from harness.components.retriever import Hit, Question, questions_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUERY_BATCH = 256  # queries a matrix product: bounds the memory for scores
STRIDE = 16  # every 16th value is looked at first
Encode = Callable[[Sequence[str]], Any]  # queries → csr matrix (queries, tokens)


class SparseIndex:
    """An index whose score is the sum over a query's tokens of query weight × document weight; only hits above 0."""

    def __init__(self, weights: Any, documents: IndexedTexts, encode: Encode) -> None:
        self.weights = weights  # csr matrix (tokens, documents)
        self.documents = documents
        self.encode = encode

    def search(
        self,
        queries: Sequence[str],
        k: int,
        allowed: "NDArray[np.bool_] | None" = None,
        without: Sequence[str] | None = None,
    ) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages."""
        refuse_misfit(allowed, self.documents.passages)
        questions = questions_of(queries, without)
        unique = list(dict.fromkeys(question for question in questions if question[0].strip()))
        hits: dict[Question, list[Hit]] = {}
        for start in range(0, len(unique), QUERY_BATCH):
            batch = unique[start : start + QUERY_BATCH]
            scores = self.encode([query for query, _ in batch]) @ self.weights
            for row, question in enumerate(batch):
                inside = slice(scores.indptr[row], scores.indptr[row + 1])
                places, values = self._passages(scores.indices[inside], scores.data[inside], question[1])
                if allowed is not None:
                    places, values = places[allowed[places]], values[allowed[places]]
                hits[question] = best_hits(places, values, k)
        return [list(hits.get(question, ())) for question in questions]

    def _passages(self, documents: Any, values: Any, without: str | None) -> tuple[Any, Any]:
        """Places and scores above 0 of the passages that documents belong to: each scores as its best document."""
        import numpy as np

        if self.documents.has_aliases:
            left_out = self.documents.named(without)
            if len(left_out):
                counted = np.isin(documents, left_out, invert=True)
                documents, values = documents[counted], values[counted]
            maxima = np.zeros(self.documents.passages, dtype=values.dtype)
            np.maximum.at(maxima, self.documents.owners[documents], values)
            places = np.flatnonzero(maxima > 0)
            values = maxima[places]
        else:
            places = documents
            if values.size and values.min() <= 0:
                places, values = places[values > 0], values[values > 0]
        return places, values


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
