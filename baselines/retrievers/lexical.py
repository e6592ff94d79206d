"""BM25: rare shared tokens count most, repetition saturates, long passages are held back. Robertson 2009, section 3."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from baselines.retrievers.index.matches import Matches
from baselines.retrievers.index.tokens import Tokens, tokenise
from baselines.retrievers.index.wording import documents
from harness.components.retriever import Index, Retriever
from harness.records.inputs import Passage
from harness.runtime.context import Context


class Lexical(Retriever):
    """BM25 over words, characters or character pairs; needs no model.

    Characters found most surgical terms of Yidu-N7K (benchmarks/retrieval.py yidu); prefer words or bigrams where
    passages are paragraphs.
    """

    tokens: Tokens = "characters"
    k1: float = Field(1.5, ge=0)  # how soon repetition saturates
    b: float = Field(0.75, ge=0, le=1)  # how much length is held against a passage
    method: Literal["lucene", "robertson", "atire"] = "lucene"

    def index(self, passages: Sequence[Passage], context: Context) -> Index:
        import numpy as np
        from scipy.sparse import csc_matrix, csr_matrix

        texts, owners = documents(passages)
        tokenised = [tokenise(text, self.tokens) for text in texts]
        known = self._fitted(tokenised) if any(tokenised) else None
        vocabulary: dict[str, int] = known.vocab_dict if known else {}
        shape = (len(texts), max(vocabulary.values(), default=-1) + 1)
        weights = csr_matrix((shape[1], shape[0]), dtype=np.float32)
        if known:
            stored = known.scores
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

        return Matches(weights.tocsr(), owners, len(passages), encode)

    def _fitted(self, tokenised: list[list[str]]) -> Any:
        import bm25s

        model = bm25s.BM25(k1=self.k1, b=self.b, method=self.method)
        model.index(tokenised, show_progress=False)
        return model
