"""Text as the tokens of a lexical index: Chinese by words or characters, Latin words and numbers whole."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

from harness.text.normalise import normalise
from harness.text.scripts import MARKS, UNSPACED
from harness.text.segmentation import segmenter

Unit = Literal["words", "bigrams", "characters"]

_RUN = re.compile(rf"(?P<unspaced>[{UNSPACED}]+)|(?:(?![{UNSPACED}])[^\W_][{MARKS}]*)+(?:\.\d+)*")


def tokenise(text: str, unit: Unit) -> list[str]:
    """The tokens of a text in their order, with repetitions; punctuation marks are not tokens.

    `words` cuts Chinese with jieba, long words also into the words inside them; `characters` takes each character,
    `bigrams` each character and each pair of neighbours.
    """
    cut = _CUTS[unit]
    tokens: list[str] = []
    for run in _RUN.finditer(normalise(text)):
        tokens += cut(run[0]) if run["unspaced"] else [run[0]]
    return tokens


def _bigrams(run: str) -> list[str]:
    return [*run, *map("".join, pairwise(run))]


def _words(run: str) -> list[str]:
    words: list[str] = segmenter().lcut_for_search(run)
    return words


_CUTS: dict[Unit, Callable[[str], list[str]]] = {"words": _words, "bigrams": _bigrams, "characters": list}
