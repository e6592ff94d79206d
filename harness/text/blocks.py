"""What is too much to be held at once, some at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def blocks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in their order, at most `size` together."""
    left = iter(items)
    while block := list(islice(left, size)):
        yield block
