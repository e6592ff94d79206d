"""Ratings that people gave, as the columns of a table hold them: read without doubt, or refused."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import DataError
from harness.readers.parsing.rows import BadRow, kind_of
from harness.records.inputs import JSON

Verdict = Literal["first", "second", "tie"]
Values = Mapping[str, JSON]
SUMMARIES = ("mean", "average", "avg", "median", "total", "sum", "majority", "std", "sd")
CODES: Mapping[str, Verdict] = {"1": "first", "2": "second", "0": "tie"}  # as PandaLM writes them
NAMES: Mapping[str, Verdict] = {
    **CODES,
    "first": "first",
    "second": "second",
    "tie": "tie",
    "a": "first",
    "b": "second",
    "c": "tie",
    "平局": "tie",
}


@dataclass(frozen=True, slots=True)
class RatingKind:
    """How the ratings of one kind stand in a row: in one column, in one for each annotator, or in a mapping."""

    noun: str
    single: tuple[str, ...]
    per_annotator: re.Pattern[str]
    mapping: str


SCORES = RatingKind("score", ("score",), re.compile(r"score_(.+)|(annotator_?\w+)"), "scores")
PAIRS = RatingKind("verdict", ("verdict", "label"), re.compile(r"(?:verdict|label)_(.+)|(annotator_?\w+)"), "labels")


def rating_columns(columns: Iterable[str], kind: RatingKind) -> list[str]:
    """Those of the columns that hold ratings."""
    return [c for c in columns if c in (*kind.single, kind.mapping) or kind.per_annotator.fullmatch(c)]


def ratings(values: Values, kind: RatingKind) -> dict[str, tuple[str, JSON]]:
    """By annotator ("" where there is one who has no name) the column and what stands there. Raises BadRow."""
    cells: list[tuple[str, str, JSON]] = []
    for column in rating_columns(values, kind):
        value = values[column]
        named = kind.per_annotator.fullmatch(column)
        if column == kind.mapping:
            if not isinstance(value, dict):
                raise BadRow(f"'{column}' holds {kind_of(value)} where {{annotator: {kind.noun}}} is expected")
            cells += [(name, f"{column}.{name}", rating) for name, rating in value.items()]
        else:
            cells.append((named[1] or named[2] if named else "", column, value))
    names = [name for name, _, _ in cells]
    if len(set(names)) < len(names) or ("" in names and len(names) > 1):
        raise BadRow(
            f"{' and '.join(column for _, column, _ in cells)} may mean the same; keep one column an annotator"
        )
    summary = next((column for name, column, _ in cells if name.casefold() in SUMMARIES), None)
    if summary:
        raise BadRow(f"'{summary}' looks like a summary of annotators, not one of them; leave the column out")
    return {name: (column, value) for name, column, value in cells}


def score(value: JSON, column: str) -> float | None:
    """The score in a cell; None where there is none. Raises BadRow for what is no number."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadRow(f"'{column}': {str(value)[:40]} is no number; write one, or nothing where there is no score")
    return number


def verdict(value: JSON, column: str) -> Verdict | None:
    """The verdict in a cell; None where there is none. Raises BadRow for what is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    written = _code(value)
    if written not in NAMES:
        raise BadRow(
            f"'{column}': {str(value)[:40]} is no verdict; write first, second or tie (or A, B, C; or 1, 2, 0), "
            "or nothing where there is none"
        )
    return NAMES[written]


def refuse_two_codes(rows: Sequence[tuple[str, Values]], path: Path) -> None:
    """0 and 1 alone are as often "second or first" as "tie or first", and to guess would turn verdicts round.

    Raises DataError.
    """
    cells = [value for _, values in rows for _, value in ratings(values, PAIRS).values() if value is not None]
    codes = {_code(value) for value in cells}
    if "0" in codes and not codes & {"2", "b", "second"}:
        raise DataError(
            f"{path}: verdicts are 0 but never 2: 0 means a tie here, so the second answer would never be better; "
            "write first, second and tie"
        )


def _code(value: JSON) -> str:
    """A verdict as it is written; a column of numbers with gaps comes out of many programs as 1.0, 2.0."""
    text = str(value).strip().casefold()
    return text.removesuffix(".0") if text.removesuffix(".0") in CODES else text
