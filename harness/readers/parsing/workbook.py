"""An Excel sheet as rows of texts; the value of merged cells stands in every row that they cover."""

import datetime
import io
import re
import warnings
import zipfile
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from harness.errors import DataError, HarnessError, nearest
from harness.readers.parsing.rows import Fault
from harness.readers.parsing.text_file import read_bytes

Line = tuple[int, list[str]]
_LARGEST = 1 << 30  # bytes of a workbook unpacked; Excel itself does not open one so large
_LAST_ROW = 1 << 20  # Excel's own limit; a damaged number beyond it would be counted up to
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?ref=["']([A-Z]+\d+:[A-Z]+\d+)["']""")


@dataclass(frozen=True, kw_only=True, slots=True)
class _MergedRange:
    """Cells that are shown as one; rows and columns count from 1."""

    name: str
    value: str
    rows: range
    columns: range


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet that are not empty, without the empty cells at their ends."""

    path: str
    lines: tuple[Line, ...]
    merged: tuple[_MergedRange, ...]

    def table(self) -> Iterator[Line | Fault]:
        """The rows under a header, which is the first. Raises DataError when cells are merged in the header."""
        header, cells = next(iter(self.lines), (0, []))
        for merged in self.merged:
            if header in merged.rows:
                raise DataError(
                    f"{self.path}:{header}: the cells {merged.name} are merged in the header; unmerge them, and give "
                    "each column a name of its own in one row"
                )
        return self._rows(len(cells))

    def records(self) -> Iterator[Line | Fault]:
        """The rows of a sheet without a header."""
        return self._rows(max((len(cells) for _, cells in self.lines), default=0))

    def _rows(self, width: int) -> Iterator[Line | Fault]:
        """Rows of at least a width. A row with a value of several columns is a fault: it is not known whose it is."""
        rows = {number: list(cells) for number, cells in self.lines}
        faults: dict[int, Fault] = {}
        numbers = list(rows)
        for merged in self.merged:
            for number in numbers[bisect_left(numbers, merged.rows.start) : bisect_left(numbers, merged.rows.stop)]:
                if len(merged.columns) > 1:
                    reason = f"the cells {merged.name} are merged across columns; unmerge them"
                    faults.setdefault(number, Fault(number, reason))
                else:
                    cells, place = rows[number], merged.columns.start - 1
                    cells += [""] * (place + 1 - len(cells))
                    cells[place] = merged.value
        for number, cells in rows.items():
            yield faults.get(number) or (number, cells + [""] * (width - len(cells)))


def read_sheet(path: str, name: str | None) -> Sheet:
    """A sheet by its name, or the first. Raises DataError, also for whatever openpyxl raises on a damaged file."""
    content = io.BytesIO(read_bytes(path))  # openpyxl leaves a file open that it cannot read
    try:
        return _read(content, path, name)
    except HarnessError:
        raise
    except Exception as error:  # a workbook is a zip of XML: openpyxl lets through what any of a dozen layers raise
        raise DataError(
            f"{path}: not an xlsx workbook ({type(error).__name__}); save an .xls or a renamed CSV as .xlsx"
        ) from error


def _read(content: BinaryIO, path: str, name: str | None) -> Sheet:
    from openpyxl import load_workbook

    with zipfile.ZipFile(content) as archive:
        if (size := sum(member.file_size for member in archive.infolist())) > _LARGEST:
            raise DataError(f"{path}: unpacks to {size / 2**30:.1f} GiB; save the sheet as .csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and validation, which hold no data
        book = load_workbook(content, read_only=True, data_only=True)
        try:
            names = [sheet.title for sheet in book.worksheets]
            if name is not None and name not in names:
                raise DataError(f"{path}: no sheet '{name}' ({nearest(name, names)})")
            page: Any = book[names[0] if name is None else name]
            lines = tuple(_lines(page, path))
            with page._get_source() as source:  # openpyxl tells merged cells only where it holds all cells as objects
                return Sheet(path, lines, tuple(_merged_ranges(source, dict(lines))))
        finally:
            book.close()


def _lines(page: Any, path: str) -> Iterator[Line]:
    page.reset_dimensions()  # some writers declare a wrong size, and cells beyond it would be lost
    for number, row in enumerate(page.iter_rows(), start=1):
        if number > _LAST_ROW:
            raise DataError(f"{path}: has a row beyond {_LAST_ROW:,}, the last that a sheet can have; save it again")
        cells = ["" if cell.data_type == "e" else _text(cell.value) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _merged_ranges(source: BinaryIO, rows: Mapping[int, Sequence[str]]) -> Iterator[_MergedRange]:
    """The merged cells of a sheet's XML that hold a value, which stands in the first of them."""
    from openpyxl.utils.cell import range_boundaries

    names: dict[bytes, None] = {}
    rest = b""
    while chunk := source.read(1 << 20):
        names.update(dict.fromkeys(_MERGED.findall(rest + chunk)))
        rest = chunk[-200:]  # a tag may stand across the border
    for name in map(bytes.decode, names):
        left, top, right, bottom = (edge or 1 for edge in range_boundaries(name))
        value = "".join(rows.get(top, ())[left - 1 : left])
        if value:
            yield _MergedRange(name=name, value=value, rows=range(top, bottom + 1), columns=range(left, right + 1))


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
