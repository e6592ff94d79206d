"""Character n-grams and near pairs as numbers: those of a million passages are counted without a string for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines.retrievers.index.token_counts import TOKEN_BITS, places_in
from harness.text.segmentation import comparable_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 3  # characters of an n-gram that fit into a number
GAP = 1  # stands between the characters of a pair, as no text has it, and sorts before all characters


@dataclass(frozen=True)
class Characters:
    """The characters of texts after `normalise`, one after another, with the line and the text that each stands in."""

    code_points: "NDArray[np.uint32]"
    lines: "NDArray[np.int64]"
    texts: "NDArray[np.uint64]"

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Characters":
        """The characters of the texts' comparable lines."""
        import numpy as np

        lines = [comparable_lines(text) for text in texts]
        lengths = np.array([len(line) for own in lines for line in own], dtype=np.int64)
        joined = "".join(line for own in lines for line in own)
        owners = np.repeat(np.arange(len(lines), dtype=np.uint64), [len(own) for own in lines])
        return cls(
            np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32),
            np.repeat(np.arange(len(lengths)), lengths),
            np.repeat(owners, lengths),
        )


@dataclass(frozen=True)
class CharacterFeatures:
    """The n-grams from the shortest to the longest length, and the pairs up to so many places apart, as numbers.

    A feature is written in digits: the ranks of its characters in the alphabet, the mark of a pair between them. So
    numbers are ordered as the features are as texts.
    """

    alphabet: "NDArray[np.uint32]"  # ascending
    ngrams: tuple[int, int]
    pairs: int

    @property
    def fit_into_numbers(self) -> bool:
        """Whether each feature has a number of its own."""
        return self.ngrams[1] <= LONGEST and int(self._base) ** LONGEST <= 1 << TOKEN_BITS

    @property
    def _base(self) -> "np.uint64":
        import numpy as np

        return np.uint64(len(self.alphabet) + GAP + 1)  # 0: no character

    def numbers(self, characters: Characters) -> "tuple[NDArray[np.uint64], NDArray[np.uint64]]":
        """The number of each occurrence of a feature whose characters the alphabet has, and the text it stands in."""
        import numpy as np

        places, present = places_in(self.alphabet, characters.code_points)
        ranks = np.where(present, places + GAP + 1, 0).astype(np.uint64)
        numbers, texts = [], []
        for length in range(self.ngrams[0], self.ngrams[1] + 1):
            inside = self._inside(characters, present, length, length - 1)
            numbers.append(self._written([ranks[at : len(ranks) - length + 1 + at] for at in range(length)])[inside])
            texts.append(characters.texts[: len(inside)][inside])
        for distance in range(1, self.pairs + 1):
            inside = self._inside(characters, present, 2, distance)
            left, right = ranks[: len(inside)][inside], ranks[distance:][inside]
            gap = np.full(len(left), GAP, dtype=np.uint64)
            numbers.append(self._written([np.minimum(left, right), gap, np.maximum(left, right)]))
            texts.append(characters.texts[: len(inside)][inside])
        return np.concatenate(numbers), np.concatenate(texts)

    def _inside(
        self, characters: Characters, present: "NDArray[np.bool_]", count: int, distance: int
    ) -> "NDArray[np.bool_]":
        """Where a feature begins: `count` characters of the alphabet in one line, the last `distance` places on."""
        import numpy as np

        room = max(0, len(present) - distance)
        inside = characters.lines[:room] == characters.lines[distance:]
        for at in range(count):
            step = at * distance // max(1, count - 1)
            inside &= present[step : step + room]
        return np.asarray(inside)

    def _written(self, digits: "Sequence[NDArray[np.uint64]]") -> "NDArray[np.uint64]":
        """Digits as a number of LONGEST places."""
        import numpy as np

        number = np.zeros(len(digits[0]), dtype=np.uint64)
        for place in range(LONGEST):
            number *= self._base
            if place < len(digits):
                number += digits[place]
        return number


def string_features(lines: Sequence[str], ngrams: tuple[int, int], pairs: int) -> list[str]:
    """The same features as texts, with repetitions; a mark between its characters tells a pair from a bigram."""
    features: list[str] = []
    for line in lines:
        for length in range(ngrams[0], ngrams[1] + 1):
            features += [line[start : start + length] for start in range(len(line) - length + 1)]
        for distance in range(1, pairs + 1):
            neighbours = zip(line, line[distance:], strict=False)
            features += [f"{a}\0{b}" if a < b else f"{b}\0{a}" for a, b in neighbours]
    return features
