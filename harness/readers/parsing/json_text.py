"""JSON read record by record, because a mistake must be reported with its line and `json.load` forgets the lines."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import DataError
from harness.readers.parsing.rows import Fault, Row, kind_of
from harness.readers.parsing.text_file import read_text
from harness.records.inputs import JSON
from harness.text.json_objects import DoubledKeyError, unique_keys, whole_number


def _constant(name: str) -> None:
    """NaN is how programs write a missing number. Nothing stands for infinity, and no file of a run could hold it."""
    if name != "NaN":
        raise ValueError(f"{name} is not a number; put it in quotes or leave it out")


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits[:40]} is larger than a number can be; put it in quotes or leave it out")
    return value


# Of rows: every number is finite, and no value is hidden behind another of the same name.
DECODER = json.JSONDecoder(
    parse_constant=_constant, parse_float=_float, parse_int=whole_number, object_pairs_hook=unique_keys
)
_WHITE = re.compile(r"[ \t\n\r]*")


def object_rows(path: str, encoding: str | None = None) -> Iterator[Row | Fault]:
    """The objects of a JSON list or of JSON lines, distinguished by the suffix .jsonl or by the first line."""
    text = read_text(path, encoding)
    first, _, rest = text.lstrip().partition("\n")
    is_jsonl = first.startswith("{") and first.rstrip().endswith("}") and rest.strip()
    return line_rows(text) if is_jsonl or path.lower().endswith((".jsonl", ".ndjson")) else list_rows(text, path)


def line_rows(text: str) -> Iterator[Row | Fault]:
    """One object a line; blank lines are passed over. A broken line is a fault of that line alone."""
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: U+2028 is legal inside JSON
        if line.strip():
            try:
                value = DECODER.decode(line)
            except json.JSONDecodeError as error:
                yield Fault(number, f"not JSON: {error.msg} (column {error.colno})")
            except (ValueError, RecursionError) as error:
                yield Fault(number, unfit(error))
            else:
                yield _row(number, value, _escapes(line))


def list_rows(text: str, path: str) -> Iterator[Row | Fault]:
    """The objects of a JSON list, each with the line on which it begins. Raises DataError where the text breaks.

    The list may stand inside an object, or in objects inside it, as in {"data": […]}, if it is the only one there.
    """
    start = _blank(text, 0)
    if text[start : start + 1] == "{" and _is_whole(text, path, start):
        start = _inner_list(text, path, start)
    if text[start : start + 1] != "[":
        raise DataError(
            f"{path}:{_line(text, start)}: expected a JSON list of objects, {_description(text, start, path)}"
        )
    escaped = _escapes(text)
    for member in _members(text, path, start):
        yield _row(member.line, member.value, escaped)


def member_rows(text: str, path: str) -> Iterator[tuple[str, Row | Fault]]:
    """The members of a JSON object, key and value, as `list_rows` does the elements of a list."""
    start = _blank(text, 0)
    if text[start : start + 1] != "{":
        raise DataError(f"{path}:{_line(text, start)}: expected a JSON object, {_description(text, start, path)}")
    escaped = _escapes(text)
    for member in _members(text, path, start):
        yield member.key, _row(member.line, member.value, escaped)


def _inner_list(text: str, path: str, start: int) -> int:
    """Where the only list of objects inside the object at `start` begins; `start` itself if there is none."""
    holders = [member for member in _members(text, path, start) if _holds_rows(member.value)]
    if len(holders) > 1:
        names = ", ".join(member.key for member in holders)
        raise DataError(
            f"{path}:{holders[1].line}: holds several lists of objects, {names}; write the right one into its own file"
        )
    if not holders:
        return start
    return holders[0].start if isinstance(holders[0].value, list) else _inner_list(text, path, holders[0].start)


def _holds_rows(value: JSON, depth: int = 3) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, dict) for item in value)
    return isinstance(value, dict) and depth > 0 and any(_holds_rows(inner, depth - 1) for inner in value.values())


def _is_whole(text: str, path: str, start: int) -> bool:
    """Whether the value at `start` is all there is, and not the first of several, one a line."""
    return _blank(text, _value(text, path, start)[1]) == len(text)


@dataclass(frozen=True, slots=True)
class _Member:
    """An element of a list, or a member of an object."""

    line: int  # where it begins, with its key
    start: int  # the place of its value
    key: str  # "" in a list
    value: JSON


def _members(text: str, path: str, start: int) -> Iterator[_Member]:
    """Walks a list or an object. The C scanner parses; only lines are counted here."""
    closing = "]" if text[start] == "[" else "}"
    position = counted = _blank(text, start + 1)
    line = _line(text, position)
    more = text[position : position + 1] != closing
    while more:
        line, counted = line + text.count("\n", counted, position), position
        key = ""
        if closing == "}":
            key, position = _value(text, path, position)
            position = _expect(text, path, position, ":", "':'")
        begin = position
        value, position = _value(text, path, position)
        yield _Member(line, begin, key, value)
        position = _blank(text, position)
        more = text[position : position + 1] != closing
        if more:
            position = _expect(text, path, position, ",", f"',' or '{closing}'")
    if start == _blank(text, 0) and _blank(text, position + 1) != len(text):
        raise DataError(f"{path}:{_line(text, _blank(text, position + 1))}: not JSON: more text after the end")


def _value(text: str, path: str, position: int) -> tuple[JSON, int]:
    try:
        return DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON: {error.msg} (column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}:{_line(text, position)}: {unfit(error)}") from error


def unfit(error: Exception) -> str:
    """Why a value is none that a row can hold."""
    if isinstance(error, DoubledKeyError):
        return f"{error} in one object; which value is meant is not known: keep one of them"
    return f"not JSON: {'it is nested too deeply' if isinstance(error, RecursionError) else error}"


def _expect(text: str, path: str, position: int, sign: str, expected: str) -> int:
    position = _blank(text, position)
    if text[position : position + 1] != sign:
        actual = f"found {text[position]}" if position < len(text) else "the text ends"
        raise DataError(f"{path}:{_line(text, position)}: not JSON: expected {expected}, {actual}")
    return _blank(text, position + 1)


def _blank(text: str, position: int) -> int:
    """The next position that is not white space."""
    match = _WHITE.match(text, position)
    return match.end() if match else position


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _description(text: str, start: int, path: str) -> str:
    value, end = _value(text, path, start)
    if _blank(text, end) < len(text):
        return "found one value after another; if it is one object a line, use jsonl"
    keys = f" with {', '.join(list(value)[:5])}" if isinstance(value, dict) and value else ""
    return "found an empty object" if value == {} else f"found {kind_of(value)}{keys}"


def _escapes(text: str) -> bool:
    """Whether surrogates may be written as escapes; looked for in the text because searching every value is slow."""
    return "\\ud" in text or "\\uD" in text


def _row(line: int, value: JSON, escaped: bool) -> Row | Fault:
    if not isinstance(value, dict):
        return Fault(line, f"expected an object with named values, found {kind_of(value)}")
    if escaped:  # half a surrogate pair would pass everything here and crash where a prompt is encoded
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return Fault(line, "holds half of a \\ud… pair, which is no character")
    return Row(line, value)
