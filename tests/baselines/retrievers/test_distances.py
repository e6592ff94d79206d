"""dense by inner product and by Euclidean distance: real FAISS, and without it, against all pairs computed in numpy."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from baselines.retrievers import dense
from baselines.retrievers.dense import Dense
from harness.components.model import Model, Use
from harness.records.inputs import JSON, Passage
from harness.runtime.cache import Cache, cache_root
from harness.runtime.context import Context
from tests.shared.noted import Notes


class Plane(Model):
    """Embeds "x,y" as that vector, and any other text as zero: it knows nothing of it."""

    embeds: ClassVar[bool] = True
    embeds_all_texts: ClassVar[bool] = False

    def identity(self) -> dict[str, JSON]:
        return {"component": "plane"}

    def embed(self, texts: Sequence[str], use: Use) -> Any:
        return np.array([text.split(",") if "," in text else (0, 0) for text in texts], dtype=np.float32)


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    with_cache = Cache(tmp_path / "cache" / "calls.sqlite")
    context = Context({"m": Plane()}, with_cache, Notes(), 42)
    yield context
    context.close()
    with_cache.close()


def passages(texts: Sequence[str]) -> list[Passage]:
    return [Passage(id=str(i), text=text) for i, text in enumerate(texts)]


ways = pytest.mark.parametrize("method", ["exact", "hnsw", "ivf", "without FAISS"])


@pytest.fixture
def indexed(opened: Context, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def index(texts: Sequence[str], method: str, metric: str, **further: Any) -> Any:
        if method == "without FAISS":
            monkeypatch.setattr(dense, "is_installed", lambda package: False)
            method = "exact"
        settings: Any = {"method": method, "metric": metric, **further}
        return Dense(model="m", **settings).index(passages(texts), opened)

    return index


# Of the query (3, 4), with (3, 4), (6, 8), (0, 0.5), (-3, -4):
BY_HAND = {
    "cosine": [(0, 1.0), (1, 1.0), (2, 0.8), (3, -1.0)],
    "dot": [(1, 50.0), (0, 25.0), (2, 2.0), (3, -25.0)],  # 3·6 + 4·8; 9 + 16; 4·0.5; -25
    "euclidean": [(0, 0.0), (2, -(21.25**0.5)), (1, -5.0), (3, -10.0)],  # 3² + 3.5²; (3, 4); (6, 8) away
}


@ways
@pytest.mark.parametrize("metric", list(BY_HAND))
def test_scores_by_hand(metric: str, method: str, indexed: Callable[..., Any]) -> None:
    [hits] = indexed(["3,4", "6,8", "0,0.5", "-3,-4"], method, metric).search(["3,4"], 10)
    assert [place for place, _ in hits] == [place for place, _ in BY_HAND[metric]]
    assert [score for _, score in hits] == pytest.approx([score for _, score in BY_HAND[metric]], abs=1e-5)


@ways
@pytest.mark.parametrize("metric", ["dot", "euclidean"])
def test_the_ranking_of_all_pairs(metric: str, method: str, indexed: Callable[..., Any]) -> None:
    """Whole numbers up to 100: many ties, lengths far from 1. Places decide among equals."""
    vectors = np.random.default_rng(1).integers(-100, 101, size=(300, 2))
    vectors[vectors[:, 0] == 0, 0] = 1  # (0, 0) has no vector
    queries = [(50, 20), (-3, 7), (100, 100)]
    index = indexed([f"{x},{y}" for x, y in vectors], method, metric, probes=1000, ef_search=300)
    allowed = np.arange(300) % 2 == 0
    for k, mask in ((1, None), (7, None), (7, allowed)):
        found = index.search([f"{x},{y}" for x, y in queries], k, mask)
        for query, hits in zip(queries, found, strict=True):
            scores = vectors @ query if metric == "dot" else -np.sqrt(((vectors - query) ** 2).sum(axis=1))
            order = [place for place in np.lexsort((np.arange(300), -scores)) if mask is None or mask[place]]
            assert [place for place, _ in hits] == order[:k]
            assert [score for _, score in hits] == pytest.approx(scores[order[:k]].tolist(), rel=1e-5)


@ways
@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_a_text_of_which_nothing_is_known_is_no_hit(
    metric: str, method: str, indexed: Callable[..., Any], opened: Context
) -> None:
    """As a zero vector it would be the nearest by distance to a short query, and above all opposites by cosine."""
    index = indexed(["unknown", "-1,-1", "more"], method, metric)
    assert [[place for place, _ in hits] for hits in index.search(["0.1,0.1", "strange"], 3)] == [[1], []]
    passages_note, queries_note = opened.display.notes  # type: ignore[attr-defined]
    assert passages_note == "model m has no vector for 2 of 3 passages, which are never found; the first: unknown"
    assert "1 of 2 queries, which find nothing; the first: strange" in queries_note


def test_each_metric_has_a_stored_index_of_its_own(indexed: Callable[..., Any]) -> None:
    for metric in ("cosine", "dot", "euclidean", "cosine"):
        indexed(["1,0", "0,1"], "exact", metric)
    assert len([file for file in (cache_root() / "indexes").iterdir() if file.is_dir()]) == 3


def test_another_metric_is_refused() -> None:
    with pytest.raises(ValidationError, match="'cosine', 'dot' or 'euclidean'"):
        Dense(model="m", metric="manhattan")  # type: ignore[arg-type]
