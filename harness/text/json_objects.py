"""The JSON object in a reply, wherever it stands: among prose, in a fence, with Chinese marks for ASCII ones."""

import json
import math
import re
import sys
from collections.abc import Collection, Iterator
from typing import NoReturn, cast

from harness.records.inputs import JSON

_STRAY_BRACES = 100  # each may take a scan to the end; beyond so many no object can be told from its surroundings
_TOKEN = {  # strings and braces; whether curly quotes are quotes
    True: re.compile(r'"(?:[^"\\]|\\.)*+"|“[^”]*+”|[{}]', re.DOTALL),
    False: re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}]', re.DOTALL),
}
_OPENING = {True: re.compile(r'\{\s*["“”}]'), False: re.compile(r'\{\s*["}]')}
_ASCII = {code + 0xFEE0: code for code in range(0x21, 0x7F)} | {ord("、"): ord(","), ord("\u3000"): ord(" ")}
_RELAXED = re.compile(r'("(?:[^"\\]|\\.)*+")|“([^”]*+)”|(.)', re.DOTALL)


class UnreadableError(Exception):
    """A reply says nothing certain. The message is shown to the judge when it is asked again."""


class DoubledKeyError(ValueError):
    """An object names a key twice, and which of its values is meant is not known."""


def is_object(text: str) -> bool:
    """Whether a text is one object from its first character to its last, well-formed inside or not."""
    return text.startswith("{") and _ends(text, 0, _TOKEN[True])[0] == len(text)


def last_object(body: str, keys: Collection[str]) -> dict[str, JSON] | None:
    """The last object that has one of the keys; None if there is no object.

    An object that is broken or cut off behind it makes the reply unreadable: it may have said something else.
    """
    last: dict[str, JSON] | UnreadableError | None = None
    any_object = False
    for start, span in _spans(body):
        if body[max(0, start - 100) : start].rstrip().endswith("["):
            raise UnreadableError("a list instead of one JSON object")
        any_object = True
        parsed = _parsed(span)
        last = parsed if isinstance(parsed, UnreadableError) else (parsed if parsed.keys() & set(keys) else last)
    if isinstance(last, UnreadableError):
        raise last
    if any_object and last is None:
        raise UnreadableError(f"the JSON object has no {' or '.join(keys)}")
    return last


def _spans(body: str) -> Iterator[tuple[int, str]]:
    """Where an object begins, and its text up to the brace that closes it or, if there is none, to the end."""
    for start, end in object_places(body, curly_quotes=True):
        if _OPENING[True].match(body, start):
            yield start, body[start:end]


def object_places(text: str, curly_quotes: bool = False) -> Iterator[tuple[int, int | None]]:
    """Where an object may begin and end: behind the one before, or inside it when it is prose that is never closed.

    The end is None for a brace that is never closed. If what it opens looks like an object, it is the last one: the
    inside of a broken answer does not count. Raises UnreadableError beyond _STRAY_BRACES.
    """
    ends: dict[int, int | None] = {}
    start, stray = text.find("{"), 0
    while start >= 0:
        if start not in ends:
            ends |= _ends(text, start, _TOKEN[curly_quotes])
            stray += ends[start] is None
        if stray > _STRAY_BRACES:
            raise UnreadableError("the reply is full of braces that are never closed")
        end = ends[start]
        yield start, end
        if end is None and _OPENING[curly_quotes].match(text, start):
            return
        start = text.find("{", start + 1 if end is None else end)


def opens_object(text: str, start: int) -> bool:
    """Whether the brace at `start` opens an object, and does not stand in prose."""
    return _OPENING[False].match(text, start) is not None


def _ends(text: str, start: int, token: re.Pattern[str]) -> dict[int, int | None]:
    """Behind which place the object at `start`, and each that is met inside it, is closed; None: never.

    One pass for them all: a scan for each brace would take quadratic time over a runaway reply.
    """
    ends: dict[int, int | None] = {}
    open_braces: list[int] = []
    for match in token.finditer(text, start):
        if match[0] == "{":
            open_braces.append(match.start())
        elif match[0] == "}":
            ends[open_braces.pop()] = match.end()
            if not open_braces:
                break
    return ends | dict.fromkeys(open_braces)


def _parsed(span: str) -> dict[str, JSON] | UnreadableError:
    """The object, Chinese marks and trailing commas allowed where JSON wants ASCII; the mistake if there is one."""
    try:
        return _strict(span)
    except RecursionError:
        return UnreadableError("the JSON object is nested too deeply")
    except ValueError as error:
        problem = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    try:
        return _strict(re.sub(r",(\s*[}\]])", r"\1", _RELAXED.sub(_ascii, span)))
    except (ValueError, RecursionError):
        return UnreadableError(f"the JSON object cannot be parsed: {problem}")


def _ascii(token: re.Match[str]) -> str:
    """A token of relaxed JSON in strict JSON. A string's inside is kept, and hidden from what mends the commas."""
    if token[1] is not None:
        text = token[1]
    elif token[2] is not None:
        text = json.dumps(token[2], ensure_ascii=False)
    else:
        return token[3].translate(_ASCII)
    return re.sub(r"[,}\]]", lambda mark: f"\\u{ord(mark[0]):04x}", text)


def _strict(text: str) -> dict[str, JSON]:
    return cast(dict[str, JSON], DECODER.decode(text))


def unique_keys(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    """The object of these pairs, for a decoder's `object_pairs_hook`. Raises DoubledKeyError."""
    content: dict[str, JSON] = {}
    for name, value in pairs:
        if name in content:
            raise DoubledKeyError(f'the key "{name}" stands twice')
        content[name] = value
    return content


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits[:40])


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")


def whole_number(digits: str) -> int:
    """For a decoder's `parse_int`. Raises ValueError for more digits than Python reads."""
    count = len(digits.lstrip("-"))
    if count > sys.get_int_max_str_digits() > 0:
        raise ValueError(f"a number of {count:,} digits is too long; put it in quotes or leave it out")
    return int(digits)


DECODER = json.JSONDecoder(  # of replies: each key once, every number finite
    object_pairs_hook=unique_keys, parse_constant=_refuse, parse_float=_finite, parse_int=whole_number
)
