"""Stores answers as they come: each at once while they are slow, many together where storing would take the time."""

import time

from harness.records.outputs import Completion
from harness.runtime.cache import Cache

SHARE = 20  # storing takes at most one part of so many of the time
LONGEST = 1.0  # seconds that an answer waits at most behind the one before it


class AnswerSaver:
    """The answers of one batch of a model on their way to the cache. A killed process loses what waits, no more."""

    def __init__(self, cache: Cache, model: str) -> None:
        """`model` is the model's digest."""
        self._cache = cache
        self._model = model
        self._waiting: dict[str, Completion] = {}
        self._due = 0.0  # when the next answer is stored with all that wait

    def add(self, key: str, completion: Completion) -> None:
        """Keep an answer. Raises StoreError."""
        self._waiting[key] = completion
        if time.perf_counter() >= self._due:
            self.save()

    def save(self) -> None:
        """Store all that wait. Raises StoreError."""
        if self._waiting:
            began = time.perf_counter()
            self._cache.put(self._model, self._waiting)
            self._waiting = {}
            ended = time.perf_counter()
            self._due = ended + min(LONGEST, SHARE * (ended - began))
