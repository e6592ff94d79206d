"""Excel workbooks are how domain experts hand over labels, so they are read without a detour through CSV."""

import datetime
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from harness.errors import DataError, nearest
from harness.readers.parsing.column_mapping import TableReader
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.table_rows import table_rows
from harness.readers.parsing.text_file import read_bytes

if TYPE_CHECKING:
    from openpyxl import Workbook

# What openpyxl lets through for a file that is no workbook, or a damaged one.
_BROKEN = (zipfile.BadZipFile, zlib.error, ParseError, LookupError, ValueError, TypeError, EOFError, OSError)


class Xlsx(TableReader):
    """One sheet of an Excel workbook with a header row, columns mapped in YAML.

    Cells become text: a whole number has no decimal point (Excel keeps 1 and 1.0 alike), a date is ISO 8601, an error
    such as #N/A and a formula without a stored value are empty.
    """

    sheet: str | None = None  # default: the first

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """One row of the sheet a row; a line is the sheet's row number."""
        return table_rows(self._cells(path), path)

    def _cells(self, path: str) -> Iterator[tuple[int, list[str]]]:
        read_bytes(path)
        try:
            # Listed at once: the workbook must be closed whatever becomes of the iteration.
            lines = self._lines(path)
        except _BROKEN as error:
            raise DataError(
                f"{path}: not an xlsx workbook ({type(error).__name__}); save an .xls or a renamed CSV as .xlsx"
            ) from error
        width = max((len(cells) for _, cells in lines[:1]), default=0)
        for number, cells in lines:
            yield number, cells + [""] * (width - len(cells))

    def _lines(self, path: str) -> list[tuple[int, list[str]]]:
        from openpyxl import load_workbook

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validation, which hold no data
            book = load_workbook(path, read_only=True, data_only=True)
            try:
                return _trimmed(book, self._sheet(book, path))
            finally:
                book.close()

    def _sheet(self, book: "Workbook", path: str) -> str:
        names = [sheet.title for sheet in book.worksheets]
        if self.sheet is not None and self.sheet not in names:
            raise DataError(f"{path}: no sheet '{self.sheet}' ({nearest(self.sheet, names)})")
        return names[0] if self.sheet is None else self.sheet


def _trimmed(book: "Workbook", sheet: str) -> list[tuple[int, list[str]]]:
    """Rows with their numbers, without the empty cells at their ends and without empty rows."""
    page = book[sheet]
    page.reset_dimensions()  # some writers declare a wrong size, and cells beyond it would be lost
    lines: list[tuple[int, list[str]]] = []
    for number, row in enumerate(page.iter_rows(), start=1):
        cells = ["" if cell.data_type == "e" else _text(cell.value) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            lines.append((number, cells))
    return lines


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)
