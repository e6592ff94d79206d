"""What a retriever finds first does not depend on how many hits are asked for."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
from pydantic import PrivateAttr

from baselines.retrievers.dense import Dense
from baselines.retrievers.hybrid import Hybrid
from baselines.retrievers.index.searched_text import IndexedTexts
from baselines.retrievers.lexical import Lexical
from baselines.retrievers.rerank import Rerank
from baselines.retrievers.tfidf import Tfidf
from harness.components.display import Display
from harness.components.model import Model, Use
from harness.components.retriever import Retriever
from harness.records.inputs import JSON, Passage
from harness.runtime.cache import Cache
from harness.runtime.context import Context

WORDS = "胃肝肾肺心脑左右上下部分全切除术炎"


class Scattered(Model):
    """Vectors and relevance drawn from the texts alone; counts the pairs that it ranks."""

    embeds: ClassVar[bool] = True
    ranks: ClassVar[bool] = True
    _pairs: list[tuple[str, str]] = PrivateAttr(default_factory=list)

    def identity(self) -> dict[str, JSON]:
        return {"component": "scattered"}

    def embed(self, texts: Sequence[str], use: Use) -> Any:
        return np.stack([np.random.default_rng([*map(ord, text)]).standard_normal(16) for text in texts]).astype("f4")

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self._pairs.extend(pairs)
        return [float(np.random.default_rng([*map(ord, "".join(pair))]).random()) for pair in pairs]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    made = Context({"m": Scattered()}, Cache(tmp_path / "cache" / "calls.sqlite"), Display(), 42)
    yield made
    made.close()
    made.cache.close()


def terms(count: int) -> list[str]:
    draw = np.random.default_rng(3)
    return ["".join(draw.choice(list(WORDS), 8)) + str(i) for i in range(count)]


@pytest.mark.parametrize(
    "retriever",
    [
        Rerank(of=Lexical(), model="m", candidates=3),
        Rerank(of=Lexical(), model="m", candidates=60),
        Hybrid(depth=5),
        Hybrid(of=[Lexical(), Tfidf(), Dense(model="m")], depth=30),
        Dense(model="m", method="hnsw", ef_search=100, m=4, ef_construction=8),
        Dense(model="m", method="hnsw", ef_search=128, m=4, ef_construction=8),
    ],
    ids=lambda retriever: f"{type(retriever).__name__} {retriever.model_dump(mode='json')}"[:70],
)
def test_the_first_hits_are_the_same_whatever_is_asked_for(context: Context, retriever: Retriever) -> None:
    texts = terms(2000)
    index = retriever.index([Passage(id=str(i), text=text) for i, text in enumerate(texts)], context)
    queries = [text[:5] for text in texts[:40]]
    most = index.search(queries, 100)
    for k in (1, 5, 50):
        assert index.search(queries, k) == [hits[:k] for hits in most]


def test_a_ranking_model_reads_no_more_than_the_candidates(context: Context) -> None:
    texts = terms(50)
    index = Rerank(of=Lexical(), model="m", candidates=2).index([Passage(id=t, text=t) for t in texts], context)
    assert [len(hits) for hits in index.search([texts[0], texts[1]], 100)] == [2, 2]
    assert len(cast(Scattered, context.model("m"))._pairs) == 4


def test_more_hits_than_the_breadth_of_a_walk(context: Context) -> None:
    texts = terms(1000)
    index = Dense(model="m", method="hnsw", ef_search=1).index([Passage(id=t, text=t) for t in texts], context)
    assert [len(index.search([texts[7]], k)[0]) for k in (1, 5, 100)] == [1, 5, 100]


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [("盲肠", ["盲肠"]), (["盲肠", "阑尾"], ["盲肠", "阑尾"]), (7, []), ({"盲肠": 1}, []), (None, []), (["盲肠", 7, " "], ["盲肠"])],
)  # fmt: skip
def test_aliases_are_a_text_or_a_list_of_texts(aliases: JSON, expected: list[str]) -> None:
    found = IndexedTexts([Passage(id="a", text="甲"), Passage(id="b", text="乙", meta={"aliases": aliases})])
    assert found.texts == ["甲", "乙", *expected]
    assert found.owners.tolist() == [0, 1, *[1] * len(expected)]
