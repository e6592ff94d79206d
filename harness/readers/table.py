"""The same table is handed over as a workbook by one and as text by the next; a suite need not know which."""

from collections.abc import Iterable

from harness.readers.parsing.column_mapping import TableReader
from harness.readers.parsing.file_forms import file_rows, with_form
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.split import Split


class Table(TableReader):
    """A csv, tsv, xlsx, json or jsonl file by the end of its name, which may be left out; columns mapped in YAML.

    `path: data/val` reads data/val.tsv or data/val.xlsx, whichever is there; where both are, one must be named.
    """

    def files(self) -> dict[Split, str]:
        """The file of each split with the end of its name."""
        return {split: with_form(path) for split, path in super().files().items()}

    def rows(self, path: str) -> Iterable[Row | Fault]:
        """The rows in the form that the file's name tells."""
        return file_rows(path)
