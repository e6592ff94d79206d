"""Which column is asked and which is the right answer: by its name, else by what stands in it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.authoring.column_profiles import ColumnProfile, filled_texts
from harness.errors import HarnessError, nearest
from harness.records.inputs import JSON
from harness.text.normalise import normalise
from harness.text.templates import LETTERS

_WORDS: Mapping[str, Sequence[str]] = yaml.safe_load(
    Path(__file__).with_name("column_words.yaml").read_text(encoding="utf-8")
)
_OPTION = re.compile(r"(?:option|choice|opt|选项|答案)?[\s_-]*\(?([A-Z])\)?", re.IGNORECASE)
Fits = Callable[[ColumnProfile], bool]
MOST_LABELS = 30
_SHORT = 40  # characters of a label at most


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnRoles:
    """What the columns of a table are; None where none is, or none can be told."""

    input: str | None = None
    target: str | None = None
    id: str | None = None
    group: str | None = None
    options: tuple[str, ...] | str = ()  # the columns of A, B, …, or one column that holds them all


def guess_roles(
    columns: Sequence[ColumnProfile], rows: Sequence[Mapping[str, JSON]], stated: ColumnRoles
) -> ColumnRoles:
    """The roles; what the user states is kept. Raises HarnessError for a stated column that is not there."""
    by_name = {column.name: column for column in columns}
    for flag in ("input", "target", "id"):
        name = getattr(stated, flag)
        if name is not None and name not in by_name:
            raise HarnessError(f"--{flag} {name}: no column has this name ({nearest(name, by_name)})")
    options = _options(columns)
    used = {options} if isinstance(options, str) else set(options)
    free = [column for column in columns if column.name not in used]
    target = stated.target or _target(free, len(rows), stated.input)
    identifier = stated.id or _identifier(free, len(rows), {stated.input, target})
    question = stated.input or _input(free, {target, identifier})
    if target is None and question is not None:
        target = _other_of_two(free, len(rows), {question, identifier})
    return ColumnRoles(
        input=question,
        target=target,
        id=identifier,
        group=_first(free, _WORDS["groups"], lambda column: column.distinct < len(rows)),
        options=options if target and _are_letters(rows, target) else (),
    )


def unusable(column: ColumnProfile, rows: int) -> str | None:
    """Why a column is no right answer, in words; None where it may be one."""
    if column.is_blank:
        return "is empty"
    if column.structures:
        return "holds lists or objects, where text is expected"
    if column.distinct == 1 and rows > 1:
        return f"is {column.commonest[0][0][:30]!r} in each row"
    if column.filled * 2 < rows:
        return f"is empty in {rows - column.filled:,} of {rows:,} rows"
    return None


def _target(columns: Sequence[ColumnProfile], rows: int, question: str | None) -> str | None:
    usable = [column for column in columns if column.name != question and unusable(column, rows) is None]
    named = _first(usable, _WORDS["targets"])
    if named is not None:
        return named
    labels = [column for column in usable if 1 < column.distinct <= min(MOST_LABELS, rows // 3) and _is_short(column)]
    return labels[-1].name if len(labels) == 1 else None


def _input(columns: Sequence[ColumnProfile], used: set[str | None]) -> str | None:
    usable = [
        column
        for column in columns
        if column.name not in used and (column.distinct > 1 or column.filled == 1) and not column.structures
    ]
    return _first(usable, _WORDS["inputs"]) or (max(usable, key=_median).name if len(usable) == 1 else None)


def _other_of_two(columns: Sequence[ColumnProfile], rows: int, used: set[str | None]) -> str | None:
    """The only other column that can be a right answer."""
    usable = [column.name for column in columns if column.name not in used and unusable(column, rows) is None]
    return usable[0] if len(usable) == 1 else None


def _identifier(columns: Sequence[ColumnProfile], rows: int, used: set[str | None]) -> str | None:
    free = [column for column in columns if column.name not in used]
    return _first(
        free, _WORDS["ids"], lambda column: column.filled == column.distinct == rows and not column.structures
    )


def _options(columns: Sequence[ColumnProfile]) -> tuple[str, ...] | str:
    letters = {match[1].upper(): column.name for column in columns if (match := _OPTION.fullmatch(column.name.strip()))}
    row = []
    for letter in LETTERS:
        if letter not in letters:
            break
        row.append(letters[letter])
    if len(row) >= 2:
        return tuple(row)
    listed = _first([column for column in columns if column.filled], _WORDS["options"])
    return listed or ()


def _are_letters(rows: Sequence[Mapping[str, JSON]], target: str) -> bool:
    texts = filled_texts(rows, target)
    return bool(texts) and all(re.fullmatch(r"[A-Za-z]{1,6}", normalise(text, punctuation="drop")) for text in texts)


def _first(columns: Sequence[ColumnProfile], names: Sequence[str], fits: Fits | None = None) -> str | None:
    """The column whose name stands first in a list, equal before contained."""
    plain = {normalise(column.name).replace(" ", "_"): column for column in columns if fits is None or fits(column)}
    equal = next((plain[name] for name in names if name in plain), None)
    if equal is None:
        equal = next(
            (column for name in names if len(name) > 1 for key, column in plain.items() if key.endswith(name)), None
        )
    return None if equal is None else equal.name


def _is_short(column: ColumnProfile) -> bool:
    return column.lengths is not None and column.lengths.p95 <= _SHORT


def _median(column: ColumnProfile) -> float:
    return column.lengths.median if column.lengths is not None else 0.0
