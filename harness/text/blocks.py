"""Items that are too many to be held at once: some at a time, and others put between them."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def blocks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in their order, at most `size` together."""
    left = iter(items)
    while block := list(islice(left, size)):
        yield block


def inserted(items: Iterable[T], additions: Iterable[tuple[int, Iterable[T]]]) -> Iterator[T]:
    """The items with the additions, each behind so many of the items; the numbers ascend."""
    left, passed = iter(items), 0
    for before, added in additions:
        yield from islice(left, before - passed)
        passed = before
        yield from added
    yield from left
