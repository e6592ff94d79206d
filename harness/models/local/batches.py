"""Batches for models in this process: alike and of similar length, sized to fit, halved when memory runs out."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from harness.models.local.memory import BYTES, cache, passing

log = logging.getLogger("harness")
T = TypeVar("T")
ALIKE = 0.5  # of the shorter of two prompts, to be asked in one batch for what they begin with alike


def token_batches(rows: Sequence[list[int]], fitting: Callable[[int], int]) -> list[list[int]]:
    """Indices of rows of token ids in batches of as many as fit beside the longest of them, the longest first.

    Rows that begin alike stand together, so that padding is small, memory fails early, and prefixes are shared.
    """
    groups = sorted(_groups_alike(rows), key=lambda group: (-len(rows[group[0]]), group[0]))
    size = lru_cache(maxsize=None)(fitting)
    batches: list[list[int]] = []
    longest = 0
    for index in chain.from_iterable(groups):
        longest = max(longest, len(rows[index]))
        if not batches or len(batches[-1]) >= size(longest):
            batches.append([])
            longest = len(rows[index])
        batches[-1].append(index)
    return batches


def _groups_alike(rows: Sequence[list[int]]) -> list[list[int]]:
    """Indices of rows, with neighbours in the order of their tokens that begin alike in one group, longest first."""
    groups: list[list[int]] = []
    for index in sorted(range(len(rows)), key=rows.__getitem__):
        before = rows[groups[-1][-1]] if groups else []
        shorter = min(len(before), len(rows[index]))
        if not groups or not shorter or common_length(before, rows[index]) < ALIKE * shorter:
            groups.append([])
        groups[-1].append(index)
    return [sorted(group, key=lambda i: (-len(rows[i]), i)) for group in groups]


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two rows begin with alike."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if first[low:middle] == second[low:middle] else (low, middle - 1)
    return low


class Halving:
    """Runs a batch whole; when memory runs out, in halves, and remembers the size that went through."""

    def __init__(self) -> None:
        self.limit: int | None = None

    def each(
        self,
        batch: Sequence[int],
        call: Callable[[Sequence[int]], Iterable[tuple[int, T]]],
        free: Callable[[], None],
        failed: T,
    ) -> Iterator[tuple[int, T]]:
        """The results of `call`, which tells them by their place in its batch; `failed` of an item that is too much.

        What came before memory ran out is kept.
        """
        waiting = [list(batch)] if batch else []
        while waiting:
            part = waiting.pop(0)
            size = min(len(part), self.limit or len(part))
            if size < len(part):
                waiting[:0] = [part[start : start + size] for start in range(0, len(part), size)]
                continue
            left = dict.fromkeys(part)
            try:
                for place, result in call(part):
                    del left[part[place]]
                    yield part[place], result
                continue
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            free()
            if len(part) == 1:
                yield part[0], failed
                continue
            self.limit = len(part) // 2
            log.info("out of memory: batch size %d → %d", len(part), self.limit)
            waiting.insert(0, list(left))


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception of torch (any device) or Python says that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def rows_in_memory(config: Any, room: float, length: int, *, dtype: str, most: int) -> int:
    """How many rows of `length` tokens, reply included, half of `room` bytes holds: 1 to the most that pay.

    Counted a row: keys and values of every token and layer, what a layer holds at once, and its logits.
    """
    width = BYTES[dtype]
    row = cache(config, length, 1, width) + passing(config, length, width) + config.vocab_size * (width + 16)
    return max(1, min(most, int(max(0.0, room) / 2 / row)))
