"""BM25 in its common forms. Robertson and Zaragoza 2009, section 3; Kamphuis and others 2020, table 1."""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from baselines.retrievers.index.posting_lists import PostingLists
from baselines.retrievers.index.token_counts import BLOCK, TokenCounts, Vocabulary, count_tokens, weighted_lists

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Form = Literal["lucene", "robertson", "atire"]
Tokenise = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Bm25:
    """The weight of a token in a document is its idf × the part of its count there."""

    form: Form
    k1: float
    b: float

    def idf(self, frequency: int, size: int) -> float:
        """Of a token that `frequency` of `size` documents have; never below 0."""
        if self.form == "atire":
            return math.log(size / frequency)
        odds = (size - frequency + 0.5) / (frequency + 0.5)
        return math.log(1 + odds) if self.form == "lucene" else math.log(max(odds, 1))

    def part(self, counts: "NDArray[np.float32]", lengths: "NDArray[np.float64]", mean: float) -> "NDArray[np.float64]":
        """Of counts in documents of these lengths. Shape (counts,)."""
        saturation: NDArray[np.float64] = self.k1 * ((1 - self.b) + self.b * lengths / mean)
        raised = counts * (self.k1 + 1) if self.form == "atire" else counts
        return raised / (saturation + counts)

    def lists(self, texts: Sequence[str], tokenise: Tokenise) -> tuple[PostingLists, dict[str, int]]:
        """The weights of the tokens of texts, and the number of each token in them."""
        import numpy as np

        numbers: dict[str, int] = {}
        blocks, lengths = [], []
        for start in range(0, max(1, len(texts)), BLOCK):
            block, own = _counted(texts[start : start + BLOCK], tokenise, numbers)
            blocks.append(block)
            lengths.append(own.astype(np.float64))
        vocabulary = Vocabulary.of(blocks)
        mean = float(np.concatenate(lengths).mean()) if texts else 0.0
        distinct, places = np.unique(vocabulary.frequencies, return_inverse=True)
        idf = np.array([self.idf(int(frequency), len(texts)) for frequency in distinct], dtype=np.float32)[places]

        def weigh(block: TokenCounts, places: Any, number: int) -> Any:
            counts = block.counts.astype(np.float32)
            parts = self.part(counts, lengths[number][block.documents], mean)
            return (np.repeat(idf[places], block.frequencies) * parts).astype(np.float32)

        return weighted_lists(blocks, vocabulary, weigh, len(texts)), numbers


def _counted(
    texts: Iterable[str], tokenise: Tokenise, numbers: dict[str, int]
) -> "tuple[TokenCounts, NDArray[np.int64]]":
    """The counts of a block of texts, and how many tokens each has. New tokens get the next numbers."""
    import numpy as np

    occurrences, lengths = array("Q"), []
    for text in texts:
        tokens = tokenise(text)
        lengths.append(len(tokens))
        occurrences.extend([numbers.setdefault(token, len(numbers)) for token in tokens])
    documents = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
    return count_tokens(np.array(occurrences, dtype=np.uint64), documents), np.array(lengths, dtype=np.int64)
