"""What goes wrong with a reply of a stand-in server, in small things to be put together.

server.faults = [Fault(cut=in_a_character), Fault(status=503, headers={"Retry-After": "0"}), Fault(without=COUNTS)]
server.after(3, lambda: setattr(server, "version", "0.34.0"))    # the server is another one from the fourth reply on
server.after(3, server.vanish)                                   # gone, until server.come_back()
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.shared.engines import Body

RENDERING = "a rendering"  # where a fault waits for a request of Ollama's `_debug_render_only`
COUNTS = ("prompt_eval_count", "eval_count")
DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to go on.</body></html>"
STRANGE_VERSIONS = ("0.0.0", "0.33.0-rc2+x", None, "", "main", "v0.24.0", "99999999999999999999.1")


@dataclass(frozen=True)
class Fault:
    """How one reply goes wrong. What is not set stays right; several may be set together."""

    status: int | None = None  # instead of the answer; 307 sends the client here again
    slow: float = 0.0  # seconds before it
    half: bool = False  # only the first half of the body, well ended
    extra: Mapping[str, Any] = field(default_factory=dict)  # over the fields of the right reply's last part
    without: Sequence[str] = ()  # fields that the last part lacks
    undone: bool = False  # the last part of a stream never comes, and the stream ends well
    instead: Body | None = None  # this instead of the last part
    change: Callable[[Body], Body] | None = None  # of every part
    cut: Callable[[bytes], int] | None = None  # bytes after which the connection breaks
    drip: float = 0.0  # seconds between two bytes
    silent: float = 0.0  # seconds between the headers and the first byte
    stalls: float = 0.0  # seconds between the first part of a stream and the second
    hangs_up: bool = False  # the request is read, and the connection closed without a byte
    body: bytes | None = None  # sent instead of the right body
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    at: str | None = None  # the path it waits for, or RENDERING; None for what generates

    @property
    def is_of_bytes(self) -> bool:
        return self.half or self.cut is not None or self.body is not None or self.drip > 0

    def bend(self, parts: Iterable[Body]) -> Iterator[Body]:
        """The parts with the fault in the last of them."""
        before: Body | None = None
        for part in parts:
            if before is not None:
                yield before
            before = part if self.change is None else self.change(deepcopy(part))
        if before is not None and self.instead is not None:
            yield self.instead
        elif before is not None and not self.undone:
            yield {key: value for key, value in {**before, **self.extra}.items() if key not in self.without}


def in_a_part(content: bytes) -> int:
    """Where to cut a stream in the middle of its second part, or a single part in its middle."""
    lines = content.split(b"\n")
    return len(lines[0]) + 1 + len(lines[1]) // 2 if len(lines) > 2 else len(content) // 2


def in_a_character(content: bytes) -> int:
    """Where to cut inside the first character that takes more than a byte."""
    return next(at + 1 for at, (left, right) in enumerate(pairwise(content)) if left >= 0xC0 and right >= 0x80)


def html(status: int | None = None, at: str | None = None) -> Fault:
    """A page for people instead of the answer, as a proxy or a wrong address sends it."""
    return Fault(status=status, body=PAGE, content_type="text/html; charset=utf-8", at=at)


# -- changes of every part ------------------------------------------------------------------------------------------------


def dropping(*keys: str) -> Callable[[Any], Any]:
    """Leaves fields out, however deep they lie."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: change(inner) for key, inner in value.items() if key not in keys}
        return [change(inner) for inner in value] if isinstance(value, list) else value

    return change


def setting(**fields: Any) -> Callable[[Any], Any]:
    """Gives fields another value, wherever they stand."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fields[key] if key in fields else change(inner) for key, inner in value.items()}
        return [change(inner) for inner in value] if isinstance(value, list) else value

    return change


def fewer_alternatives(count: int) -> Callable[[Any], Any]:
    """`top_logprobs` are shorter than asked."""

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: inner[:count] if key == "top_logprobs" and isinstance(inner, list) else change(inner)
                for key, inner in value.items()
            }
        return [change(inner) for inner in value] if isinstance(value, list) else value

    return change


def vector_changed(index: int, change: Callable[[list[float]], list[Any]]) -> Callable[[Body], Body]:
    """The vector of one text is another one, in Ollama's form and in OpenAI's."""

    def changed(part: Body) -> Body:
        if "embeddings" in part and index < len(part["embeddings"]):
            part["embeddings"][index] = change(part["embeddings"][index])
        elif "data" in part and index < len(part["data"]):
            part["data"][index]["embedding"] = change(part["data"][index]["embedding"])
        return part

    return changed


def shorter(vector: list[float]) -> list[float]:
    return vector[:-1]


def with_nan(vector: list[float]) -> list[float]:
    """NaN among the numbers, as Python servers write it: not JSON, but read by Python."""
    return [math.nan, *vector[1:]]


def with_null(vector: list[float]) -> list[Any]:
    """NaN among the numbers, as llama.cpp writes it."""
    return [None, *vector[1:]]
