"""Text as the tokens of a lexical index: Chinese by words or characters, Latin words and numbers whole."""

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Literal

from harness.text.scripts import UNSPACED, marks
from harness.text.segmentation import comparable_lines, segmenter
from harness.text.stemming import stem

Unit = Literal["words", "bigrams", "characters"]

_ENGLISH = re.compile(r"[a-z]{4,}")  # shorter ones are abbreviations as often as words, and ACS is not AC


def tokenise(text: str, unit: Unit) -> list[str]:
    """The tokens of a text in their order, with repetitions; marks are not tokens, and none reaches over a line break.

    `words` cuts Chinese with jieba, long words also into the words inside them, and takes English words of four letters
    or more by their stems: an invoice is found by invoices. `characters` takes each character, `bigrams` each character
    and each pair of neighbours.
    """
    cut, runs = _CUTS[unit], _runs()
    tokens: list[str] = []
    for line in comparable_lines(text):
        for run in runs.finditer(line):
            if run["unspaced"]:
                tokens += cut(run[0])
            else:
                tokens.append(stem(run[0]) if unit == "words" and _ENGLISH.fullmatch(run[0]) else run[0])
    return tokens


@cache
def _runs() -> re.Pattern[str]:
    return re.compile(rf"(?P<unspaced>[{UNSPACED}]+)|(?:(?![{UNSPACED}])[^\W_][{marks()}]*)+(?:\.\d+)*")


def _bigrams(run: str) -> list[str]:
    return [*run, *map("".join, pairwise(run))]


def _words(run: str) -> list[str]:
    words: list[str] = segmenter().lcut_for_search(run)
    return words


_CUTS: dict[Unit, Callable[[str], list[str]]] = {"words": _words, "bigrams": _bigrams, "characters": list}
