"""A cross-encoder reads query and passage together and reorders the hits of another retriever."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.components.calls import Calls
from harness.components.fields import Part, Reference
from harness.components.retriever import Hit, Index, Question, Retriever, questions_of, search_index
from harness.records.inputs import Passage
from harness.text.normalise import normalise
from harness.text.passage_texts import aliases, searched_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Rerank(Retriever):
    """Another retriever's candidates in the order of a ranking model (cross-encoder)."""

    of: Annotated[Retriever, Part("retriever")]
    """The retriever whose candidates are put in order."""
    model: Annotated[str, Reference("models", "ranks")]
    """The ranking model in `models`, e.g. a cross_encoder."""
    candidates: int = Field(50, ge=1)
    """Hits that the model reads for each query; there are never more."""

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

    def search(
        self,
        queries: Sequence[str],
        k: int,
        allowed: "NDArray[np.bool_] | None" = None,
        without: Sequence[str] | None = None,
    ) -> list[list[Hit]]:
        """Up to k of a query's candidates, best first, equal scores in the order of the passages.

        Scores are the model's: for a passage with aliases the better of those of its text and of the alias whose
        letters are nearest to the query. How many it reads does not depend on k, so the first hits do not either.
        """
        if k <= 0:
            return [[] for _ in queries]
        questions = questions_of(queries, without)
        unique = list(dict.fromkeys(questions))
        texts, left_out = (
            [query for query, _ in unique],
            None if without is None else [text or "" for _, text in unique],
        )
        rankings = search_index(self.inner, texts, self.settings.candidates, allowed, left_out)
        pairs, owners = [], []
        for number, (question, hits) in enumerate(zip(unique, rankings, strict=True)):
            for place, _ in hits:
                read = self._read(question, self.passages[place])
                pairs += [(question[0], text) for text in read]
                owners += [(number, place)] * len(read)
        best: dict[tuple[int, int], float] = {}
        for owner, score in zip(owners, self.calls.relevance(self.settings.model, pairs) if pairs else (), strict=True):
            best[owner] = max(score, best.get(owner, score))
        ranked = {
            question: sorted(((place, best[number, place]) for place, _ in hits), key=lambda hit: (-hit[1], hit[0]))[:k]
            for number, (question, hits) in enumerate(zip(unique, rankings, strict=True))
        }
        return [list(ranked[question]) for question in questions]

    def _read(self, question: Question, passage: Passage) -> list[str]:
        """The texts of a passage that the model reads: its own, and the alias nearest to the query."""
        query, left_out = question
        further = [alias for alias in aliases(passage) if not left_out or normalise(alias) != normalise(left_out)]
        nearest = max(further, key=lambda alias: _shared_letters(query, alias), default=None)
        return [searched_text(passage), *([] if nearest is None else [nearest])]


def _shared_letters(query: str, alias: str) -> float:
    """The share of the letters of two texts that both have, with repetitions. Dice 1945."""
    return 2 * (_letters(query) & _letters(alias)).total() / (len(query) + len(alias))


@lru_cache(maxsize=1 << 17)
def _letters(text: str) -> Counter[str]:
    return Counter(text.casefold())
