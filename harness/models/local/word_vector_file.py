"""Words and their vectors from a text file, as word2vec and GloVe write them: a line a word, numbers behind it."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORM = "a text file of word2vec or GloVe has a line a word: the word and its numbers, with one space between"


@dataclass(frozen=True)
class WordTable:
    """The words of a file, the first of equal ones, and their vectors, shape (words, dimensions)."""

    words: list[str]
    vectors: "NDArray[np.float32]"


def read_word_vectors(file: Path, limit: int | None = None) -> WordTable:
    """The first `limit` words of a file, or all. A first line of two numbers says how many words and dimensions follow.

    A word may hold spaces, as in some files of GloVe. Raises ModelError, one line, for anything else.
    """
    import numpy as np

    lines = _lines(file)
    first = next(lines, "")
    stated = [int(part) for part in first.split(" ")] if _is_header(first) else []
    size = stated[1] if stated else len(first.split(" ")) - 1
    rows: dict[str, NDArray[np.float32]] = {}
    count = 0
    for number, line in enumerate(lines if stated else _chain(first, lines), start=1 + bool(stated)):
        if limit is not None and len(rows) == limit:
            break
        fields = line.rsplit(" ", size) if size > 0 else []
        if len(fields) != size + 1 or not fields[0]:
            raise ModelError(f"{file}: line {number} is not a word and {max(size, 1)} numbers; {FORM}")
        count += 1
        rows.setdefault(fields[0], _vector(fields[1:], f"{file}: line {number}"))
    if not rows:
        raise ModelError(f"{file}: it holds no word; {FORM}")
    if stated and limit is None and count != stated[0]:
        raise ModelError(f"{file}: it holds {count} words, and its first line says {stated[0]}; get the whole file")
    return WordTable(list(rows), np.stack(list(rows.values())))


def _vector(numbers: list[str], place: str) -> "NDArray[np.float32]":
    import numpy as np

    try:
        vector = np.array(numbers, dtype=np.float32)
    except ValueError as error:
        raise ModelError(f"{place} holds something that is no number; {FORM}") from error
    if not np.isfinite(vector).all():
        raise ModelError(f"{place} holds a number that is not finite; correct it or leave the word out")
    return vector


def _is_header(line: str) -> bool:
    return len(parts := line.split(" ")) == 2 and all(part.isascii() and part.isdigit() for part in parts)


def _chain(first: str, lines: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from lines


def _lines(file: Path) -> Iterator[str]:
    """The lines without the white space at their ends; a .gz is unpacked on the way."""
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8") as stream:
            for line in stream:
                yield line.rstrip()
    except UnicodeDecodeError as error:
        raise ModelError(f"{file} is no text in UTF-8 (a binary file of word2vec is not read); {FORM}") from error
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(f"{file} cannot be read: {reason}; name {FORM}") from error
