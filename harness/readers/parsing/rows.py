"""The rows of every format: numbered and with named values, or the reason why a row cannot be read."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.inputs import JSON
from harness.text.excerpts import shortened
from harness.text.json_objects import DoubledKeyError, unique_keys
from harness.text.normalise import is_missing, normalise, visible
from harness.text.templates import LETTERS

_DEEPEST = 100  # levels of lists and objects in a column; what writes and reads them again bears about 200
_REMEDIES: Mapping[type, str] = {
    list: "join its items into one text",
    dict: "write the text alone, or the object as one text (json.dumps)",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One record; `line` is where it begins in the file (xlsx: the sheet's row)."""

    line: int
    values: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that could not be read."""

    line: int
    reason: str


class BadRow(Exception):  # noqa: N818  (caught where the row's line is known; never leaves this package)
    """A record that was read but makes no sample; the message is the reason."""


def text_of(values: Mapping[str, JSON], column: str) -> str:
    """The text in a column, verbatim; a whole number becomes its digits. Raises BadRow if there is none."""
    if column not in values:
        raise BadRow(f"there is no '{column}'")
    text = _text(values[column], column)
    if is_blank(text):
        raise BadRow(f"'{column}' is empty")
    return text


def optional_text(values: Mapping[str, JSON], column: str | None) -> str:
    """The text in a column, or "" where the column or its value is missing."""
    return _text(values[column], column) if column is not None and column in values else ""


def texts_of(values: Mapping[str, JSON], column: str) -> tuple[str, ...]:
    """The texts in a column that holds one text or a list of texts; blank ones are left out."""
    cell = values.get(column)
    if not isinstance(cell, list):
        text = _text(cell, column)
        return () if is_blank(text) else (text,)
    return tuple(text for text in (_text(item, column) for item in cell) if not is_blank(text))


def list_of(values: Mapping[str, JSON], column: str) -> list[JSON]:
    """The list in a column; in text formats it is written as JSON. A missing or blank cell is the empty list."""
    cell = _structure(values, column)
    if not isinstance(cell, list):
        raise BadRow(f"'{column}' holds {kind_of(cell)} where a list is expected")
    return cell


def options_of(values: Mapping[str, JSON], column: str) -> tuple[str, ...]:
    """The texts of options A, B, … in a column that holds a list of them, or an object with a text by letter."""
    cell = _structure(values, column)
    if isinstance(cell, dict):
        return filled_options({f"{column}.{letter}": text for letter, text in _by_letter(cell, column).items()})
    cells = {f"{column}[{place}]": option for place, option in enumerate(list_of({column: cell}, column))}
    return tuple(text_of(cells, place) for place in cells)


def filled_options(cells: Mapping[str, JSON]) -> tuple[str, ...]:
    """The texts of options by place; the last ones may be blank. Raises BadRow for a gap: it would shift letters."""
    filled = [place for place in cells if not is_blank(optional_text(cells, place))]
    missing = next((place for place in list(cells)[: len(filled)] if place not in filled), None)
    if missing is not None:
        raise BadRow(f"option '{missing}' is empty although a later one is not")
    return tuple(text_of(cells, place) for place in filled)


def _by_letter(options: Mapping[str, JSON], column: str) -> dict[str, JSON]:
    """Options by letter from A on, without a gap; `a`, `A.` and `（A）` are A."""
    named = [(normalise(name, punctuation="drop").upper(), text) for name, text in options.items()]
    letters = dict(sorted(named))
    if len(letters) < len(named) or not set(letters) <= set(LETTERS):
        names = ", ".join(list(options)[:6])
        raise BadRow(f"'{column}' is an object with {names}; name the options A, B, C, …, or write a list of texts")
    return {letter: letters.get(letter) for letter in LETTERS[: LETTERS.index(max(letters, default="A")) + 1]}


def _structure(values: Mapping[str, JSON], column: str) -> JSON:
    """What is in a column beyond text: a text is read as JSON, a missing or blank cell is the empty list."""
    cell = values.get(column)
    if is_missing(cell) or (isinstance(cell, str) and is_blank(cell)):
        return []
    try:
        value = json.loads(cell, object_pairs_hook=unique_keys) if isinstance(cell, str) else cell
    except DoubledKeyError as error:
        raise BadRow(f"'{column}': {error}; which value is meant is not known") from error
    except (ValueError, RecursionError) as error:
        raise BadRow(
            f"'{column}' is the text {shortened(str(cell), 40)} where a list is expected; write it as JSON, "
            '["first", "second"]'
        ) from error
    return [] if value is None else value


def columns_of(values: Mapping[str, JSON]) -> dict[str, JSON]:
    """Columns as prompts see them: a missing value (null, NaN) is empty text, as in csv, inside lists and objects too.

    Raises BadRow for infinity, which a prompt would show as "inf" and JSON cannot hold, and for endless nesting.
    """
    return {name: _filled(value, name, _DEEPEST) for name, value in values.items()}


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: white space, and signs that are not seen."""
    return not visible(text).strip()


def tools_of(values: Mapping[str, JSON], column: str | None) -> str:
    """The functions that a row lets an answer call, as JSON; "" where there are none."""
    cell = None if column is None else values.get(column)
    if isinstance(cell, str):
        return "" if is_blank(cell) or cell.strip() in ("[]", "{}", "null") else cell
    return json.dumps(cell, ensure_ascii=False) if cell and not is_missing(cell) else ""


def kind_of(value: JSON) -> str:
    """A JSON value's kind, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}.get(
        type(value), type(value).__name__
    )


def _filled(value: JSON, column: str, depth: int) -> JSON:
    if isinstance(value, str):
        return value
    if depth == 0:
        raise BadRow(f"'{column}' is nested more than {_DEEPEST} deep; flatten it, or write it as text")
    if is_missing(value):
        return ""
    if isinstance(value, float) and math.isinf(value):
        raise BadRow(f"'{column}' holds a number too large to be kept; put it in quotes")
    if isinstance(value, list):
        return [_filled(item, column, depth - 1) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, column, depth - 1) for name, item in value.items()}
    return value


def _text(value: JSON, column: str) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):  # 0.10 or true have more than one spelling, so the author must write the text
        remedy = _REMEDIES.get(type(value), "put it in quotes")
        written = shortened(json.dumps(value, ensure_ascii=False), 40)
        raise BadRow(f"'{column}' holds {kind_of(value)}, {written}, where text is expected; {remedy}")
    return value
