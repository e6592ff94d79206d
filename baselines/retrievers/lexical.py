"""BM25: rare shared tokens count most, repetition saturates, length is penalised. Robertson 2009, section 3."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from baselines.retrievers.index.matches import SparseIndex
from baselines.retrievers.index.searched_text import IndexedTexts
from baselines.retrievers.index.tokenising import Unit, tokenise
from harness.components.calls import Calls
from harness.components.retriever import Index, Retriever
from harness.records.inputs import Passage


class Lexical(Retriever):
    """BM25 over words, characters or character pairs; needs no model.

    Characters found most surgical terms of Yidu-N7K (benchmarks/retrieval.py yidu); prefer words or bigrams where
    passages are paragraphs.
    """

    tokens: Unit = "characters"
    """What is compared: words (jieba; English stems), pairs of neighbouring characters, or characters."""
    k1: float = Field(1.5, ge=0)
    """How soon the repetition of a token saturates; 0: repetition does not count."""
    b: float = Field(0.75, ge=0, le=1)
    """How much a long passage loses; 0: length does not matter."""
    method: Literal["lucene", "robertson", "atire"] = "lucene"
    """The form of the BM25 formula, by its name in bm25s."""

    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        import numpy as np
        from scipy.sparse import csc_matrix, csr_matrix

        documents = IndexedTexts(passages)
        tokenised = [tokenise(text, self.tokens) for text in documents.texts]
        model = self._fitted(tokenised) if any(tokenised) else None
        vocabulary: dict[str, int] = model.vocab_dict if model else {}
        shape = (len(documents.texts), max(vocabulary.values(), default=-1) + 1)
        weights = csr_matrix((shape[1], shape[0]), dtype=np.float32)
        if model:
            stored = model.scores
            # bm25s gives the empty token a place in the vocabulary and none in the matrix
            weights = csc_matrix(
                (stored["data"], stored["indices"], stored["indptr"]), (shape[0], len(stored["indptr"]) - 1)
            ).T

        def encode(queries: Sequence[str]) -> Any:
            rows = [
                [vocabulary[t] for t in tokenise(query, self.tokens) if vocabulary.get(t, shape[1]) < weights.shape[0]]
                for query in queries
            ]
            ends = np.cumsum([0, *map(len, rows)])
            columns = np.array([column for row in rows for column in row], dtype=np.int64)
            return csr_matrix((np.ones(len(columns), dtype=np.float32), columns, ends), (len(rows), weights.shape[0]))

        return SparseIndex(weights.tocsr(), documents, encode)

    def _fitted(self, tokenised: list[list[str]]) -> Any:
        import bm25s

        model = bm25s.BM25(k1=self.k1, b=self.b, method=self.method)
        model.index(tokenised, show_progress=False)
        return model
