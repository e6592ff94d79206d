"""Batches for models in this process: sorted by length, sized to fit, halved when memory runs out."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.errors import ModelError

log = logging.getLogger("harness")
T = TypeVar("T")


def by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Indices in batches of `size`, longest first, so that padding is small and memory fails early."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    return [order[start : start + size] for start in range(0, len(order), size)]


class Halving:
    """Runs a batch whole; when memory runs out, in halves, and remembers the size that went through."""

    def __init__(self) -> None:
        self.limit: int | None = None

    def run(self, batch: Sequence[int], call: Callable[[Sequence[int]], list[T]], free: Callable[[], None]) -> list[T]:
        """The results of `call` in the batch's order. Raises ModelError when one item alone is too much."""
        size = min(len(batch), self.limit or len(batch))
        if size < len(batch):
            parts = [batch[start : start + size] for start in range(0, len(batch), size)]
            return [result for part in parts for result in self.run(part, call, free)]
        try:
            return call(batch)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if len(batch) == 1:
                raise ModelError(
                    "out of memory with a batch of one; use a smaller model, dtype or max_tokens"
                ) from error
        free()
        self.limit = len(batch) // 2
        log.info("out of memory: batch size %d → %d", len(batch), self.limit)
        return self.run(batch, call, free)


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch (any device) or Python says that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text
