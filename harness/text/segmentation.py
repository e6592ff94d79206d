"""jieba, the segmenter of Chinese words, loaded once and quietly."""

import logging
import warnings
from functools import lru_cache
from typing import Any


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
