"""The nearest vectors by FAISS, with exact results for ties, filters and searches that end early."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from baselines.retrievers.index.likeness import Measure
from baselines.retrievers.index.matches import best_hits, refuse_misfit
from baselines.retrievers.index.store import library
from harness.components.retriever import Hit
from harness.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.components.model import Vector

SPARE = 8  # hits beyond k: vectors equal to the k-th, or nearly, must all be seen to be put in order
TIE = 1e-5  # inner products that faiss sums in another order differ by less
MIN_SHARE = 0.1  # where a filter leaves a smaller share, a graph walk finds nothing: all vectors are compared
SCORE_BATCH = 1 << 26  # scores computed at a time: 256 MB
CHUNK = 1 << 16  # vectors measured in one piece
COSINE = Measure()

Method = Literal["exact", "hnsw", "ivf"]
Embed = Callable[[Sequence[str]], "tuple[list[str], Vector]"]  # queries → those that have a vector, these vectors


class Nearest:
    """A FAISS index over vectors, of length 1 where the score is the cosine."""

    def __init__(self, index: Any, kind: Method, effort: int, embed: Embed, measure: Measure = COSINE) -> None:
        faiss = library()
        self.measure = measure
        self.index = index
        self.kind = kind
        self.effort = effort  # ef_search or probes
        self.embed = embed
        if kind == "ivf":
            faiss.downcast_index(index).make_direct_map()  # vectors by number, for the exact scores
        self.longest = 1.0 if measure == COSINE else _longest(index)
        self.gpu = _on_gpu(index, kind, effort)

    def search(self, queries: Sequence[str], k: int, allowed: "NDArray[np.bool_] | None" = None) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages.

        A graph is walked with the breadth `ef_search`, so that the first hits do not depend on k; with k where that is
        larger, since FAISS finds no more than its breadth. A query without a vector has no hits.
        """
        refuse_misfit(allowed, self.index.ntotal)
        unique = list(dict.fromkeys(query for query in queries if query.strip()))
        total = self.index.ntotal if allowed is None else int(allowed.sum())
        hits: dict[str, list[Hit]] = {}
        if unique and k > 0 and total:
            usable, vectors = self.embed(unique)
            if usable:
                hits = dict(zip(usable, self._nearest(vectors, min(k, total), total, allowed), strict=True))
        return [list(hits.get(query, ())) for query in queries]

    def _nearest(self, vectors: "Vector", k: int, total: int, allowed: "NDArray[np.bool_] | None") -> list[list[Hit]]:
        """Search again where a first search leaves things open: ties across its end, and fewer hits than there are."""
        import numpy as np

        refuse_other_dimension(vectors, self.index.d)
        hits: list[list[Hit]] = [[] for _ in vectors]
        breadth = max(self.effort, k) if self.kind == "hnsw" else k
        left, fetch = np.arange(len(vectors)), min(total, breadth + SPARE)
        needed = k if self.kind == "hnsw" else fetch  # a graph walk may end before it has seen the spare ones
        exact = self.kind == "exact" or (allowed is not None and total < MIN_SHARE * self.index.ntotal)
        ties = TIE * self.measure.rounding(vectors, self.longest)
        while len(left):
            scores, places = self._query(vectors[left], fetch, allowed, exact, breadth)
            starved = (places[:, :needed] < 0).any(axis=1) & (not exact)
            tied = (scores[:, k - 1] - scores[:, -1] <= ties[left]) & (fetch < total) & ~starved
            for row in np.flatnonzero(~starved & ~tied):
                hits[left[row]] = self._ranked(vectors[left[row]], places[row], k)
            if self.kind == "exact":
                tied_queries, floors = left[tied], scores[tied, k - 1] - ties[left[tied]]
                for query, near in zip(tied_queries, self._above(vectors[tied_queries], floors, allowed), strict=True):
                    hits[query] = self._ranked(vectors[query], near, k)
                break
            left, exact = left[starved | tied], exact or bool(starved.any())
            if tied.any():
                fetch = needed = breadth = min(total, fetch * 4)
        return hits

    def _above(
        self, vectors: "Vector", floors: "Vector", allowed: "NDArray[np.bool_] | None"
    ) -> "Iterator[NDArray[np.int64]]":
        """All places whose score reaches a query's floor: one product where faiss would keep long lists in order."""
        import numpy as np

        faiss = library()
        flat = faiss.rev_swig_ptr(self.index.get_xb(), self.index.ntotal * self.index.d).reshape(-1, self.index.d)
        at_once = max(1, SCORE_BATCH // self.index.ntotal)
        for start in range(0, len(vectors), at_once):
            inside = slice(start, start + at_once)
            reached = self.measure.compared(vectors[inside], flat) >= floors[inside, None]
            if allowed is not None:
                reached &= allowed
            yield from map(np.flatnonzero, reached)

    def _query(
        self, vectors: "Vector", fetch: int, allowed: Any, exact: bool, breadth: int
    ) -> "tuple[Vector, NDArray[np.int64]]":
        import numpy as np

        faiss = library()
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        chosen = {} if bits is None else {"sel": faiss.IDSelectorBitmap(bits)}
        if self.kind == "exact" or (self.kind == "hnsw" and exact):
            index = self.index if self.kind == "exact" else faiss.downcast_index(self.index.storage)
            params = faiss.SearchParameters(**chosen) if chosen else None
        elif self.kind == "hnsw":
            index, params = self.index, faiss.SearchParametersHNSW(efSearch=breadth, **chosen)
        else:
            probes = self.index.nlist if exact else min(self.effort, self.index.nlist)
            index, params = self.index, faiss.SearchParametersIVF(nprobe=probes, **chosen)
        if self.gpu is not None and not chosen and (self.kind == "exact" or not exact):
            index, params = self.gpu, None
        scores, places = index.search(vectors, fetch, params=params)
        return self.measure.read(scores), places

    def _ranked(self, query: "Vector", places: "NDArray[np.int64]", k: int) -> list[Hit]:
        """Scores summed in one order whatever the batch, so that equal vectors score equally."""
        places = places[places >= 0]
        vectors = self.index.reconstruct_batch(places)
        return best_hits(places, self.measure.scores(query, vectors), k)


def _longest(index: Any) -> float:
    """The length of the longest vector."""
    import numpy as np

    starts = range(0, index.ntotal, CHUNK)
    pieces = (index.reconstruct_n(start, min(CHUNK, index.ntotal - start)) for start in starts)
    return max((float(np.linalg.norm(piece, axis=1).max()) for piece in pieces), default=1.0)


def refuse_other_dimension(queries: "Vector", dimension: int) -> None:
    """Raise StoreError for vectors of queries that are not of the model of the passages' vectors."""
    if queries.shape[1] != dimension:
        raise StoreError(
            f"the query has {queries.shape[1]} dimensions, the index {dimension}: vectors in the cache are "
            "damaged; delete vectors.sqlite there"
        )


def _on_gpu(index: Any, kind: Method, effort: int) -> Any:
    """A copy on the first GPU, for searches without a filter; None where faiss has no GPU, or no HNSW on it.

    Its speed has not been measured.
    """
    faiss = library()
    if kind == "hnsw" or not getattr(faiss, "get_num_gpus", int)():
        return None
    if kind == "ivf":
        index.nprobe = effort
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)
