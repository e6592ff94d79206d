"""Server-sent events as servers write them (HTML standard, section 9.2), read by bytes, however they were cut."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BEGINNINGS = (b"data:", b"event:", b": ", b":\n", b"id:", b"retry:")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """What one event says; several lines of data stay apart, because some servers leave out the blank line between."""

    data: tuple[str, ...]
    name: str = ""


def begins_as_events(body: bytes) -> bool:
    """Whether a body is a stream of events, whatever its server calls it."""
    return body.lstrip().startswith(_BEGINNINGS)


def events_of(chunks: Iterable[bytes]) -> Iterator[ServerEvent]:
    """The events of a body that comes in chunks of any size; comments are left out, e.g. those that keep it alive.

    What the body ends with stands as an event, too: whether it is whole is for its reader to say.
    """
    data: list[str] = []
    name = ""
    for line in _lines(chunks):
        field, _, content = line.partition(b":")
        text = content.removeprefix(b" ").decode("utf-8", "replace")
        if not line:
            if data:
                yield ServerEvent(tuple(data), name)
            data, name = [], ""
        elif field == b"event":
            name = text
        elif field in (b"data", b"error"):  # the latter of older llama.cpp
            data.append(text)
            name = "error" if field == b"error" else name
    if data:
        yield ServerEvent(tuple(data), name)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of all chunks; they end by \\n, \\r\\n or \\r, and the last one may be cut."""
    pieces: list[bytes] = []
    is_first, ends_in_return = True, False
    for part in filter(None, chunks):
        chunk = part.removeprefix(b"\n") if ends_in_return else part
        chunk = chunk.removeprefix(b"\xef\xbb\xbf") if is_first else chunk
        is_first, ends_in_return = False, chunk.endswith(b"\r")
        *lines, rest = _LINE_END.split(chunk)
        for line in lines:
            yield b"".join((*pieces, line))
            pieces = []
        pieces.append(rest)
    if last := b"".join(pieces):
        yield last
