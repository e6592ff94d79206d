"""What stands in the columns of a table: how much, how long, how often the same."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.records.inputs import JSON
from harness.statistics.spreads import Spread, spread_of
from harness.text.normalise import is_missing

EXAMPLES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnProfile:
    """A column over the rows that were read; lengths are in characters, of filled cells only."""

    name: str
    filled: int
    distinct: int
    lengths: Spread | None  # None where no cell is filled
    commonest: tuple[tuple[str, int], ...]
    structures: int  # cells that hold a list or an object

    @property
    def is_blank(self) -> bool:
        return not self.filled


def profile_columns(rows: Sequence[Mapping[str, JSON]]) -> tuple[ColumnProfile, ...]:
    """The profiles in the order in which the columns first occur."""
    names = dict.fromkeys(name for row in rows for name in row)
    return tuple(_profile(name, [row.get(name) for row in rows]) for name in names)


def cell_text(cell: JSON) -> str:
    """A cell as text; a list or an object as JSON, a missing one as nothing."""
    if is_missing(cell):
        return ""
    return cell.strip() if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def filled_texts(rows: Iterable[Mapping[str, JSON]], column: str) -> list[str]:
    """The texts of a column that are not blank."""
    return [text for row in rows if (text := cell_text(row.get(column)))]


def _profile(name: str, cells: Sequence[JSON]) -> ColumnProfile:
    texts = [text for cell in cells if (text := cell_text(cell))]
    counts = Counter(texts)
    return ColumnProfile(
        name=name,
        filled=len(texts),
        distinct=len(counts),
        lengths=spread_of([len(text) for text in texts]) if texts else None,
        commonest=tuple(counts.most_common(EXAMPLES)),
        structures=sum(isinstance(cell, list | dict) for cell in cells),
    )
