"""Weights counted in blocks of numbers are those of scikit-learn and bm25s, and searches those of a plain product."""

import random
from collections.abc import Sequence
from typing import cast

import bm25s
import numpy as np
import pytest
from scipy.sparse import _sparsetools, csc_matrix

from baselines.retrievers.index import posting_lists, tfidf_weights, token_counts
from baselines.retrievers.index.bm25_weights import Bm25, Form
from baselines.retrievers.index.posting_lists import PostingLists
from baselines.retrievers.index.tfidf_weights import TfidfWeights, weights_of_strings
from baselines.retrievers.lexical import Lexical
from baselines.retrievers.tfidf import Tfidf
from harness.components.retriever import Hit, Retriever
from harness.records.inputs import Passage
from harness.runtime.context import Context

CHARACTERS = "胃肝部分切除术腺瘤 CT3.5，\n𠀀z"
NO_CONTEXT = cast(Context, None)


def texts(count: int, seed: int = 1) -> list[str]:
    """Texts of up to 30 of few characters, so that features repeat and scores tie; some are blank."""
    draw = random.Random(seed)
    return ["".join(draw.choices(CHARACTERS, k=draw.randint(0, 30))) for _ in range(count)]


def matrix(lists: PostingLists) -> csc_matrix:
    return csc_matrix((lists.weights, lists.documents, lists.starts), (lists.size, len(lists.starts) - 1))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 8 documents, so that a few texts fill several."""
    for module in ("tfidf_weights", "bm25_weights"):
        monkeypatch.setattr(f"baselines.retrievers.index.{module}.BLOCK", 8)
    monkeypatch.setattr(token_counts, "BLOCK", 8)
    monkeypatch.setattr(token_counts, "DOCUMENT_BITS", 3)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("ngrams", "pairs"), [((1, 1), 10), ((1, 2), 0), ((2, 3), 3), ((3, 3), 1)])
def test_tfidf_is_that_of_scikit_learn(ngrams: tuple[int, int], pairs: int) -> None:
    documents, queries = texts(50), texts(8, seed=2)  # queries are encoded as one block
    own, reference = (made(documents, ngrams, pairs) for made in (TfidfWeights.of, weights_of_strings))
    assert (matrix(own.lists) != matrix(reference.lists)).nnz == 0  # features in the same order, equal to the last bit
    assert (own.encode(queries) != reference.encode(queries)).nnz == 0
    assert own.encode(queries).nnz > 20


def test_longer_ngrams_are_counted_as_texts() -> None:
    index = Tfidf(ngrams=(4, 5), pairs=0).index(
        [Passage(id="1", text="甲乙丙丁戊"), Passage(id="2", text="乙丙丁己")], NO_CONTEXT
    )
    assert [[place for place, _ in hits] for hits in index.search(["甲乙丙丁", "乙丙丁己庚"], 5)] == [[0], [1]]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("form", "k1"), [("lucene", 1.5), ("robertson", 0.9), ("atire", 1.2)])
def test_bm25_is_that_of_bm25s(form: Form, k1: float) -> None:
    tokenised = [text.split() for text in texts(50) if text.strip()]
    lists, numbers = Bm25(form, k1, 0.75).lists([" ".join(tokens) for tokens in tokenised], str.split)
    reference = bm25s.BM25(k1=k1, b=0.75, method=form)
    reference.index(tokenised, show_progress=False)
    scores = reference.scores
    expected = csc_matrix((scores["data"], scores["indices"], scores["indptr"]), (len(tokenised), len(numbers)))
    columns = [reference.vocab_dict[token] for token in sorted(numbers, key=numbers.__getitem__)]
    assert (matrix(lists) != expected[:, columns]).nnz == 0


def hits_by_product(lists: PostingLists, rows: object, k: int) -> list[list[Hit]]:
    scores = (rows @ matrix(lists).T.tocsr()).toarray()
    return [
        [(place, float(row[place])) for place in sorted(range(len(row)), key=lambda p: (-row[p], p))[:k] if row[place] > 0]
        for row in scores
    ]  # fmt: skip


@pytest.mark.parametrize("with_scipy", [True, False], ids=["scipy's loop", "numpy's loop"])
@pytest.mark.parametrize("retriever", [Tfidf(), Lexical(), Lexical(tokens="bigrams")], ids=str)
def test_a_search_of_many_documents_is_a_product(
    retriever: Retriever, with_scipy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More documents than are looked at at once, many with equal scores: the first places of equal ones come first."""
    posting_lists._adder.cache_clear()
    monkeypatch.setattr("baselines.retrievers.index.matches.THREADED", 6000 if with_scipy else 6001)
    if not with_scipy:
        monkeypatch.delattr(_sparsetools, "csc_matvec")
    index = retriever.index([Passage(id=str(i), text=text) for i, text in enumerate(texts(6000))], NO_CONTEXT)
    queries: Sequence[str] = [text for text in texts(12, seed=3) if text.strip()]
    for k in (1, 10, 7000):
        assert index.search(queries, k) == hits_by_product(index.lists, index.encode(queries), k)  # type: ignore[attr-defined]
    posting_lists._adder.cache_clear()


def test_counts_are_ordered_by_token_and_document() -> None:
    """Token 5 stands twice in document 1 and once in 0, token 2 three times in 1."""
    block = token_counts.count_tokens(
        np.array([5, 2, 5, 5, 2, 2], dtype=np.uint64), np.array([1, 1, 0, 1, 1, 1], dtype=np.uint64)
    )
    assert block.tokens.tolist() == [2, 5]
    assert block.starts.tolist() == [0, 1, 3]
    assert (block.documents.tolist(), block.counts.tolist()) == ([1, 0, 1], [3, 1, 2])
    assert tfidf_weights.TfidfWeights.of([], (1, 1), 0).lists.size == 0
