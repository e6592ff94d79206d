"""Header and cells become named rows, the same way for csv, tsv and xlsx."""

from collections import Counter
from collections.abc import Iterable, Iterator

from harness.errors import DataError
from harness.readers.parsing.rows import Fault, Row


def table_rows(cells: Iterable[tuple[int, list[str]] | Fault], path: str) -> Iterator[Row | Fault]:
    """Rows named by the first line. A row of another width is a fault; blank lines are passed over.

    Raises DataError when the header names a column twice.
    """
    header: list[str] | None = None
    for item in cells:
        if isinstance(item, Fault):
            if header is None:
                raise DataError(f"{path}:{item.line}: the header cannot be read: {item.reason}")
            yield item
            continue
        line, fields = item
        if not any(fields):
            continue
        if header is None:
            header = _header(fields, f"{path}:{line}")
        elif len(fields) != len(header):
            yield Fault(line, f"{len(fields)} fields where the header has {len(header)}")
        else:
            yield Row(line, dict(zip(header, fields, strict=True)))


def _header(fields: list[str], place: str) -> list[str]:
    names = [name.strip() or f"column_{number}" for number, name in enumerate(fields, start=1)]
    duplicates = [name for name, count in Counter(names).items() if count > 1]
    if duplicates:
        raise DataError(f"{place}: the header names {', '.join(duplicates)} twice; columns need different names")
    return names
