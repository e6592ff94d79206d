"""Cosine of character tf-idf: for machines without an embedding model, strong where the wording is nearly the same."""

from collections.abc import Sequence

from pydantic import Field, field_validator

from baselines.retrievers.index.matches import SparseIndex
from baselines.retrievers.index.searched_text import IndexedTexts
from baselines.retrievers.index.tfidf_weights import TfidfWeights
from harness.components.calls import Calls
from harness.components.retriever import Index, Retriever
from harness.records.inputs import Passage


class Tfidf(Retriever):
    """Cosine of tf-idf over character n-grams and near pairs, none of which reaches over a line break; needs no model.

    A pair is two characters up to `pairs` places apart, in either order. Words that are left out or moved break the
    n-grams around them but few pairs: 左甲状腺腺叶切除 still meets 单侧甲状腺叶切除. Set 0 for long passages: a
    text of n characters has n × `pairs` of them.
    """

    ngrams: tuple[int, int] = (1, 1)
    """Shortest and longest character n-grams."""
    pairs: int = Field(10, ge=0, le=100)
    """Pairs of characters up to so many places apart count too; set 0 for long passages."""

    @field_validator("ngrams")
    @classmethod
    def _in_order(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1]:
            raise ValueError("must be the shortest and the longest length, e.g. [1, 2]")
        return value

    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        documents = IndexedTexts(passages)
        weights = TfidfWeights.of(documents.texts, self.ngrams, self.pairs)
        return SparseIndex(weights.lists, documents, weights.encode)
