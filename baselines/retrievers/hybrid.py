"""Several rankings as one: reciprocal rank fusion. Cormack, Clarke and Büttcher 2009, equation 1."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from baselines.retrievers.lexical import Lexical
from baselines.retrievers.tfidf import Tfidf
from harness.components.calls import Calls
from harness.components.fields import Part
from harness.components.retriever import Hit, Index, Retriever, questions_of, search_index
from harness.records.inputs import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Hybrid(Retriever):
    """Several retrievers fused by their ranks: a passage scores Σ weight / (rank_constant + rank)."""

    of: list[Annotated[Retriever, Part("retriever")]] = Field(default_factory=lambda: [Tfidf(), Lexical()])
    """The retrievers whose ranks are fused."""
    rank_constant: int = Field(60, ge=0)
    """The higher, the less the first places outweigh later ones."""
    weights: list[Annotated[float, Field(gt=0)]] | None = None
    """One weight a retriever; null: equal ones."""
    depth: int = Field(100, ge=1)
    """Hits that are taken from each retriever, whatever k is."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if len(self.of) < 2:
            raise ValueError(f"`of` names {len(self.of)} retriever; a fusion needs two or more")
        if self.weights is not None and len(self.weights) != len(self.of):
            raise ValueError(f"there are {len(self.weights)} weights for {len(self.of)} retrievers")
        return self

    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        return Fused(self, [retriever.index(passages, calls) for retriever in self.of])


class Fused:
    """The indexes of several retrievers, searched together."""

    def __init__(self, settings: Hybrid, indexes: Sequence[Index]) -> None:
        self.settings = settings
        self.indexes = indexes

    def search(
        self,
        queries: Sequence[str],
        k: int,
        allowed: "NDArray[np.bool_] | None" = None,
        without: Sequence[str] | None = None,
    ) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages.

        The retrievers are asked for `depth` hits each, so the ranking does not depend on k.
        """
        questions = questions_of(queries, without)
        unique = list(dict.fromkeys(questions))
        texts, left_out = (
            [query for query, _ in unique],
            None if without is None else [text or "" for _, text in unique],
        )
        depth = self.settings.depth
        rankings = [search_index(index, texts, depth, allowed, left_out) for index in self.indexes]
        weights = self.settings.weights or [1.0] * len(self.indexes)
        constant = self.settings.rank_constant
        fused = {
            question: fuse([ranking[i] for ranking in rankings], weights, constant, k)
            for i, question in enumerate(unique)
        }
        return [list(fused[question]) for question in questions]


def fuse(rankings: Sequence[Sequence[Hit]], weights: Sequence[float], constant: int, k: int) -> list[Hit]:
    """The k best of several rankings; ranks count from 1, a passage that a ranking lacks gains nothing from it."""
    scores: dict[int, float] = {}
    for weight, hits in zip(weights, rankings, strict=True):
        for rank, (place, _) in enumerate(hits, start=constant + 1):
            scores[place] = scores.get(place, 0.0) + weight / rank
    if k <= 0 or not scores:
        return []
    least = sorted(scores.values(), reverse=True)[:k][-1]  # only what can be among the k is put in order
    good = [hit for hit in scores.items() if hit[1] >= least]
    return sorted(good, key=lambda hit: (-hit[1], hit[0]))[:k]
