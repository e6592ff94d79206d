"""The vectors in a server's reply, read with care: as many as there are texts, of one length, of finite numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import ModelError, NotFiniteError
from harness.records.inputs import JSON
from harness.text.inert import inert_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.components.model import Vector

LATIN, CJK = 12, 4  # characters of a token at most, on the average of a text
HUGE = 1e300  # whole numbers of JSON have no end
EXCERPT = 60  # characters shown of a text


@dataclass(frozen=True)
class EmbeddingReply:
    """What a server gave for some texts."""

    vectors: Sequence[JSON]  # in the order of the texts
    tokens: int | None = None  # of all texts together, where it counts them


def in_order(entries: JSON) -> list[JSON]:
    """The vectors of OpenAI's `data` in the order that `index` gives; without any, as they stand. Raises ModelError."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ModelError("the reply has no list of vectors (data[…].embedding)")
    places = [entry.get("index") for entry in entries]
    if all(place is None for place in places):
        return [entry.get("embedding") for entry in entries]
    if sorted(place for place in places if isinstance(place, int)) != list(range(len(entries))):
        raise ModelError(f"the reply does not say which vector is of which text: its indices are {places[:20]}")
    by_place = {place: entry.get("embedding") for place, entry in zip(places, entries, strict=True)}
    return [by_place[place] for place in range(len(entries))]


def vectors_of(reply: EmbeddingReply, texts: Sequence[str], dimension: int | None) -> "Vector":
    """The vectors, shape (texts, dimensions). Raises ModelError, NotFiniteError for a number that is none.

    `dimension`: the length of the vectors that came before.
    """
    import numpy as np

    if len(reply.vectors) != len(texts):
        raise ModelError(f"the server gave {len(reply.vectors)} vectors for {len(texts)} texts")
    rows = []
    for vector, text in zip(reply.vectors, texts, strict=True):
        numbers = _numbers(vector, text)
        dimension = dimension or len(numbers)
        if len(numbers) != dimension:
            raise ModelError(
                f"the server gave a vector of {len(numbers)} numbers, {dimension} for others, for {excerpt_of(text)}"
            )
        rows.append(numbers)
    _refuse_cut(reply.tokens, texts)
    exact = np.array(rows, dtype=np.float64)
    _refuse_not_finite(exact, texts, "NaN or infinity among the numbers")
    with np.errstate(over="ignore"):
        vectors: Vector = exact.astype(np.float32)
    _refuse_not_finite(vectors, texts, "a number that is too large")
    return vectors


def _numbers(vector: JSON, text: str) -> list[float]:
    if isinstance(vector, str):
        raise ModelError("the server gave vectors encoded as text (base64), though numbers were asked for")
    if not isinstance(vector, list) or not vector:
        raise ModelError(f"the server gave no list of numbers for {excerpt_of(text)}")
    types = set(map(type, vector))
    if types == {float}:
        return vector
    if types <= {int, float}:
        return [number if abs(number) < HUGE else math.inf for number in vector]
    stranger = next(number for number in vector if type(number) not in (int, float))
    if stranger is None:  # how some servers write NaN
        raise NotFiniteError(f"the server gave null among the numbers for {excerpt_of(text)}")
    raise ModelError(f"the server gave {str(stranger)[:20]!r} among the numbers for {excerpt_of(text)}")


def _refuse_not_finite(vectors: "NDArray[Any]", texts: Sequence[str], problem: str) -> None:
    import numpy as np

    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise NotFiniteError(f"the server gave {problem} for {excerpt_of(texts[int(finite.argmin())])}")


def _refuse_cut(tokens: int | None, texts: Sequence[str]) -> None:
    """Raise ModelError where the server read fewer tokens than the texts can have."""
    least = sum(_least_tokens(text) for text in texts)
    if tokens and tokens < least:
        longest = max(texts, key=len)
        raise ModelError(
            f"the server read {tokens} tokens of texts that have at least {least}: it cuts long texts in silence; "
            f"the longest, of {len(longest):,} characters, is {excerpt_of(longest)}"
        )


def _least_tokens(text: str) -> int:
    """Letters and digits only: a tokenizer may write a long line of dashes as one token."""
    signs = [sign for sign in text if sign.isalnum()]
    cjk = sum("\u2e80" <= sign <= "\u9fff" for sign in signs)
    return cjk // CJK + (len(signs) - cjk) // LATIN


def excerpt_of(text: str) -> str:
    """The beginning of a text for a message."""
    line = inert_line(text)
    return f"“{line[:EXCERPT]}…”" if len(line) > EXCERPT else f"“{line}”"
