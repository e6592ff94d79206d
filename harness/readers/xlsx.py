"""Excel workbooks are how domain experts hand over labels, so they are read without a detour through CSV."""

from collections.abc import Iterator

from harness.readers.parsing.column_mapping import TableReader
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.table_rows import table_rows
from harness.readers.parsing.workbook import read_sheet


class Xlsx(TableReader):
    """One sheet of an Excel workbook with a header row, columns mapped in YAML.

    Cells become text: a whole number has no decimal point (Excel keeps 1 and 1.0 alike), a date is ISO 8601, an error
    such as #N/A and a formula without a stored value are empty. Cells merged over rows have their value in each row.
    """

    sheet: str | None = None
    """The sheet of the workbook; null: the first."""

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """One row of the sheet a row; a line is the sheet's row number."""
        return table_rows(read_sheet(path, self.sheet).table(), path)
