"""English words without their endings, so that an invoice is found by invoices."""

from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The word without its English ending (Porter 1980, with the exceptions of NLTK)."""
    return _porter()(word)


@lru_cache(maxsize=1)
def _porter() -> Callable[[str], str]:
    from nltk.stem.porter import PorterStemmer

    stemmer: Callable[[str], str] = PorterStemmer().stem
    return stemmer
