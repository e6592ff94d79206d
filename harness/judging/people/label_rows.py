"""The rows of a file of labels, each with its place, whatever the file: a table, a workbook, JSON, or a bare list."""

import json
from collections.abc import Iterable
from pathlib import Path

from harness.errors import DataError
from harness.judging.people.ratings import SCORES, Values, rating_columns
from harness.readers.csv import Csv
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import Fault
from harness.readers.parsing.text_file import read_text
from harness.readers.tsv import Tsv
from harness.readers.xlsx import Xlsx
from harness.records.inputs import JSON

MOST = 20  # mistakes told at once
READERS: tuple[tuple[type[Csv] | type[Tsv] | type[Xlsx], tuple[str, ...]], ...] = (  # of other files the rows are JSON
    (Csv, (".csv",)), (Tsv, (".tsv",)), (Xlsx, (".xlsx", ".xlsm", ".xls")),
)  # fmt: skip
TABLES = {ending: reader for reader, endings in READERS for ending in endings}


def refuse(mistakes: Iterable[str]) -> None:
    """Raise DataError with all mistakes, or the first of very many."""
    lines = list(mistakes)
    if lines:
        more = [f"and {len(lines) - MOST} more such lines"] if len(lines) > MOST else []
        raise DataError(*lines[:MOST], *more)


def label_rows(path: Path, items: Path | None) -> list[tuple[str, Values]]:
    """The place and the values of each row; scores that come as a bare list stand with their items."""
    numbers = None if path.suffix.lower() in TABLES else _bare(path)
    if numbers is None and items is None:
        return _file_rows(path)
    if numbers is None:
        raise DataError(f"{path}: holds rows of its own, not a bare list of scores; leave out --items")
    if items is None:
        raise DataError(f"{path}: is a bare list; name the answers that it scores with --items FILE --answer COLUMN")
    rows = _file_rows(items)
    if len(rows) != len(numbers):
        wrong = "a score is missing somewhere" if len(numbers) < len(rows) else "there are too many"
        raise DataError(
            f"{path}: {len(numbers)} scores for {len(rows)} items ({items}): {wrong}, so positions cannot be trusted; "
            "give each score its item's id"
        )
    return [
        (
            f"{path}: entry {n}",
            {**{k: v for k, v in values.items() if not rating_columns([k], SCORES)}, "score": number},
        )
        for n, ((_, values), number) in enumerate(zip(rows, numbers, strict=True), 1)
    ]


def _bare(path: Path) -> list[JSON] | None:
    """The elements of a JSON list that holds no object; None of any other file."""
    try:
        value = json.loads(read_text(str(path)))
    except (ValueError, RecursionError):
        return None
    return (
        value if isinstance(value, list) and value and not any(isinstance(element, dict) for element in value) else None
    )


def _file_rows(path: Path) -> list[tuple[str, Values]]:
    name, table = str(path), TABLES.get(path.suffix.lower())
    rows = list(object_rows(name) if table is None else table(path=name).rows(name))
    refuse(f"{path}:{row.line}: {row.reason}" for row in rows if isinstance(row, Fault))
    if not rows:
        raise DataError(f"{path}: holds no row")
    alone = len({row.line for row in rows}) == len(rows)
    return [
        (f"{path}:{row.line}" if alone else f"{path}: entry {n}", row.values)
        for n, row in enumerate(rows, 1)
        if not isinstance(row, Fault)
    ]
