"""Tab-separated text without quoting, as corpora are published: what stands between two tabs is the field."""

from collections.abc import Iterator

from harness.readers.parsing.column_mapping import TableReader
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.table_rows import table_rows
from harness.readers.parsing.text_file import read_text


class Tsv(TableReader):
    """Tab-separated lines with a header, columns mapped in YAML; quotes are ordinary characters."""

    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """One line a row."""
        return tsv_rows(read_text(path, self.encoding), path)


def tsv_rows(text: str, path: str) -> Iterator[Row | Fault]:
    """The lines of a text by the names in its first line."""
    lines = enumerate(text.split("\n"), start=1)
    return table_rows(((number, line.removesuffix("\r").split("\t")) for number, line in lines), path)
