"""CSV is what spreadsheets and hospitals export, in whatever encoding they have: detected, or given."""

import csv
import io
from collections.abc import Iterator

from harness.readers.parsing.column_mapping import TableReader
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.table_rows import table_rows
from harness.readers.parsing.text_file import read_text


class Csv(TableReader):
    """Comma-separated values with a header, columns mapped in YAML; GB18030 is detected."""

    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """One record a row, quoted as RFC 4180 has it; a line is where a record begins."""
        return csv_rows(read_text(path, self.encoding), path)


def csv_rows(text: str, path: str) -> Iterator[Row | Fault]:
    """The records of a CSV text by the names in its first line."""
    return table_rows(csv_records(text), path)


def csv_records(text: str) -> Iterator[tuple[int, list[str]] | Fault]:
    """The records of a CSV text, each with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)  # strict: a stray quote is an error
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"{error} (a field longer than {csv.field_size_limit()} characters, or a quote left open)"
            yield Fault(line, reason if "limit" in str(error) else f"not CSV: {error}; is a quote left open?")
