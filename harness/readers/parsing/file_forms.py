"""A file of rows tells its form by the end of its name, which a suite may leave out."""

from collections.abc import Iterable
from pathlib import Path

from harness.errors import DataError
from harness.readers.csv import csv_rows
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.table_rows import table_rows
from harness.readers.parsing.text_file import read_bytes, read_text
from harness.readers.parsing.workbook import read_sheet
from harness.readers.tsv import tsv_rows

_FORMS = (".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".ndjson")


def file_rows(file: str) -> Iterable[Row | Fault]:
    """The rows of a file in the form that its name tells. Raises DataError for another form."""
    match Path(file).suffix.lower():
        case ".json" | ".jsonl" | ".ndjson":
            return object_rows(file)
        case ".csv":
            return csv_rows(read_text(file), file)
        case ".tsv":
            return tsv_rows(read_text(file), file)
        case ".xlsx":
            return table_rows(read_sheet(file, None).table(), file)
        case suffix:
            if not suffix:
                read_bytes(file)  # what is not there has no form
            raise DataError(f"{file}: '{suffix}' files are not read; convert it to .json, .jsonl, .csv or .xlsx")


def with_form(path: str) -> str:
    """The path, or the one file of that name with an end that tells its form. Raises DataError for several."""
    file = Path(path)
    if file.exists():
        return path
    matches = [form for form in _FORMS if file.with_name(file.name + form).is_file()]
    if len(matches) > 1:
        raise DataError(f"{path}: is there as {' and '.join(matches)}; name one of them")
    return path + matches[0] if matches else path
