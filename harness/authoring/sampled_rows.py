"""The rows of a data file, or of a file too large to be read whole those of some parts of it, in bounded memory."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.components.registry import find
from harness.errors import DataError
from harness.readers.parsing.data_folder import data_files
from harness.readers.parsing.file_reader import FileReader
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.text_file import read_bytes
from harness.records.inputs import JSON

FORMS: Mapping[str, str] = {
    ".csv": "csv", ".tsv": "tsv", ".xlsx": "xlsx", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
READ_WHOLE = 64 << 20  # bytes of a file that is read to its end
READ_JSON = 512 << 20  # of a JSON list, which has no parts that could be read by themselves
_HEAD, _PART, _PARTS = 4 << 20, 1 << 20, 8
_TEXT_FORMS = ("csv", "tsv", "jsonl")
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # UTF-16: a line break is two bytes, so that only the head is read


@dataclass(frozen=True, kw_only=True, slots=True)
class SampledRows:
    """Rows of a file with what could not be read; `total` is estimated where the file was not read to its end."""

    path: str  # a file, or a folder of files
    form: str  # the reader that reads it
    rows: tuple[Mapping[str, JSON], ...]
    faults: tuple[str, ...]  # "file:line: reason"
    total: int
    is_whole: bool


def sample_rows(path: str) -> SampledRows:
    """The rows of a data file, or of the files of a folder. Raises DataError with `file:line: reason`."""
    files = data_files(path)
    form = form_of(files[0])
    size = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    if size <= READ_WHOLE or form == "xlsx":
        parts = [_read(file, form, file) for file in files]
        return _joined(path, form, parts, is_whole=True)
    if form == "json":
        if size > READ_JSON:
            raise DataError(
                f"{path}: has {size / 2**30:.1f} GiB; a JSON list is read whole: write it as JSON lines (.jsonl), one "
                "object a line"
            )
        return _joined(path, form, [_read(file, form, file) for file in files], is_whole=True)
    return _of_parts(path, form, files, size)


def form_of(file: str) -> str:
    """The reader of a file by the end of its name, of a .txt by its first line. Raises DataError."""
    suffix = Path(file).suffix.lower()
    _refuse_binary(file, suffix)
    if suffix in FORMS:
        return FORMS[suffix]
    if suffix in (".txt", ""):
        with Path(file).open("rb") as stream:
            return "tsv" if b"\t" in stream.readline(_PART) else "csv"
    remedy = "save it as .xlsx" if suffix == ".xls" else "data is read from .csv, .tsv, .xlsx, .json and .jsonl"
    raise DataError(f"{file}: '{suffix}' files are not read; {remedy}")


def _refuse_binary(file: str, suffix: str) -> None:
    """Raise DataError for what is not there, is empty, or is no text though its name says so."""
    if not Path(file).is_file():
        read_bytes(file)
    with Path(file).open("rb") as stream:
        head = stream.read(1 << 16)
    if not head.strip():
        read_bytes(file)
    if suffix == ".xlsx":
        return
    if head.startswith(b"PK\x03\x04"):
        raise DataError(f"{file}: is a zip archive and no text; an Excel workbook is named .xlsx")
    if b"\0" in head and not head.startswith((*_WIDE, b"\0\0\xfe\xff")):
        raise DataError(f"{file}: is a binary file and no table; data is read from .csv, .tsv, .xlsx, .json and .jsonl")


@dataclass(frozen=True, slots=True)
class _Part:
    rows: list[Mapping[str, JSON]]
    faults: list[str]
    size: int = 0  # bytes


def _read(file: str, form: str, name: str) -> _Part:
    component = find("reader", form)
    assert issubclass(component, FileReader)
    rows: list[Mapping[str, JSON]] = []
    faults: list[str] = []
    try:
        for row in component.model_validate({"path": file}).rows(file):
            if isinstance(row, Row):
                rows.append(row.values)
            else:
                faults.append(_named(name, row))
    except DataError as error:  # there is no parameter for it here
        raise DataError(*(line.replace("give encoding:", "save it as UTF-8") for line in error.lines)) from error
    return _Part(rows, faults)


def _named(name: str, fault: Fault) -> str:
    return f"{name}:{fault.line}: {fault.reason}"


def _of_parts(path: str, form: str, files: list[str], size: int) -> SampledRows:
    """The head of the first file and parts spread over it; a part that begins inside a quoted cell is left out."""
    read, rows, faults = 0, list[Mapping[str, JSON]](), list[str]()
    with tempfile.TemporaryDirectory() as scratch:
        for number, chunk in enumerate(_chunks(files[0], form)):
            file = Path(scratch) / f"{number}.{form}"
            file.write_bytes(chunk)
            try:
                part = _read(str(file), form, files[0])
            except DataError as error:
                if not number:
                    raise DataError(*(line.replace(str(file), files[0]) for line in error.lines)) from None
                continue
            if number and len(part.faults) * 20 > len(part.rows):
                continue
            rows += part.rows
            faults += [] if number else part.faults  # the lines of later parts are not known
            read += len(chunk)
    total = round(len(rows) * size / max(read, 1))
    return SampledRows(path=path, form=form, rows=tuple(rows), faults=tuple(faults), total=total, is_whole=False)


def _chunks(file: str, form: str) -> Iterator[bytes]:
    """Whole lines of some parts of a file, each below its header."""
    size = Path(file).stat().st_size
    with Path(file).open("rb") as stream:
        head = stream.read(_HEAD)
        is_wide = head.startswith(_WIDE)
        head = head[: head.rfind(b"\n\0" if head.startswith(_WIDE[0]) else b"\n") + (2 if is_wide else 1)] or head
        yield head
        header = b"" if form == "jsonl" else head.lstrip().partition(b"\n")[0] + b"\n"
        for number in range(1, 0 if is_wide else _PARTS):
            stream.seek(size * number // _PARTS)
            chunk = stream.read(_PART)
            lines = chunk[chunk.find(b"\n") + 1 : chunk.rfind(b"\n") + 1]
            if lines:
                yield header + lines


def _joined(path: str, form: str, parts: list[_Part], is_whole: bool) -> SampledRows:
    rows = tuple(row for part in parts for row in part.rows)
    faults = tuple(fault for part in parts for fault in part.faults)
    if not rows:
        first = f": {faults[0]}" if faults else ", at most a header"
        raise DataError(f"{path}: holds no rows{first}")
    return SampledRows(path=path, form=form, rows=rows, faults=faults, total=len(rows) + len(faults), is_whole=is_whole)
