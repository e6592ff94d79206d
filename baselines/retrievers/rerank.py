"""A cross-encoder reads query and passage together and reorders the hits of another retriever."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.components.calls import Calls
from harness.components.fields import Part, Reference
from harness.components.retriever import Hit, Index, Retriever
from harness.records.inputs import Passage
from harness.text.passage_texts import searched_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Rerank(Retriever):
    """Another retriever's candidates in the order of a ranking model (cross-encoder)."""

    of: Annotated[Retriever, Part("retriever")]
    model: Annotated[str, Reference("models", "ranks")]
    candidates: int = Field(50, ge=1)  # hits that the model reads for each query; there are never more

    def reach(self) -> int | None:
        return self.candidates

    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        return Reranked(self, self.of.index(passages, calls), passages, calls)


class Reranked:
    """The candidates of an index, scored again by a ranking model."""

    def __init__(self, settings: Rerank, index: Index, passages: Sequence[Passage], calls: Calls) -> None:
        self.settings = settings
        self.inner = index
        self.passages = passages
        self.calls = calls

    def search(self, queries: Sequence[str], k: int, allowed: "NDArray[np.bool_] | None" = None) -> list[list[Hit]]:
        """Up to k of a query's candidates, best first, equal scores in the order of the passages.

        Scores are the model's. How many it reads does not depend on k, so the first hits do not either.
        """
        if k <= 0:
            return [[] for _ in queries]
        unique = list(dict.fromkeys(queries))
        rankings = self.inner.search(unique, self.settings.candidates, allowed)
        pairs = [
            (query, searched_text(self.passages[place]))
            for query, hits in zip(unique, rankings, strict=True)
            for place, _ in hits
        ]
        scores = iter(self.calls.relevance(self.settings.model, pairs) if pairs else ())
        ranked = {
            query: sorted(((place, next(scores)) for place, _ in hits), key=lambda hit: (-hit[1], hit[0]))[:k]
            for query, hits in zip(unique, rankings, strict=True)
        }
        return [list(ranked[query]) for query in queries]
