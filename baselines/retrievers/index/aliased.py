"""An index over passages' texts and aliases that answers with passages: each scores as the best of its texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from baselines.retrievers.index.matches import refuse_misfit
from baselines.retrievers.index.searched_text import IndexedTexts
from harness.components.retriever import Hit, Question, questions_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPARE = 8  # texts beyond two a passage that are fetched at first


class TextIndex(Protocol):
    """Texts ready to be searched."""

    def search(self, queries: Sequence[str], k: int, allowed: "NDArray[np.bool_] | None" = None) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the texts."""


class Aliased:
    """The index of passages whose texts and aliases an inner index holds."""

    def __init__(self, inner: TextIndex, documents: IndexedTexts) -> None:
        self.inner = inner
        self.documents = documents

    def search(
        self,
        queries: Sequence[str],
        k: int,
        allowed: "NDArray[np.bool_] | None" = None,
        without: Sequence[str] | None = None,
    ) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages.

        Texts are fetched until the k-th passage scores better than the last of them: then no further text changes it.
        """
        refuse_misfit(allowed, self.documents.passages)
        if not self.documents.has_aliases:
            return self.inner.search(queries, k, allowed)
        questions = questions_of(queries, without)
        rankings: dict[Question, list[Hit]] = {question: [] for question in questions}
        texts_allowed = None if allowed is None else allowed[self.documents.owners]
        pending, fetch = list(rankings) if k > 0 else [], 2 * k + SPARE
        while pending:
            unsettled = []
            found = self.inner.search([query for query, _ in pending], fetch, texts_allowed)
            for question, hits in zip(pending, found, strict=True):
                ranking = self._passages(hits, question[1])
                rankings[question] = ranking[:k]
                if len(hits) == fetch and (len(ranking) < k or ranking[k - 1][1] <= hits[-1][1]):
                    unsettled.append(question)
            pending, fetch = unsettled, fetch * 4
        return [list(rankings[question]) for question in questions]

    def _passages(self, hits: Sequence[Hit], without: str | None) -> list[Hit]:
        """The passages of texts, each with its best score, in the order of a ranking."""
        left_out = set(self.documents.named(without).tolist())
        best: dict[int, float] = {}
        for text, score in hits:
            if text not in left_out:
                best.setdefault(int(self.documents.owners[text]), score)
        return sorted(best.items(), key=lambda hit: (-hit[1], hit[0]))
