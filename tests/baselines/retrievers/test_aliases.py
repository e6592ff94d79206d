"""Aliases and learned names: every retriever searches them, and `without` keeps a row from finding itself."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from baselines.retrievers.dense import Dense
from baselines.retrievers.hybrid import Hybrid
from baselines.retrievers.lexical import Lexical
from baselines.retrievers.rerank import Rerank
from baselines.retrievers.tfidf import Tfidf
from harness.components.display import Display
from harness.components.model import Model, Use
from harness.components.retriever import Hit, Retriever, search_index
from harness.errors import HarnessError
from harness.records.inputs import JSON, Passage
from harness.runtime.cache import Cache
from harness.runtime.context import Context

LETTERS = "abcdefghij"


class Letters(Model):
    """Embeds a text by how often each letter from a to j stands in it; ranks by how near the counts are."""

    embeds: ClassVar[bool] = True
    ranks: ClassVar[bool] = True

    def identity(self) -> dict[str, JSON]:
        return {"component": "letters"}

    def embed(self, texts: Sequence[str], use: Use) -> Any:
        return np.array([[text.casefold().count(letter) for letter in LETTERS] for text in texts], dtype=np.float32)

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [-float(np.abs(np.subtract(*self.embed(pair, "query"))).sum()) for pair in pairs]


@pytest.fixture
def calls(tmp_path: Path) -> Any:
    context = Context({"m": Letters()}, Cache(tmp_path / "calls.sqlite"), Display(), 42)
    yield context
    context.close()
    context.cache.close()


RETRIEVERS: dict[str, Retriever] = {
    "tfidf": Tfidf(ngrams=(1, 1), pairs=0),
    "lexical": Lexical(),
    "hybrid": Hybrid(),
    "exact": Dense(model="m"),
    "hnsw": Dense(model="m", method="hnsw"),
    "ivf": Dense(model="m", method="ivf"),
    "flat": Dense(model="m"),  # without FAISS
    "rerank": Rerank(of=Dense(model="m"), model="m"),
}


@pytest.fixture(params=RETRIEVERS)
def retriever(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Retriever:
    if request.param == "flat":
        monkeypatch.setitem(sys.modules, "faiss", None)
    return RETRIEVERS[request.param]


def passage(text: str, *names: str, aliases: Sequence[str] = ()) -> Passage:
    return Passage(id=text, text=text, meta={"aliases": list(aliases)} if aliases else {}, learned_names=names)


def order(hits: Sequence[Hit]) -> list[int]:
    return [place for place, _ in hits]


# By hand, for the query "f f g": of the texts only the second passage's shares a letter with it, one f of three signs.
# The first passage has that very wording as a name; without it, it shares nothing.
@pytest.mark.parametrize(
    ("asked", "without", "first"),
    [
        ("f f g", None, 0),  # the name is the query
        ("f f g", "f f g", 1),
        ("f f g", "Ｆ  f g", 1),  # in another writing
        ("f f g", "f f", 0),  # another text leaves nothing out
        ("f f g", "", 0),
        ("f h h", "f h h", 1),  # the passage's own text counts
    ],
)
@pytest.mark.parametrize("kind", ["learned", "written"])
def test_a_name_finds_its_passage_unless_it_is_left_out(
    retriever: Retriever, calls: Context, asked: str, without: str | None, first: int, kind: str
) -> None:
    names = ("f f g", "a b b")
    named = passage("a b", *names) if kind == "learned" else passage("a b", aliases=names)
    index = retriever.index([named, passage("f h h"), passage("c d")], calls)
    [hits] = search_index(index, [asked], 1, None, None if without is None else [without])
    assert order(hits) == [first]


def test_left_out_is_as_never_indexed(calls: Context) -> None:
    """Vectors know no statistics of the corpus: scores are those of an index that never had the name."""
    rng = np.random.default_rng(3)
    words = ["".join(rng.choice(list(LETTERS), 5)) for _ in range(120)]
    texts, names = words[:30], words[30:]
    owners = rng.integers(0, 6, len(names))  # up to 20 names a passage: two texts a hit are far too few

    def passages(left_out: str | None) -> list[Passage]:
        return [
            passage(text, *(n for n, at in zip(names, owners, strict=True) if at == place and n != left_out))
            for place, text in enumerate(texts)
        ]

    index = Dense(model="m").index(passages(None), calls)
    allowed = np.arange(len(texts)) % 4 != 1
    for mask in (None, allowed):
        found = search_index(index, names[:8], 10, mask, names[:8])
        for name, hits in zip(names[:8], found, strict=True):
            [expected] = search_index(Dense(model="m").index(passages(name), calls), [name], 10, mask)
            assert hits == expected
    assert search_index(index, ["", names[0]], 10, None, ["", ""])[0] == []
    assert search_index(index, [names[0]], 0, None, [""]) == [[]]


def test_one_query_may_leave_out_different_names(retriever: Retriever, calls: Context) -> None:
    index = retriever.index([passage("a b", "f f g"), passage("c d", "f g i i")], calls)
    query = ["f f g"] * 3
    assert [order(hits)[0] for hits in search_index(index, query, 2, None, ["", "f f g", "f g i i"])] == [0, 1, 0]


class _OfUser:
    def search(self, queries: Sequence[str], k: int, allowed: Any = None) -> list[list[Hit]]:
        return [[(0, 1.0)] for _ in queries]


def test_an_index_of_a_user_without_the_parameter_works_where_nothing_is_left_out() -> None:
    index: Any = _OfUser()
    assert search_index(index, ["x"], 1) == [[(0, 1.0)]]
    assert search_index(index, ["x"], 1, np.array([True])) == [[(0, 1.0)]]
    with pytest.raises(HarnessError, match=r"_OfUser\.search has no parameter `without`"):
        search_index(index, ["x"], 1, None, ["x"])
