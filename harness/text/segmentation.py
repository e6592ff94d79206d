"""Where a text may be cut into tokens: at the ends of its lines, and between words, which for Chinese jieba tells."""

import logging
import warnings
from functools import lru_cache
from typing import Any

from harness.text.normalise import fast_normalise


@lru_cache(maxsize=1)
def segmenter() -> Any:
    """The module. Version 0.42.1 warns of its own regular expressions and of pkg_resources."""
    with warnings.catch_warnings():
        for category in (SyntaxWarning, DeprecationWarning, UserWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)
        import jieba

        jieba.setLogLevel(logging.WARNING)
        jieba.initialize()
    return jieba


def comparable_lines(text: str) -> list[str]:
    """The lines of a text, each after `normalise`, without blank ones.

    `normalise` takes a line break between Chinese characters for nothing, so that what ends a line and what begins the
    next would make words that the text does not have.
    """
    return [line for line in map(fast_normalise, text.splitlines()) if line]
