"""Search by the weights of tokens in documents: what the lexical retrievers share."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from baselines.retrievers.index.posting_lists import PostingLists
from baselines.retrievers.index.searched_text import IndexedTexts
from harness.components.retriever import Hit, Question, questions_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUERY_BATCH = 256  # queries encoded at a time
STRIDE = 16  # of many values, every 16th is looked at first
MANY = 1 << 12
THREADED = 1 << 16  # documents from which on threads repay their start
MOST_THREADS = 8
Encode = Callable[[Sequence[str]], Any]  # queries → csr matrix (queries, tokens)


class SparseIndex:
    """An index whose score is the sum over a query's tokens of query weight × document weight; only hits above 0."""

    def __init__(self, lists: PostingLists, documents: IndexedTexts, encode: Encode) -> None:
        self.lists = lists
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
            rows = self.encode([query for query, _ in batch])
            hits.update(zip(batch, self._ranked(rows, batch, k, allowed), strict=True))
        return [list(hits.get(question, ())) for question in questions]

    def _ranked(
        self, rows: Any, questions: Sequence[Question], k: int, allowed: "NDArray[np.bool_] | None"
    ) -> list[list[Hit]]:
        """The hits of encoded questions; of many documents in threads, since sums run outside of Python's lock."""

        def ranked(row: int) -> list[Hit]:
            inside = slice(rows.indptr[row], rows.indptr[row + 1])
            scores = self.lists.scores(rows.indices[inside], rows.data[inside])
            scores = self._of_passages(scores, questions[row][1])
            if allowed is not None:
                scores[~allowed] = 0
            return _best_above_zero(scores, k)

        if self.lists.size < THREADED or len(questions) == 1:
            return [ranked(row) for row in range(len(questions))]
        with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
            return list(pool.map(ranked, range(len(questions))))

    def _of_passages(self, scores: "NDArray[np.float32]", without: str | None) -> "NDArray[np.float32]":
        """The scores of passages from those of documents, of which each passage's best counts."""
        import numpy as np

        if not self.documents.has_aliases:
            return scores
        scores[self.documents.named(without)] = 0
        own, further = np.split(scores, [self.documents.passages])
        np.maximum.at(own, self.documents.owners[len(own) :], further)
        return own


def _best_above_zero(scores: "NDArray[np.float32]", k: int) -> list[Hit]:
    """The k highest scores above 0."""
    import numpy as np

    part = scores[::STRIDE]
    part = part[part > 0]
    enough = scores >= np.partition(part, len(part) - k)[len(part) - k] if 0 < k < len(part) else scores > 0
    places = np.flatnonzero(enough)
    return best_hits(places, scores[places], k)


def best_hits(places: "NDArray[Any]", values: "NDArray[Any]", k: int) -> list[Hit]:
    """The k highest values, best first, equal ones in the order of their places."""
    import numpy as np

    if k <= 0:
        return []
    # the k-th highest of a part is a bound from below, and leaves little to partition
    for step in (STRIDE, 1) if len(values) > MANY else (1,):
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
