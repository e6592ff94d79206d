"""The rows of every format: numbered and with named values, or the reason why a row cannot be read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.inputs import JSON


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
    if not text.strip():
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
        return (text,) if text.strip() else ()
    return tuple(text for text in (_text(item, column) for item in cell) if text.strip())


def list_of(values: Mapping[str, JSON], column: str) -> list[JSON]:
    """The list in a column; in text formats it is written as JSON. A missing or blank cell is the empty list."""
    cell = values.get(column)
    if isinstance(cell, str) and cell.strip():
        try:
            cell = json.loads(cell)
        except ValueError as error:
            raise BadRow(f"'{column}' is not a JSON list: {error}") from error
    if cell is None or cell == "":
        return []
    if not isinstance(cell, list):
        raise BadRow(f"'{column}' holds {kind_of(cell)} where a list is expected")
    return cell


def history_of(values: Mapping[str, JSON], column: str | None) -> tuple[tuple[str, str], ...]:
    """Earlier turns from a list of [user, assistant] pairs."""
    if column is None:
        return ()
    turns = list_of(values, column)
    for number, turn in enumerate(turns, start=1):
        if not (isinstance(turn, list) and len(turn) == 2 and all(isinstance(part, str) for part in turn)):
            raise BadRow(f"'{column}': turn {number} is not a pair of texts [user, assistant]")
    return tuple((user, assistant) for user, assistant in turns)


def kind_of(value: JSON) -> str:
    """A JSON value's kind, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}.get(
        type(value), type(value).__name__
    )


def _text(value: JSON, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):  # 0.10 or true have more than one spelling, so the author must write the text
        raise BadRow(f"'{column}' holds {kind_of(value)}, {str(value)[:40]}, where text is expected; put it in quotes")
    return value
