"""Tables as files: csv that a spreadsheet opens rightly and safely, and parquet."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from reports.export.run_tables import VALUE, RunTable

NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*\s?%?")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet compute a cell (OWASP, CSV injection)


def write_csv(tables: Sequence[RunTable], folder: Path) -> list[str]:
    """Write each table as NAME.csv, in UTF-8 with a mark by which Excel knows it; return the names."""
    for table in tables:
        with (folder / f"{table.name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([inert_cell(column) for column in table.columns])
            writer.writerows([inert_cell(row[column]) for column in table.columns] for row in table.rows)
    return [f"{table.name}.csv" for table in tables]


def inert_cell(value: str | float | int | None) -> str | float | int | None:
    """A text that a spreadsheet would compute gets an apostrophe before it; numbers, as text too, stay as they are."""
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text


def write_parquet(tables: Sequence[RunTable], folder: Path) -> list[str]:
    """Write each table as NAME.parquet, texts as they are; return the names. Raises HarnessError without pyarrow."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise HarnessError("parquet needs the package pyarrow: pip install 'domain-harness[parquet]'") from error
    for table in tables:
        columns = {name: pyarrow.array([row[name] for row in table.rows], _kind(name, table)) for name in table.columns}
        parquet.write_table(pyarrow.table(columns), folder / f"{table.name}.parquet")
    return [f"{table.name}.parquet" for table in tables]


def _kind(name: str, table: RunTable) -> str:
    """One type for a column in every run, so that the files of two runs can be read as one table."""
    values = [row[name] for row in table.rows if row[name] is not None]
    if name.startswith(VALUE) or any(isinstance(value, float) for value in values):
        return "float64"
    return "int64" if values and all(isinstance(value, int) for value in values) else "string"
