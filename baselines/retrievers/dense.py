"""Passages near a query in meaning: vectors of an embedding model, searched by FAISS or, exactly, without it."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator

from baselines.retrievers.index.aliased import Aliased, TextIndex
from baselines.retrievers.index.flat import Flat
from baselines.retrievers.index.likeness import Likeness, Measure
from baselines.retrievers.index.nearest import Method, Nearest
from baselines.retrievers.index.searched_text import IndexedTexts
from baselines.retrievers.index.store import StoredIndex, library
from baselines.retrievers.index.voiced import Voiced, lengths_above_zero
from harness.components.calls import Calls, NotPlannableError
from harness.components.fields import Reference
from harness.components.model import Use
from harness.components.packages import is_installed, remedy_for
from harness.components.retriever import Hit, Index, Retriever
from harness.errors import ModelError, NotFiniteError
from harness.records.inputs import Passage
from harness.text.canonical import digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.components.model import Vector

LAYOUT = 1  # raise when a stored index would be built otherwise
BATCH = 1 << 16  # passages embedded and added at a time: their vectors are never all in memory twice
POINTS_A_LIST = 39  # what faiss asks for at least to train a list


class Dense(Retriever):
    """Nearness of an embedding model's vectors: exact, or by an HNSW graph or inverted lists for large corpora.

    Scores are higher for what is nearer: the cosine, the inner product, or minus the Euclidean distance.
    """

    model: Annotated[str, Reference("models", "embeds")]
    """The embedding model in `models`."""
    method: Method = "exact"
    """How neighbours are found: exactly, by an HNSW graph, or by inverted lists (ivf); the last two need FAISS."""
    metric: Likeness = "cosine"
    """What near means; dot and euclidean take vectors at their own lengths."""
    m: int = Field(32, ge=2, le=256)
    """Of hnsw: links of a node."""
    ef_construction: int = Field(100, ge=1)
    """Of hnsw: breadth of the search for a new node's neighbours."""
    ef_search: int = Field(128, ge=1)
    """Of hnsw: breadth of a query's search; k where that is larger."""
    lists: int | None = Field(None, ge=1)
    """Of ivf: number of lists; null: 4 √passages."""
    probes: int = Field(16, ge=1)
    """Of ivf: lists that a query looks into."""

    @field_validator("method")
    @classmethod
    def _check_library(cls, method: Method) -> Method:
        """Passages are compared one by one without FAISS too; graphs and lists are made by it."""
        if method != "exact" and (remedy := remedy_for(("faiss",))):
            raise ValueError(f"{method} needs {remedy}; method: exact does without")
        return method

    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        documents = IndexedTexts(passages)
        texts = documents.texts
        if not texts:
            return EmptyIndex()
        if not is_installed("faiss"):
            vectors = self._embed(calls, texts, "passage")
            flat = Flat(vectors, lambda queries: self._query_vectors(calls, queries), self._measure)
            return Aliased(self._voiced(flat, (vectors != 0).any(axis=1), texts, calls), documents)
        first = self._embed(calls, texts[:1], "passage")[0]  # cached by content: rarely computed here

        def mismatch(index: Any) -> str | None:
            return _mismatch(index, len(texts), first)

        stored = StoredIndex(calls.artefact("indexes", self._key(texts, calls)), calls.artefacts / "indexes")
        if calls.planning:
            index = stored.load(mismatch, calls.display.note)
            if index is None:
                calls.embed(self.model, texts, "passage")
                raise NotPlannableError(f"an index of {len(texts)} passages to build")
        else:
            index = stored.load_or_build(mismatch, lambda: self._build(texts, len(first), calls), calls.display.note)
        effort = self.ef_search if self.method == "hnsw" else self.probes
        nearest = Nearest(
            index, self.method, effort, lambda queries: self._query_vectors(calls, queries), self._measure
        )
        if calls.model(self.model).embeds_all_texts:
            return Aliased(nearest, documents)
        return Aliased(self._voiced(nearest, lengths_above_zero(index), texts, calls), documents)

    def _voiced(
        self, inner: TextIndex, has_vector: "NDArray[np.bool_]", texts: Sequence[str], calls: Calls
    ) -> TextIndex:
        """The index without texts that have no vector, of which a note tells."""
        if has_vector.all():
            return inner
        text = texts[int(has_vector.argmin())][:80]
        calls.display.note(
            f"model {self.model} has no vector for {int((~has_vector).sum())} of {len(texts)} passages, which are "
            f"never found; the first: {text}"
        )
        return Voiced(inner, has_vector)

    @property
    def _measure(self) -> Measure:
        return Measure(self.metric)

    def _key(self, texts: Sequence[str], calls: Calls) -> str:
        """Digest of everything that determines the index, but not of how it is searched."""
        faiss = library()
        shape: dict[str, object] = {"method": self.method}
        if self.metric != "cosine":
            shape |= {"metric": self.metric}
        if self.method == "hnsw":
            shape |= {"m": self.m, "ef_construction": self.ef_construction}
        elif self.method == "ivf":
            shape |= {"lists": self.lists}
        content = hashlib.sha256()
        for text in texts:
            content.update(json.dumps(text).encode())  # ASCII, quoted: no two lists of texts run together alike
        major = faiss.__version__.partition(".")[0]
        model = calls.model_digest(self.model)
        return digest({"layout": LAYOUT, "faiss": major, "model": model, "texts": content.hexdigest(), **shape})

    def _embed(self, calls: Calls, texts: Sequence[str], use: Use) -> "Vector":
        """Vectors, shape (texts, dimensions). Raises ModelError for one without direction, where the model owes one."""
        vectors, good = self._usable(calls.embed(self.model, texts, use))
        if not good.all() and calls.model(self.model).embeds_all_texts:
            text = texts[int(good.argmin())][:80]
            raise ModelError(f"model {self.model} returned a vector that is zero or not finite for: {text}")
        return vectors

    def _usable(self, vectors: "Vector") -> "tuple[Vector, NDArray[np.bool_]]":
        """Vectors as they are compared, of length 1 for the cosine, and which of them have a direction."""
        import numpy as np

        directions, good = _directions(vectors)
        return (directions if self.metric == "cosine" else np.ascontiguousarray(vectors, dtype=np.float32)), good

    def _query_vectors(self, calls: Calls, texts: Sequence[str]) -> "tuple[list[str], Vector]":
        """The queries whose vectors have a direction, and these vectors; a note says which queries find nothing."""
        import numpy as np

        finite, pieces = self._finite(calls, texts)
        vectors, good = self._usable(np.concatenate(pieces or [np.zeros((0, 0), np.float32)]))
        usable = [text for text, fine in zip(finite, good, strict=True) if fine]
        if lost := sorted(set(texts).difference(usable)):
            calls.display.note(
                f"model {self.model} returned a vector that is zero or not finite for {len(lost)} of {len(texts)} "
                f"queries, which find nothing; the first: {lost[0][:80]}"
            )
        return usable, vectors[good]

    def _finite(self, calls: Calls, texts: Sequence[str]) -> "tuple[list[str], list[Vector]]":
        """The queries with finite vectors, and these in pieces: one NaN makes the call fail for a whole batch."""
        try:
            return list(texts), [calls.embed(self.model, texts, "query")]
        except NotFiniteError:
            if len(texts) == 1:
                return [], []
        half = len(texts) // 2
        (left, left_vectors), (right, right_vectors) = (
            self._finite(calls, part) for part in (texts[:half], texts[half:])
        )
        return left + right, left_vectors + right_vectors

    def _build(self, texts: Sequence[str], dimension: int, calls: Calls) -> Any:
        faiss = library()
        if self.method == "exact":
            index = self._flat(dimension)
        elif self.method == "hnsw":
            index = faiss.IndexHNSWFlat(dimension, self.m, self._faiss_metric)
            index.hnsw.efConstruction = self.ef_construction
        else:
            index = self._train(texts, dimension, calls)
        for start in range(0, len(texts), BATCH):
            index.add(self._embed(calls, texts[start : start + BATCH], "passage"))
        return index

    def _flat(self, dimension: int) -> Any:
        return library().IndexFlat(dimension, self._faiss_metric)

    @property
    def _faiss_metric(self) -> int:
        return int(library().METRIC_L2 if self._measure.is_distance else library().METRIC_INNER_PRODUCT)

    def _train(self, texts: Sequence[str], dimension: int, calls: Calls) -> Any:
        """Inverted lists around the centres of an even sample of the passages."""
        faiss = library()
        lists = max(1, min(self.lists or round(4 * math.sqrt(len(texts))), len(texts) // POINTS_A_LIST))
        sample = texts[:: max(1, len(texts) // (lists * POINTS_A_LIST * 2))]
        index = faiss.IndexIVFFlat(self._flat(dimension), dimension, lists, self._faiss_metric)
        index.train(self._embed(calls, sample, "passage"))
        return index


def _directions(vectors: "Vector") -> "tuple[Vector, NDArray[np.bool_]]":
    """Vectors scaled to length 1, and which of them have a direction."""
    import numpy as np

    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    good = np.isfinite(norms) & (norms > 0)
    return np.ascontiguousarray(vectors / np.where(good, norms, 1), dtype=np.float32), good.reshape(-1)


class EmptyIndex:
    """An index without passages."""

    def search(
        self,
        queries: Sequence[str],
        k: int,
        allowed: "NDArray[np.bool_] | None" = None,
        without: Sequence[str] | None = None,
    ) -> list[list[Hit]]:
        """No hits."""
        return [[] for _ in queries]


def _mismatch(index: Any, count: int, first: "Vector") -> str | None:
    """Why a stored index is not the one of these passages; None if it is."""
    import numpy as np

    if index.d != len(first):
        return f"it has {index.d} dimensions, the model {len(first)}"
    if index.ntotal != count:
        return f"it holds {index.ntotal} passages of {count}"
    if hasattr(index, "make_direct_map"):
        index.make_direct_map()
    if not np.allclose(index.reconstruct(0), first, atol=1e-4):
        return "its vectors are not those of the passages"
    return None
