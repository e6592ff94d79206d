"""A list of terms is the knowledge base most domains already have: a column of a table, or one entry a line."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import model_validator

from baselines.knowledge.parsing.collection import Entry, KnowledgeBase, Unreadable
from harness.errors import DataError
from harness.readers.parsing.rows import BadRow, Fault, Row, optional_text, text_of
from harness.readers.parsing.table_rows import table_rows
from harness.readers.parsing.text_file import read_text
from harness.readers.parsing.workbook import read_sheet
from harness.text.column_names import column_remedy

Column = int | str


class Texts(KnowledgeBase):
    """A text list: one entry a line, or a column of a .txt, .tsv, .csv or .xlsx table, each row an entry.

    Columns are numbers, from 0, or names; with a header, the other columns become meta.
    """

    column: Column | None = None
    """The column of the text, by number from 0 or by name; null: the whole line, or the only column of a table."""
    id_column: Column | None = None
    """The column of the ids, by number from 0 or by name; null: entries are numbered."""
    title_column: Column | None = None
    """The column of the titles, by number from 0 or by name; null: entries have none."""
    delimiter: str | None = None
    """What stands between columns; null: a tab if the first line has one, else a comma in .csv."""
    header: bool | None = None
    """Whether the first row names the columns; null: yes where a column is given by its name."""
    sheet: str | None = None
    """The sheet of a workbook; null: the first."""

    @model_validator(mode="after")
    def _columns_fit(self) -> "Texts":
        columns = [column for column in (self.column, self.id_column, self.title_column) if column is not None]
        if self.column is None and columns:
            raise ValueError("column: give the column of the text too; columns are numbers, from 0, or names")
        if any(isinstance(column, int) and column < 0 for column in columns):
            raise ValueError("columns are counted from 0")
        if self.header is False and any(isinstance(column, str) for column in columns):
            raise ValueError("header: without one, columns are numbers, from 0")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValueError(r'delimiter: must be one character, e.g. "\t" or ";"')
        return self

    def entries(self, path: str) -> Iterator[Entry | Unreadable]:
        """One entry a line or row."""
        source = Path(path).name
        if self._whole_lines(path):
            for number, line in enumerate(read_text(path, self.encoding).split("\n"), start=1):
                yield Entry(text=line, source=source, place=f"{path}:{number}")
            return
        rows = list(self._rows(path))
        names = _names(rows, path)
        text, identifier, title = (
            self._name(column, names, path) for column in (self.column, self.id_column, self.title_column)
        )
        if text is None:
            if len(names) != 1:
                raise DataError(f"{path}: column: which holds the text? There are {', '.join(names)}")
            text = names[0]
        columns = _EntryColumns(
            source=source,
            text=text,
            id=identifier,
            title=title,
            meta=set(names) - {text, identifier, title} if self._has_header() else set(),
        )
        for row in rows:
            yield columns.entry(row, f"{path}:{row.line}")

    def _whole_lines(self, path: str) -> bool:
        table = Path(path).suffix.lower() in (".csv", ".tsv", ".xlsx")
        return self.column is None and self.delimiter is None and not table

    def _has_header(self) -> bool:
        if self.header is not None:
            return self.header
        return any(isinstance(column, str) for column in (self.column, self.id_column, self.title_column))

    def _rows(self, path: str) -> Iterable[Row | Fault]:
        if Path(path).suffix.lower() == ".xlsx":
            sheet = read_sheet(path, self.sheet)
            cells = sheet.table() if self._has_header() else sheet.records()
        else:
            text = read_text(path, self.encoding)
            cells = _cells(text, self._delimiter(path, text))
        return table_rows(cells, path) if self._has_header() else map(_numbered, cells)

    def _delimiter(self, path: str, text: str) -> str:
        first = text.lstrip("\r\n").partition("\n")[0]
        if self.delimiter is not None:
            return self.delimiter
        suffix = Path(path).suffix.lower()
        return "," if suffix == ".csv" and "\t" not in first else "\t"

    def _name(self, column: Column | None, names: list[str], path: str) -> str | None:
        """A column's name; of a table without header its number as text."""
        if column is None or column in names:
            return column if column is None else str(column)
        if isinstance(column, str):
            raise DataError(f"{path}: no column '{column}' ({column_remedy(column, names)})")
        if column >= len(names):
            raise DataError(
                f"{path}: no column {column}: the first row has {len(names)}, counted from 0; is the delimiter right?"
            )
        return names[column]


def _cells(text: str, delimiter: str) -> Iterator[tuple[int, list[str]] | Fault]:
    """Numbered lines of fields. Between tabs quotes are ordinary characters, as in the tsv reader."""
    if delimiter == "\t":
        for number, line in enumerate(text.split("\n"), start=1):
            yield number, line.removesuffix("\r").split("\t")
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        begin = reader.line_num + 1
        try:
            yield begin, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Fault(begin, f"not CSV: {error}; is a quote left open?")


def _numbered(cells: tuple[int, list[str]] | Fault) -> Row | Fault:
    if isinstance(cells, Fault):
        return cells
    line, fields = cells
    return Row(line, {str(number): cell for number, cell in enumerate(fields)} if any(fields) else {})


def _names(rows: list[Row | Fault], path: str) -> list[str]:
    first: Mapping[str, object] | None = next((row.values for row in rows if isinstance(row, Row) and row.values), None)
    if first is None:
        fault = next((f": {path}:{row.line}: {row.reason}" for row in rows if isinstance(row, Fault)), "")
        raise DataError(f"{path}: holds no rows{fault}")
    return list(first)


@dataclass(frozen=True, kw_only=True, slots=True)
class _EntryColumns:
    """The meaning of a file's columns."""

    source: str
    text: str
    id: str | None
    title: str | None
    meta: set[str]

    def entry(self, row: Row | Fault, place: str) -> Entry | Unreadable:
        if isinstance(row, Fault):
            return Unreadable(f"{place}: {row.reason}")
        values = row.values
        missing = next(
            (name for name in (self.text, self.id, self.title) if name and values and name not in values), None
        )
        if missing is not None:
            return Unreadable(f"{place}: the row ends before column {missing}")
        text = optional_text(values, self.text)
        try:
            identifier = text_of(values, self.id).strip() if self.id is not None and text.strip() else None
        except BadRow as reason:
            return Unreadable(f"{place}: {reason}")
        meta = {name: value for name, value in values.items() if name in self.meta}
        return Entry(
            text=text,
            source=self.source,
            id=identifier,
            title=optional_text(values, self.title),
            meta=meta,
            place=place,
        )
