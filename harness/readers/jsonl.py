"""JSON lines are the format of logs and large data sets: one object a line, so one broken line spoils no other."""

from collections.abc import Iterator

from harness.readers.parsing.column_mapping import TableReader
from harness.readers.parsing.json_text import line_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.text_file import read_text


class Jsonl(TableReader):
    """One JSON object a line, columns mapped in YAML."""

    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """One object a line."""
        return line_rows(read_text(path, self.encoding))
