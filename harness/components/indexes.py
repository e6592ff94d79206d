"""The indexes of a run: each is built once, whether a stage or the first variant that searches it asks for it."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.components.calls import Calls
from harness.components.fields import written
from harness.components.knowledge import Knowledge
from harness.components.retriever import Index, Retriever


@dataclass(frozen=True)
class IndexRequest:
    """An index over the passages of a knowledge base, in its first or second version."""

    knowledge: str
    retriever: Retriever
    updated: bool = False

    @property
    def key(self) -> str:
        """Equal for requests that one index serves."""
        return json.dumps([self.knowledge, self.updated, written(self.retriever)], sort_keys=True)


@dataclass(frozen=True)
class Indexes:
    """The knowledge bases of a suite, and the indexes that have been built over them."""

    knowledge: Mapping[str, Knowledge] = field(default_factory=dict)
    _built: dict[str, Index] = field(default_factory=dict, repr=False, compare=False)
    _locks: dict[str, threading.RLock] = field(default_factory=dict, repr=False, compare=False)

    def has(self, request: IndexRequest) -> bool:
        """Whether the index has been built."""
        return request.key in self._built

    def get(self, request: IndexRequest, calls: Calls) -> Index:
        """The index, built now if nobody has built it before. Its time counts towards retrieval.

        Of several threads that ask for it one builds, and the others wait.
        """
        with self._locks.setdefault(request.key, threading.RLock()):
            if request.key not in self._built:
                passages = self.knowledge[request.knowledge].passage_set(request.updated).passages
                with retrieval_timed(calls):
                    self._built[request.key] = request.retriever.index(passages, calls)
        return self._built[request.key]


@contextmanager
def retrieval_timed(calls: Calls) -> Iterator[None]:
    """Count the time towards the retrieval of the current cell."""
    began = time.perf_counter()
    try:
        yield
    finally:
        calls.counts.retrieval_seconds += time.perf_counter() - began
