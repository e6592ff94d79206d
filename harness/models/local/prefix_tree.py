"""Which common beginnings of rows of tokens are worth computing once, and batches that keep such rows together.

A row is its token ids as big-endian bytes (`row_key`): rows that begin alike stand together when they are sorted.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

WIDTH = 4  # bytes a token
LEAST_LENGTH = 16  # tokens: what is shorter does not repay a forward of its own
LEAST_SAVING = 64  # tokens that all rows together need not compute again


@dataclass(frozen=True)
class PrefixTree:
    """Common beginnings of rows, each below the longest other one that it begins with. Sorted: parents come first."""

    prefixes: tuple[bytes, ...] = ()
    parents: tuple[int, ...] = ()  # places in `prefixes`; -1 where there is none

    def chain(self, row: bytes) -> tuple[int, ...]:
        """The places of all prefixes that a row begins with, shortest first."""
        place = bisect_right(self.prefixes, row) - 1
        while place >= 0 and not row.startswith(self.prefixes[place]):
            place = self.parents[place]
        places: list[int] = []
        while place >= 0:
            places.append(place)
            place = self.parents[place]
        return tuple(reversed(places))

    def length(self, place: int) -> int:
        """Tokens of a prefix; 0 of that which all rows begin with, whose place is -1."""
        return len(self.prefixes[place]) // WIDTH if place >= 0 else 0

    def own_length(self, place: int) -> int:
        """Tokens of a prefix behind the one above it."""
        return self.length(place) - self.length(self.parents[place])

    def extended(self, rows: Sequence[bytes]) -> "PrefixTree":
        """The prefixes of this tree that some of the rows begin with, and what else these rows share."""
        required = {self.prefixes[place] for row in rows for place in self.chain(row)}
        return _chosen(rows, required)


def row_key(tokens: Sequence[int]) -> bytes:
    """Token ids as bytes that sort as the ids do."""
    import numpy as np

    return np.asarray(tokens, dtype=f">i{WIDTH}").tobytes()


def worthwhile_prefixes(rows: Iterable[bytes]) -> PrefixTree:
    """The beginnings that some of the rows share and that save enough; equal rows count once."""
    return _chosen(sorted(set(rows)), set())


def grouped_batches(rows: Sequence[bytes], tree: PrefixTree, size: int) -> list[list[int]]:
    """Indices of rows in batches of at most `size`, each of rows with a common prefix where they are enough.

    Rows under one prefix that are more than half a batch have batches of their own, of equal size; fewer are required
    together beside others. Within a prefix longest first, so that padding is small and memory fails early.
    """
    below: dict[int, list[int]] = {}  # place of a prefix → rows of which it is the longest
    children: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        below.setdefault((-1, *tree.chain(row))[-1], []).append(index)
    for place, parent in enumerate(tree.parents):
        children.setdefault(parent, []).append(place)

    def members(place: int) -> list[int]:
        return [*below.get(place, ()), *(index for child in children.get(place, ()) for index in members(child))]

    def divide(place: int) -> Iterator[list[int]]:
        groups = {child: members(child) for child in children.get(place, ())}
        large = [child for child, group in groups.items() if len(group) > size // 2]
        for child in sorted(large, key=lambda own: -max(len(rows[index]) for index in groups[own])):
            yield from divide(child)
        units = [group for child, group in groups.items() if child not in large]
        equal: dict[bytes, list[int]] = {}
        for index in below.get(place, ()):
            equal.setdefault(rows[index], []).append(index)
        yield from _packed([*units, *equal.values()], rows, size)

    return list(divide(-1))


def _packed(units: Sequence[Sequence[int]], rows: Sequence[bytes], size: int) -> Iterator[list[int]]:
    """Units of rows, longest first, in as few batches of at most `size`, about equal in number."""
    total = sum(map(len, units))
    target = -(-total // max(1, -(-total // size)))
    batch: list[int] = []
    for unit in sorted(units, key=lambda own: (-max(len(rows[index]) for index in own), own[0])):
        ordered = sorted(unit, key=lambda index: (-len(rows[index]), index))
        if batch and (len(batch) >= target or len(batch) + len(ordered) > size):
            yield batch
            batch = []
        batch += ordered
        while len(batch) > size:
            yield batch[:size]
            batch = batch[size:]
    if batch:
        yield batch


def _chosen(rows: Sequence[bytes], required: set[bytes]) -> PrefixTree:
    """The tree of the prefixes required and of others that save enough beyond the prefix above them."""
    counts = dict(_shared(sorted(rows)))
    prefixes: list[bytes] = []
    parents: list[int] = []
    above: list[int] = []
    for prefix in sorted({*counts, *required}):
        while above and not prefix.startswith(prefixes[above[-1]]):
            above.pop()
        length = (len(prefix) - (len(prefixes[above[-1]]) if above else 0)) // WIDTH
        saving = (counts.get(prefix, 1) - 1) * length
        if prefix in required or (length >= LEAST_LENGTH and saving >= LEAST_SAVING):
            parents.append(above[-1] if above else -1)
            above.append(len(prefixes))
            prefixes.append(prefix)
    return PrefixTree(tuple(prefixes), tuple(parents))


def _shared(rows: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """Each longest common beginning of two or more of the sorted rows, and how many begin with it.

    The intervals of equal common prefixes (Abouelhoda, Kurtz & Ohlebusch 2004, algorithm 4.1), by a stack.
    """
    stack: list[tuple[int, int]] = []  # (length in bytes, first row)
    for place in range(1, len(rows) + 1):
        common = _common(rows[place - 1], rows[place]) if place < len(rows) else 0
        first = place - 1
        while stack and stack[-1][0] > common:
            length, first = stack.pop()
            yield rows[first][:length], place - first
        if common and (not stack or stack[-1][0] < common):
            stack.append((common, first))


def _common(left: bytes, right: bytes) -> int:
    """Length of the common beginning in bytes, of whole tokens."""
    import numpy as np

    shorter = min(len(left), len(right))
    a, b = (np.frombuffer(row, dtype=np.uint32, count=shorter // WIDTH) for row in (left, right))
    different = np.flatnonzero(a != b)
    return WIDTH * int(different[0]) if len(different) else shorter
