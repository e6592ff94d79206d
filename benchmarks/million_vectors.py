"""An HNSW graph over a million synthetic vectors: build time, peak memory, recall against exact search.

python benchmarks/million_vectors.py [--vectors N]
"""

import argparse
import os
import resource
import time
from collections.abc import Sequence
from typing import Any

from baselines.retrievers.dense import Dense


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    million(parser.parse_args().vectors)


def million(count: int, dimension: int = 384, queries: int = 1000) -> None:
    """Through Dense itself, with a context that makes the vectors of a slice when they are asked for."""
    import faiss
    import numpy as np

    faiss.omp_set_num_threads(2)
    for label, rank in (("low rank", 48), ("isotropic", dimension)):
        settings = Dense(model="synthetic", method="hnsw")
        made = Synthetic(count, dimension, rank)
        began = time.perf_counter()
        index = settings._build(range(count), dimension, made)
        built = time.perf_counter() - began
        print(f"{label}: {count} × {dimension} built in {built:.0f} s (m {settings.m}, ef_construction "
              f"{settings.ef_construction}), peak memory {_peak():.1f} GB", flush=True)  # fmt: skip
        asked = made.vectors(np.arange(count, count + queries))
        flat = faiss.downcast_index(index.storage)
        exact = flat.search(asked, 10)[1]
        for effort in (64, 128, 256, 512):
            parameters = faiss.SearchParametersHNSW(efSearch=effort)
            began = time.perf_counter()
            found = index.search(asked, 10, params=parameters)[1]
            seconds = time.perf_counter() - began
            recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), exact.tolist(), strict=True)])
            print(f"  ef_search {effort}: recall@10 {recall:.3f}, {queries / seconds:.0f} queries/s", flush=True)
        print(f"  peak memory {_peak():.1f} GB", flush=True)


class Synthetic:
    """Vectors from a mixture of Gaussians in a subspace of `rank` dimensions, with a little noise outside it.

    Embeddings of texts are like that: a few dozen directions carry them, and topics make clusters. `rank` equal to the
    dimension and no clusters is the hardest case, and no text embedding.
    """

    def __init__(self, count: int, dimension: int, rank: int) -> None:
        import numpy as np

        random = np.random.default_rng(0)
        self.dimension = dimension
        self.clusters = 1 if rank == dimension else max(1, count // 500)
        self.basis = random.standard_normal((rank, dimension)).astype(np.float32) / np.sqrt(np.float32(rank))
        self.centres = random.standard_normal((self.clusters, rank)).astype(np.float32) * (self.clusters > 1)
        self.rank = rank

    def embed(self, model: str, places: Sequence[int], use: str) -> Any:
        import numpy as np

        return self.vectors(np.asarray(places))

    def vectors(self, places: Any) -> Any:
        import numpy as np

        random = np.random.default_rng(int(places[0]) + 1)
        inner = random.standard_normal((len(places), self.rank)).astype(np.float32)
        inner += self.centres[random.integers(self.clusters, size=len(places))]
        noise = random.standard_normal((len(places), self.dimension)).astype(np.float32) * np.float32(0.05)
        found = inner @ self.basis + noise
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
