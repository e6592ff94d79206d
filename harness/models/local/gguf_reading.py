"""A .gguf parsed once, where transformers parses it anew for configuration, tokenizer and weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

PARSED = ("GGUFReader", "get_tensor_name_map")  # the header with its vocabulary, and the names of an architecture


@contextmanager
def parsed_once() -> Iterator[None]:
    """Inside the block the package gguf gives what it has parsed of a file before: half of a conversion is that.

    transformers (5.20 to 5.24) takes both names from the package at each call, changes nothing in a reader, and asks
    for the map of names again for every module of the network.
    """
    import gguf

    own = {name: getattr(gguf, name) for name in PARSED}
    try:
        for name, function in own.items():
            setattr(gguf, name, lru_cache(maxsize=None)(function))
        yield
    finally:
        for name, function in own.items():
            setattr(gguf, name, function)
