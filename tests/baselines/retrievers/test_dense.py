"""The dense retrievers with real FAISS and a model of known vectors: order, filters, the stored index, its faults."""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import faiss
import numpy as np
import pytest
from pydantic import PrivateAttr, ValidationError

from baselines.retrievers.dense import Dense
from baselines.retrievers.index.aliased import Aliased
from baselines.retrievers.index.flat import Flat
from baselines.retrievers.lexical import Lexical
from baselines.retrievers.rerank import Rerank
from harness.components.calls import NotPlannableError
from harness.components.display import Display
from harness.components.model import Model, Use
from harness.errors import ModelError, StoreError
from harness.records.inputs import JSON, Passage
from harness.runtime.cache import Cache, cache_root
from harness.runtime.context import Context
from harness.runtime.dry_context import DryContext

METHODS = ("exact", "hnsw", "ivf")
every = pytest.mark.parametrize("method", METHODS)


class Known(Model):
    """Embeds "x,y" as that vector and any other text by its characters; ranks by shared characters."""

    embeds: ClassVar[bool] = True
    ranks: ClassVar[bool] = True
    dimension: int = 2
    _seen: list[str] = PrivateAttr(default_factory=list)

    def identity(self) -> dict[str, JSON]:
        return {"component": "known", "dimension": self.dimension}

    def embed(self, texts: Sequence[str], use: Use) -> Any:
        self._seen.extend(texts)
        return np.array([self._vector(text) for text in texts], dtype=np.float32)

    def _vector(self, text: str) -> list[float]:
        if "," in text:
            return [float(part) for part in text.split(",")]
        return np.random.default_rng(sum(map(ord, text))).standard_normal(self.dimension).tolist()

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [float(len(set(query) & set(passage))) for query, passage in pairs]


class Notes(Display):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def passages(texts: Sequence[str]) -> list[Passage]:
    return [Passage(id=str(i), text=text) for i, text in enumerate(texts)]


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    made: list[Context] = []

    def make(kind: type[Context] = Context, dimension: int = 2) -> Context:
        cache = Cache(tmp_path / "cache" / "calls.sqlite", read_only=kind is DryContext)
        made.append(kind({"m": Known(dimension=dimension)}, cache, Notes(), 42))
        return made[-1]

    yield make
    for context in made:
        context.close()
        context.cache.close()


Open = Callable[..., Context]


def seen(context: Context) -> list[str]:
    model = context.model("m")
    assert isinstance(model, Known)
    return model._seen


def notes(context: Context) -> list[str]:
    assert isinstance(context.display, Notes)
    return context.display.notes


def places(hits: Sequence[tuple[int, float]]) -> list[int]:
    return [place for place, _ in hits]


def stored_folder() -> Path:
    [folder] = [file for file in (cache_root() / "indexes").iterdir() if file.is_dir()]
    return folder


@every
def test_cosines_by_hand(opened: Open, method: Any) -> None:
    """Query (1, 0): with (2, 0) cosine 1, (1, 1) 1/√2, (0, 3) 0, (−5, 0) −1. Lengths do not matter."""
    index = Dense(model="m", method=method).index(passages(["0,3", "2,0", "-5,0", "1,1"]), opened())
    [found] = index.search(["7,0"], 10)
    assert places(found) == [1, 3, 0, 2]
    assert [score for _, score in found] == pytest.approx([1, 0.5**0.5, 0, -1], abs=1e-6)


@every
def test_blank_queries_and_nothing_to_search(opened: Open, method: Any) -> None:
    context, retriever = opened(), Dense(model="m", method=method)
    index = retriever.index(passages(["1,0"]), context)
    assert index.search(["", " \n", "1,0"], 3) == [[], [], [(0, 1.0)]]
    assert index.search(["1,0"], 0) == [[]]
    assert index.search([], 3) == []
    assert retriever.index([], context).search(["1,0"], 3) == [[]]
    assert "" not in seen(context)


@every
def test_equal_vectors_come_in_the_order_of_the_passages(opened: Open, method: Any) -> None:
    """(1, 2) and its multiples are one direction: 100 of them among 200 others, far more than are asked for."""
    texts = [f"{i % 7 + 1},{2 * (i % 7 + 1)}" if i % 3 == 0 else f"-1,{i}" for i in range(300)]
    index = Dense(model="m", method=method, probes=100).index(passages(texts), opened())
    for k in (1, 5, 60):
        assert places(index.search(["1,2"], k)[0]) == list(range(0, 300, 3))[:k]
        if method != "hnsw":  # a graph walk under a filter may miss some of so many equal ones
            assert places(index.search(["1,2"], k, np.arange(300) >= 100)[0]) == list(range(102, 300, 3))[:k]


@every
def test_a_query_finds_the_same_alone_and_among_others(opened: Open, method: Any) -> None:
    index = Dense(model="m", method=method).index(passages([f"{i},{100 - i}" for i in range(100)]), opened(dimension=2))
    queries = [f"{i},{j}" for i in range(1, 7) for j in range(1, 7)]
    assert index.search(queries, 5) == [index.search([query], 5)[0] for query in queries]


@every
@pytest.mark.parametrize("left", [1, 30, 500])
def test_a_filter_never_starves_a_search(opened: Open, method: Any, left: int) -> None:
    """What is left lies opposite to the query, where neither a graph walk nor the nearest lists lead."""
    texts = [f"{np.cos(angle)},{np.sin(angle)}" for angle in np.linspace(0, np.pi, 1000)]
    allowed = np.zeros(1000, dtype=bool)
    allowed[-left:] = True
    index = Dense(model="m", method=method, ef_search=4, probes=1).index(passages(texts), opened())
    [found] = index.search(["1,0"], 20, allowed)
    assert len(found) == min(left, 20)
    assert all(allowed[place] for place, _ in found)
    if method == "exact" or left < 100:  # a wide filter stays an approximate search
        assert places(found) == list(range(1000 - left, 1000))[:20]
    with pytest.raises(ValueError, match="3 truth values for 1000 passages"):
        index.search(["1,0"], 20, np.ones(3, dtype=bool))


@every
def test_more_hits_than_passages(opened: Open, method: Any) -> None:
    index = Dense(model="m", method=method, ef_search=1, probes=1).index(
        passages([f"1,{i}" for i in range(200)]), opened()
    )
    assert places(index.search(["1,0"], 5000)[0]) == list(range(200))


@pytest.mark.parametrize("bad", ["0,0", "nan,1", "inf,1"])
def test_a_vector_without_direction_is_an_error_that_names_the_text(opened: Open, bad: str) -> None:
    context = opened()
    with pytest.raises(ModelError, match=f"for: {bad}"):
        Dense(model="m").index(passages(["1,0", bad]), context)


@every
@pytest.mark.parametrize("bad", ["0,0", "nan,1", "inf,1"])
def test_a_query_without_direction_finds_nothing_and_is_told(opened: Open, method: Any, bad: str) -> None:
    context = opened()
    index = Dense(model="m", method=method).index(passages(["1,0", "0,1"]), context)
    found = index.search(["1,0", bad, "0,1", bad, "2,1"], 1)
    assert [places(hits) for hits in found] == [[0], [], [1], [], [0]]
    assert index.search([bad], 1) == [[]]
    first, again = notes(context)
    assert f"for 1 of 4 queries, which find nothing; the first: {bad}" in first
    assert "for 1 of 1 queries" in again


def test_a_model_that_fails_on_queries_is_still_an_error(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    context = opened()
    index = Dense(model="m").index(passages(["1,0"]), context)
    asked: list[int] = []

    def down(self: Known, texts: Sequence[str], use: Use) -> Any:
        asked.append(len(texts))
        raise ModelError("no connection")

    monkeypatch.setattr(Known, "embed", down)
    with pytest.raises(ModelError, match="no connection"):
        index.search(["1,1", "2,1"], 1)
    assert asked == [2]


def test_titles_are_embedded_and_make_another_index(opened: Open) -> None:
    context = opened(dimension=8)
    Dense(model="m").index([Passage(id="a", text="文", title="题")], context)
    assert seen(context) == ["题\n文"]


def test_learned_names_are_embedded_and_make_another_index(opened: Open) -> None:
    context = opened(dimension=8)
    for names, embedded in (((), ["胃炎"]), (("胃痛",), ["胃痛"]), (("胃胀",), ["胃胀"])):
        Dense(model="m").index([Passage(id="a", text="胃炎", learned_names=names)], context)
        assert seen(context) == embedded
        seen(context).clear()
    assert len([file for file in (cache_root() / "indexes").iterdir() if file.is_dir()]) == 3


def test_only_new_passages_are_embedded(opened: Open) -> None:
    context = opened(dimension=8)
    texts = [f"词{i}" for i in range(100)]
    Dense(model="m").index(passages(texts), context)
    assert sorted(seen(context)) == sorted(texts)
    seen(context).clear()
    index = Dense(model="m").index(passages([*texts[:50], "新增", *texts[50:]]), context)
    assert seen(context) == ["新增"]
    assert places(index.search(["新增"], 1)[0]) == [50]
    other = opened(dimension=8)
    Dense(model="m", method="hnsw").index(passages(texts), other)
    assert seen(other) == []  # another index of the same texts embeds none


@every
def test_a_stored_index_is_read_and_equal(opened: Open, method: Any) -> None:
    texts = [f"{i + 1},{100 - i}" for i in range(100)]
    retriever = Dense(model="m", method=method)
    first = retriever.index(passages(texts), opened()).search(["1,1", "9,1"], 5)
    written = (stored_folder() / "index.faiss").stat().st_mtime_ns
    context = opened()
    assert retriever.index(passages(texts), context).search(["1,1", "9,1"], 5) == first
    assert (stored_folder() / "index.faiss").stat().st_mtime_ns == written
    assert notes(context) == []


def flip(folder: Path) -> None:
    content = bytearray((folder / "index.faiss").read_bytes())
    content[-3] ^= 0xFF
    (folder / "index.faiss").write_bytes(content)


def truncate(folder: Path) -> None:
    content = (folder / "index.faiss").read_bytes()
    (folder / "index.faiss").write_bytes(content[: len(content) // 2])


def other_index(folder: Path, index: Any) -> None:
    """One that is sound in itself, with a manifest that says so."""
    import hashlib

    faiss.write_index(index, str(folder / "index.faiss"))
    sha256 = hashlib.sha256((folder / "index.faiss").read_bytes()).hexdigest()
    manifest = {"sha256": sha256, "count": index.ntotal, "dimension": index.d}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def flat(count: int, dimension: int) -> Any:
    index = faiss.IndexFlatIP(dimension)
    index.add(np.ones((count, dimension), dtype=np.float32))
    return index


def nonsense(folder: Path) -> None:
    import hashlib

    (folder / "index.faiss").write_bytes(b"no index at all")
    manifest = {"sha256": hashlib.sha256(b"no index at all").hexdigest(), "count": 3, "dimension": 2}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip, "not what was written"),
        (truncate, "not what was written"),
        (lambda folder: (folder / "manifest.json").unlink(), "cannot be read"),
        (lambda folder: (folder / "index.faiss").unlink(), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "not what was written"),
        (lambda folder: other_index(folder, flat(3, 5)), "5 dimensions, the model 2"),
        (lambda folder: other_index(folder, flat(9, 2)), "9 passages of 3"),
        (lambda folder: other_index(folder, flat(3, 2)), "not those of the passages"),
        (nonsense, "faiss cannot read it"),
        (lambda folder: (shutil.rmtree(folder), folder.write_text("a file")), "cannot be read"),
    ],
)
def test_a_damaged_index_is_noticed_and_built_again(opened: Open, damage: Callable[[Path], Any], said: str) -> None:
    texts = ["1,0", "0,1", "1,1"]
    expected = Dense(model="m").index(passages(texts), opened()).search(["2,1"], 3)
    folder = stored_folder()
    damage(folder)
    context = opened()
    assert Dense(model="m").index(passages(texts), context).search(["2,1"], 3) == expected
    [note] = notes(context)
    assert said in note
    again = opened()
    Dense(model="m").index(passages(texts), again)
    assert notes(again) == []
    assert [file for file in folder.parent.iterdir() if file.name.startswith(".new")] == []


def test_a_large_index_is_mapped(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{i + 1},{100 - i}" for i in range(100)]
    for method in METHODS:
        retriever = Dense(model="m", method=method)
        expected = retriever.index(passages(texts), opened()).search(["1,1"], 5)
        monkeypatch.setattr("baselines.retrievers.index.store.MAPPED_FROM", 0)
        context = opened()
        assert retriever.index(passages(texts), context).search(["1,1"], 5) == expected
        assert notes(context) == []
        monkeypatch.undo()
        monkeypatch.setenv("HARNESS_CACHE", str(cache_root()))


def test_two_builds_at_once_build_once(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    original = Dense._build

    def counted(self: Dense, *arguments: Any) -> Any:
        built.append(1)
        return original(self, *arguments)

    monkeypatch.setattr(Dense, "_build", counted)
    texts = [f"{i + 1},{100 - i}" for i in range(100)]
    path = opened().cache.path
    opened().vectors.close()

    def work(_: int) -> list[Any]:
        context = Context({"m": Known()}, Cache(path), Notes(), 42)
        found = Dense(model="m").index(passages(texts), context).search(["1,1"], 3)
        context.close()
        context.cache.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))
    assert built == [1]
    assert all(result == results[0] for result in results)


def test_a_plan_reads_but_never_builds_or_writes(opened: Open) -> None:
    texts = ["1,0", "0,1"]
    with pytest.raises(NotPlannableError, match="1 texts to embed"):
        Dense(model="m").index(passages(texts), opened(DryContext))
    assert not (cache_root() / "indexes").exists()
    Dense(model="m").index(passages(texts), opened())
    planned = Dense(model="m").index(passages(texts), opened(DryContext))
    with pytest.raises(NotPlannableError, match="1 texts to embed"):
        planned.search(["3,1"], 1)
    assert planned.search([" "], 1) == [[]]
    with pytest.raises(NotPlannableError, match="an index of 2 passages"):
        Dense(model="m", method="hnsw").index(passages(texts), opened(DryContext))
    flip(stored_folder())
    damaged = (stored_folder() / "index.faiss").read_bytes()
    with pytest.raises(NotPlannableError, match="an index of 2 passages"):
        Dense(model="m").index(passages(texts), opened(DryContext))
    assert (stored_folder() / "index.faiss").read_bytes() == damaged


def test_a_ranking_model_reorders_the_candidates(opened: Open) -> None:
    """BM25 puts the short passage first; the model counts shared characters: 胃炎术 2, 胃切术 3, 肝切术 2."""
    texts = ["胃炎术", "胃大部切术", "肝切术", "眼"]
    index = Rerank(of=Lexical(), model="m", candidates=3).index(passages(texts), opened())
    assert index.search(["胃切术", ""], 10) == [[(1, 3.0), (0, 2.0), (2, 2.0)], []]
    assert places(index.search(["胃切术"], 2)[0]) == [1, 0]
    assert places(index.search(["胃切术"], 5, np.array([True, False, True, True]))[0]) == [0, 2]
    assert index.search(["胃切术"], 0) == [[]]
    one = Rerank(of=Lexical(), model="m", candidates=1).index(passages(texts), opened())
    assert one.search(["胃切术"], 2) == [[(1, 3.0)]]  # no more are read than there are candidates


# -- without FAISS ------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_faiss(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, FAISS counts as not installed; importing it would fail."""

    def leave_out() -> None:
        monkeypatch.setitem(sys.modules, "faiss", None)

    return leave_out


EQUAL = [f"{i % 7 + 1},{2 * (i % 7 + 1)}" if i % 3 == 0 else f"-1,{i}" for i in range(300)]
SPREAD = [f"passage {i} of {i * i}" for i in range(200)]
PAIRS = ["0,3", "2,0", "-5,0", "1,1"]


@pytest.mark.parametrize(
    ("texts", "queries", "dimension", "k", "share"),
    [
        pytest.param(PAIRS, ["7,0", "0,-1"], 2, 10, 1.0, id="more-than-there-are"),
        pytest.param(EQUAL, ["1,2", "-1,5"], 2, 1, 1.0, id="equal-vectors-one"),
        pytest.param(EQUAL, ["1,2", "-1,5"], 2, 60, 1.0, id="equal-vectors-many"),
        pytest.param(SPREAD, ["passage 7", "of 49", "passage 7"], 24, 5, 1.0, id="texts"),
        pytest.param(SPREAD, ["passage 7", "of 49"], 24, 5, 0.3, id="a-filter"),
        pytest.param(SPREAD, ["passage 7", "of 49"], 24, 40, 0.02, id="a-filter-that-leaves-few"),
        pytest.param(SPREAD, ["passage 7"], 24, 3, 0.0, id="a-filter-that-leaves-none"),
        pytest.param(SPREAD, ["", " \n", "of 49"], 24, 3, 1.0, id="blank-queries"),
        pytest.param(SPREAD, [], 24, 3, 1.0, id="no-queries"),
        pytest.param([], ["1,0"], 2, 3, 1.0, id="no-passages"),
    ],
)
def test_exact_search_without_faiss_finds_the_same(
    opened: Open,
    without_faiss: Callable[[], None],
    texts: list[str],
    queries: list[str],
    dimension: int,
    k: int,
    share: float,
) -> None:
    """To the last digit: both score what may be among the hits in the same order."""
    allowed = None if share == 1 else np.random.default_rng(1).random(len(texts)) < share
    retriever = Dense(model="m")
    expected = retriever.index(passages(texts), opened(dimension=dimension)).search(queries, k, allowed)
    without_faiss()
    assert retriever.index(passages(texts), opened(dimension=dimension)).search(queries, k, allowed) == expected


def test_without_faiss_the_vectors_are_kept_and_no_index(opened: Open, without_faiss: Callable[[], None]) -> None:
    without_faiss()
    Dense(model="m").index(passages(PAIRS), opened())
    context = opened()
    Dense(model="m").index(passages(PAIRS), context)
    assert seen(context) == []
    assert not (cache_root() / "indexes").exists()


def test_without_faiss_a_plan_counts_the_texts_to_embed(opened: Open, without_faiss: Callable[[], None]) -> None:
    without_faiss()
    with pytest.raises(NotPlannableError, match="4 texts to embed or rank with m"):
        Dense(model="m").index(passages(PAIRS), opened(DryContext))
    Dense(model="m").index(passages(PAIRS), opened())
    index = Dense(model="m").index(passages(PAIRS), opened(DryContext))
    assert isinstance(index, Aliased)
    assert isinstance(index.inner, Flat)


@pytest.mark.parametrize("method", ["hnsw", "ivf"])
def test_without_faiss_graphs_and_lists_are_refused(without_faiss: Callable[[], None], method: Any) -> None:
    without_faiss()
    with pytest.raises(ValidationError, match=rf'{method} needs faiss, which is not installed: pip install "domain-'):
        Dense(model="m", method=method)


def test_without_faiss_vectors_of_another_length_are_refused(opened: Open, without_faiss: Callable[[], None]) -> None:
    without_faiss()
    index = Flat(np.ones((3, 4), np.float32) / 2, lambda texts: (list(texts), np.ones((1, 2), np.float32)))
    with pytest.raises(StoreError, match="the query has 2 dimensions, the index 4"):
        index.search(["a"], 2)
