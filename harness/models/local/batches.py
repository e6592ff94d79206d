"""Batches for models in this process: sorted by length, sized to fit, halved when memory runs out."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

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

    def run(
        self, batch: Sequence[int], call: Callable[[Sequence[int]], list[T]], free: Callable[[], None], failed: T
    ) -> list[T]:
        """The results of `call` in the batch's order; `failed` for an item that alone is too much."""
        if not batch:
            return []
        size = min(len(batch), self.limit or len(batch))
        if size < len(batch):
            parts = [batch[start : start + size] for start in range(0, len(batch), size)]
            return [result for part in parts for result in self.run(part, call, free, failed)]
        try:
            return call(batch)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        free()
        if len(batch) == 1:
            return [failed]
        self.limit = len(batch) // 2
        log.info("out of memory: batch size %d → %d", len(batch), self.limit)
        return self.run(batch, call, free, failed)


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch (any device) or Python says that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def fitting(config: Any, room: float, length: int, most: int) -> int:
    """A batch size for sequences of `length` tokens: what half of `room` bytes holds, a power of two up to `most`.

    Counted per item: keys and values of 2 bytes for every token and layer, activations, and one row of logits.
    """
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    per_item = length * (4 * config.num_hidden_layers * heads * size + 16 * config.hidden_size) + 8 * config.vocab_size
    return max(1, min(most, 1 << max(0, int(max(0.0, room) / 2 / per_item).bit_length() - 1)))
