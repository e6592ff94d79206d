"""Cosine of character tf-idf: for machines without an embedding model, strong where the wording is nearly the same."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field, field_validator

from baselines.retrievers.index.matches import SparseIndex
from baselines.retrievers.index.searched_text import IndexedTexts
from harness.components.calls import Calls
from harness.components.retriever import Index, Retriever
from harness.records.inputs import Passage
from harness.text.segmentation import comparable_lines


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
        import numpy as np
        from scipy.sparse import csr_matrix
        from sklearn.feature_extraction.text import TfidfVectorizer

        documents = IndexedTexts(passages)
        texts = ["\n".join(comparable_lines(text)) for text in documents.texts]
        if not any(texts):
            return SparseIndex(csr_matrix((1, len(texts))), documents, lambda queries: csr_matrix((len(queries), 1)))
        vectorizer = TfidfVectorizer(analyzer=self._features, sublinear_tf=True, dtype=np.float32)
        weights = vectorizer.fit_transform(texts).T.tocsr()

        def encode(queries: Sequence[str]) -> Any:
            return vectorizer.transform(["\n".join(comparable_lines(query)) for query in queries])

        return SparseIndex(weights, documents, encode)

    def _features(self, text: str) -> list[str]:
        """All n-grams and pairs of each line; a mark between its characters distinguishes a pair from a bigram."""
        features: list[str] = []
        for line in text.split("\n"):
            for length in range(self.ngrams[0], self.ngrams[1] + 1):
                features += [line[start : start + length] for start in range(len(line) - length + 1)]
            for distance in range(1, self.pairs + 1):
                pairs = zip(line, line[distance:], strict=False)
                features += [f"{a}\0{b}" if a < b else f"{b}\0{a}" for a, b in pairs]
        return features
