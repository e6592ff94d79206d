"""BM25: rare shared tokens count most, repetition saturates, length is penalised. Robertson 2009, section 3."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from baselines.retrievers.index.bm25_weights import Bm25, Form
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
    method: Form = "lucene"
    """The form of the BM25 formula, by its name in bm25s."""

    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        import numpy as np
        from scipy.sparse import csr_matrix

        documents = IndexedTexts(passages)
        model = Bm25(self.method, self.k1, self.b)
        lists, numbers = model.lists(documents.texts, lambda text: tokenise(text, self.tokens))

        def encode(queries: Sequence[str]) -> Any:
            rows = [
                [number for token in tokenise(query, self.tokens) if (number := numbers.get(token)) is not None]
                for query in queries
            ]
            ends = np.cumsum([0, *map(len, rows)])
            columns = np.array([column for row in rows for column in row], dtype=np.int64)
            shape = (len(rows), max(1, len(numbers)))
            return csr_matrix((np.ones(len(columns), dtype=np.float32), columns, ends), shape)

        return SparseIndex(lists, documents, encode)
