"""How often tokens stand in documents, counted block by block: no object a token, and never all occurrences at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baselines.retrievers.index.posting_lists import PostingLists

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DOCUMENT_BITS = 15
BLOCK = 1 << DOCUMENT_BITS  # documents counted at a time: an occurrence is a token and a document in 64 bits
TOKEN_BITS = 64 - DOCUMENT_BITS


@dataclass(frozen=True, kw_only=True)
class TokenCounts:
    """The tokens of a block of documents, ascending, and for each its documents, ascending, with its counts there."""

    tokens: "NDArray[np.uint64]"  # distinct
    starts: "NDArray[np.int64]"  # where each token's documents begin, shape (tokens + 1,)
    documents: "NDArray[np.uint16]"  # numbers within the block
    counts: "NDArray[Any]"  # of the smallest type of integers that holds them

    @property
    def frequencies(self) -> "NDArray[np.int64]":
        """How many documents of the block have each token."""
        import numpy as np

        return np.diff(self.starts)


Weigh = Callable[[TokenCounts, "NDArray[np.int64]", int], "NDArray[np.float32]"]
"""Counts of a block, the places of its tokens in the vocabulary, its number → a weight for each count."""


def count_tokens(tokens: "NDArray[np.uint64]", documents: "NDArray[np.uint64]") -> TokenCounts:
    """Count occurrences: a token below 2^TOKEN_BITS, and the document of the block in which it stands."""
    import numpy as np

    occurrences = np.sort((tokens << np.uint64(DOCUMENT_BITS)) | documents)
    first = np.flatnonzero(_changes(occurrences))
    counts = np.diff(first, append=len(occurrences))
    distinct = occurrences[first]
    owners = distinct >> np.uint64(DOCUMENT_BITS)
    starts = np.flatnonzero(_changes(owners))
    return TokenCounts(
        tokens=owners[starts],
        starts=np.append(starts, len(owners)),
        documents=(distinct & np.uint64(BLOCK - 1)).astype(np.uint16),
        counts=counts.astype(np.min_scalar_type(int(counts.max(initial=0)))),
    )


def _changes(values: "NDArray[np.uint64]") -> "NDArray[np.bool_]":
    """Which of ascending values differ from the one before."""
    import numpy as np

    changes = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


@dataclass(frozen=True)
class Vocabulary:
    """All tokens of an index, ascending, and in how many documents each stands."""

    tokens: "NDArray[np.uint64]"
    frequencies: "NDArray[np.int64]"

    @classmethod
    def of(cls, blocks: Sequence[TokenCounts]) -> "Vocabulary":
        """The tokens of all blocks."""
        import numpy as np

        tokens = np.concatenate([block.tokens for block in blocks])
        order = np.argsort(tokens, kind="stable")
        tokens = tokens[order]
        first = np.flatnonzero(_changes(tokens))
        frequencies = np.concatenate([block.frequencies for block in blocks])[order]
        return cls(tokens[first], np.add.reduceat(frequencies, first) if len(first) else frequencies)


def places_in(vocabulary: "NDArray[Any]", tokens: "NDArray[Any]") -> "tuple[NDArray[np.int64], NDArray[np.bool_]]":
    """For each token its place among ascending ones, and whether it is there; else its place has no meaning."""
    import numpy as np

    if not len(vocabulary):
        return np.zeros(len(tokens), dtype=np.int64), np.zeros(len(tokens), dtype=bool)
    places = np.searchsorted(vocabulary, tokens)
    places[places == len(vocabulary)] = 0
    return places, vocabulary[places] == tokens


def weighted_lists(blocks: list[TokenCounts], vocabulary: Vocabulary, weigh: Weigh, size: int) -> PostingLists:
    """The postings of an index of `size` documents. Blocks are taken out of the list and freed one after the other."""
    import numpy as np

    starts = np.concatenate([[0], np.cumsum(vocabulary.frequencies)]).astype(np.int64)
    documents = np.empty(int(starts[-1]), dtype=np.int32)
    weights = np.empty(int(starts[-1]), dtype=np.float32)
    free = starts[:-1].copy()  # where the next document of each token goes
    blocks.reverse()
    for number in range(len(blocks)):
        block = blocks.pop()
        places, _ = places_in(vocabulary.tokens, block.tokens)
        lengths = block.frequencies
        targets = np.repeat(free[places] - block.starts[:-1], lengths)
        targets += np.arange(len(targets))
        documents[targets] = block.documents + np.int32(number * BLOCK)
        weights[targets] = weigh(block, places, number)
        free[places] += lengths
    return PostingLists(starts=starts, documents=documents, weights=weights, size=size)
