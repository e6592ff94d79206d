"""Text as the tokens of a lexical index: Chinese by words or characters, Latin words and numbers whole."""

import logging
import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from harness.text import normalise

Tokens = Literal["words", "bigrams", "characters"]

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han and kana
_RUN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?:(?![{_UNSPACED}])[^\W_])+(?:\.\d+)*")


def tokenise(text: str, tokens: Tokens) -> list[str]:
    """The tokens of a text in their order, with repetitions; marks of punctuation are none.

    `words` cuts Chinese with jieba, long words also into the words inside them; `characters` takes each character,
    `bigrams` each character and each pair of neighbours.
    """
    cut = _CUTS[tokens]
    found: list[str] = []
    for run in _RUN.finditer(normalise(text)):
        found += cut(run[0]) if run["unspaced"] else [run[0]]
    return found


def _bigrams(run: str) -> list[str]:
    return [*run, *map("".join, pairwise(run))]


def _words(run: str) -> list[str]:
    return _jieba()(run)


@lru_cache(maxsize=1)
def _jieba() -> Callable[[str], list[str]]:
    """jieba's cut for search engines. Version 0.42.1 warns of its own regular expressions and of pkg_resources."""
    with warnings.catch_warnings():
        for category in (SyntaxWarning, DeprecationWarning, UserWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)
        import jieba

        jieba.setLogLevel(logging.WARNING)
        jieba.initialize()
    cut: Callable[[str], list[str]] = jieba.lcut_for_search
    return cut


_CUTS: dict[Tokens, Callable[[str], list[str]]] = {"words": _words, "bigrams": _bigrams, "characters": list}
