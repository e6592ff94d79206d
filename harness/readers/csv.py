"""CSV is what spreadsheets and hospitals export, in whatever encoding they have: detected, or given."""

import csv
import io
import re
from collections.abc import Iterator

from pydantic import field_validator

from harness.readers.parsing.column_mapping import TableReader
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.table_rows import table_rows
from harness.readers.parsing.text_file import read_text

_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = (",", ";", "\t")  # Excel writes semicolons where a comma stands in numbers


class Csv(TableReader):
    """Comma-separated values with a header, columns mapped in YAML; GB18030 is detected."""

    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""
    delimiter: str | None = None
    """What separates the cells; null: a comma, or a semicolon or a tab where the header has one and no comma."""

    @field_validator("delimiter")
    @classmethod
    def _is_one_character(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            raise ValueError(r'must be one character and no quote, e.g. ";" or "\t"')
        return delimiter

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """One record a row, quoted as RFC 4180 has it; a line is where a record begins."""
        return csv_rows(read_text(path, self.encoding), path, self.delimiter)


def csv_rows(text: str, path: str, delimiter: str | None = None) -> Iterator[Row | Fault]:
    """The records of a CSV text by the names in its first line."""
    return table_rows(csv_records(text, delimiter or header_delimiter(text)), path)


def header_delimiter(text: str) -> str:
    """What separates the names in the first line of a CSV text: a comma, unless there is only another sign."""
    header = _QUOTED.sub("", text.lstrip().partition("\n")[0])
    return next((sign for sign in _DELIMITERS if sign in header), ",")


def csv_records(text: str, delimiter: str = ",") -> Iterator[tuple[int, list[str]] | Fault]:
    """The records of a CSV text, each with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)  # a stray quote is an error
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"{error} (a field longer than {csv.field_size_limit()} characters, or a quote left open)"
            yield Fault(line, reason if "limit" in str(error) else f"not CSV: {error}; is a quote left open?")
