"""A JSON list of objects is what most scripts write, so it is read with the line of every element kept."""

from collections.abc import Iterator

from harness.readers.parsing.column_mapping import TableReader
from harness.readers.parsing.json_text import list_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.text_file import read_text


class Json(TableReader):
    """A JSON list of objects, columns mapped in YAML."""

    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """The objects of the list; a line is where an object begins."""
        return list_rows(read_text(path, self.encoding), path)
