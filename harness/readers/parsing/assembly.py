"""From rows to a Dataset: identifiers, bad rows, splits and limits are treated alike for all formats."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, count
from pathlib import Path
from typing import Literal, Protocol

from harness.components.dataset import Dataset
from harness.errors import DataError
from harness.readers.parsing.rows import BadRow, Fault, Row, columns_of, kind_of
from harness.readers.parsing.split import SPLITS, Ranges, Shares, Split, cut, division_in_words
from harness.records.inputs import JSON, Sample
from harness.text.column_names import column_remedy

_LISTED = 5  # bad rows listed one by one; enough to see a pattern


class Layout(Protocol):
    """The meaning of a row's columns."""

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that must occur in the file; that a single row lacks one is that row's fault."""

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        """The row's own identifier; None: it is numbered. Raises BadRow."""

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        """The row as a sample. Raises BadRow with the reason why it is no sample."""


@dataclass(frozen=True, slots=True)
class RowSource:
    """A stream of rows with their layout and origin."""

    name: str  # as messages name it: the file as given, or a hub id
    rows: Callable[[], Iterable[Row | Fault]]
    layout: Layout

    @property
    def stem(self) -> str:
        return Path(self.name).stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How rows are divided, and how bad rows are treated."""

    split: Shares | Ranges | None = None
    shuffle: bool = False  # what the split divides
    limit: int | None = None  # of test samples
    group: str | None = None  # the column, or name in `meta`, of what a sample belongs to
    on_bad_row: Literal["error", "skip"] = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loaded:
    """A source read to its end. `numbers` are the 0-based record numbers of the samples."""

    name: str
    total: int
    numbers: list[int]
    lines: list[int]
    samples: list[Sample]
    faults: list[str]


def assemble(task: str, seed: int, sources: Mapping[Split, Sequence[RowSource]], division: Division) -> Dataset:
    """Read all sources and divide them. Only `test` is divided further, and only when the division says so.

    Samples without an identifier get "<file stem>:<record number from 1>"; the split's name goes before it, or the
    whole name of the file, where two files have the same stem. Several sources of a split are read as one. `limit`
    keeps the first test samples, after the division. Raises DataError.
    """
    loaded: dict[Split, list[_Loaded]] = {}
    stems: set[str] = set()
    for split in ("test", "train", "validation"):  # test first: adding a train file renames no test sample
        loaded[split] = []
        for source in sources.get(split, ()):
            prefix = next(name for name in _prefixes(split, source) if name not in stems)
            stems.add(prefix)
            loaded[split].append(_load(source, task, prefix, division))
    all_loaded = [part for parts in loaded.values() for part in parts]
    _refuse_duplicate_ids(all_loaded)
    samples: dict[Split, list[Sample]] = {
        split: [sample for part in parts for sample in part.samples] for split, parts in loaded.items()
    }
    in_words = ""
    if division.split is not None:
        parts, in_words = _divided(loaded["test"], division.split, seed if division.shuffle else None)
        samples = {split: parts[split] if split == "test" else samples[split] + parts[split] for split in samples}
    return Dataset(
        test=tuple(samples["test"][: division.limit]),
        train=tuple(samples["train"]),
        validation=tuple(samples["validation"]),
        skipped=tuple(fault for part in all_loaded for fault in part.faults),
        division=in_words,
    )


def _prefixes(split: Split, source: RowSource) -> Iterator[str]:
    """What may stand before the record number in an identifier, the first that is free."""
    yield from (source.stem, f"{split}/{source.stem}", f"{split}/{Path(source.name).name}")
    yield from (f"{split}/{source.name}#{number}" for number in count(2))


def _divided(
    parts: Sequence[_Loaded], split: Shares | Ranges, seed: int | None
) -> tuple[dict[Split, list[Sample]], str]:
    """The samples of one split divided into all, and how in words; record numbers go through all its files."""
    samples = [sample for part in parts for sample in part.samples]
    begins = accumulate((part.total for part in parts), initial=0)
    numbers = [begin + number for begin, part in zip(begins, parts, strict=False) for number in part.numbers]
    name = parts[0].name if len(parts) == 1 else str(Path(parts[0].name).parent)
    places = cut(numbers, sum(part.total for part in parts), split, seed, name)
    return {part: [samples[i] for i in places[part]] for part in SPLITS}, division_in_words(split, places, seed)


def _load(source: RowSource, task: str, prefix: str, division: Division) -> _Loaded:
    rows = list(source.rows())
    if not rows:
        raise DataError(f"{source.name}: holds no rows")
    _require_columns(source, rows)
    skip = division.on_bad_row == "skip"
    loaded = _Loaded(name=source.name, total=len(rows), numbers=[], lines=[], samples=[], faults=[])
    for number, row in enumerate(rows):
        try:
            if isinstance(row, Fault):
                raise BadRow(row.reason)
            identifier = source.layout.identifier(row.values) or f"{prefix}:{number + 1}"
            sample = source.layout.sample(row.values, task, identifier)
            sample = _in_group(sample, row.values, division.group)
            loaded.samples.append(replace(sample, meta=columns_of(sample.meta)))
        except BadRow as reason:
            loaded.faults.append(f"{source.name}:{row.line}: {reason}")
        else:
            loaded.numbers.append(number)
            loaded.lines.append(row.line)
    if loaded.samples:
        _require_group(source, rows, loaded.samples, division.group)
    if loaded.faults and not (skip and loaded.samples):
        raise DataError(*_fault_lines(loaded.faults, source.name, skip))
    return loaded


def _in_group(sample: Sample, values: Mapping[str, JSON], column: str | None) -> Sample:
    """The sample with its group, from its row or from what prompts see of it; a blank one is none. Raises BadRow."""
    label = None if column is None else {**sample.meta, **values}.get(column)
    if isinstance(label, list | dict):
        raise BadRow(f"group: '{column}' holds {kind_of(label)} where a text or a number is expected")
    name = "" if label is None else str(label).strip()
    return replace(sample, group=name or None)


def _require_group(source: RowSource, rows: list[Row | Fault], samples: list[Sample], column: str | None) -> None:
    """Raise DataError if neither a row nor what prompts see of it has the column."""
    columns = dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.values)
    columns |= dict.fromkeys(name for sample in samples for name in sample.meta)
    if column is not None and column not in columns:
        raise DataError(f"{source.name}: group: no column '{column}' ({column_remedy(column, columns)})")


def _require_columns(source: RowSource, rows: list[Row | Fault]) -> None:
    columns = dict.fromkeys(column for row in rows if isinstance(row, Row) for column in row.values)
    for column in source.layout.required if columns else ():
        if column not in columns:
            remedy = column_remedy(column, columns, source.layout.required)
            raise DataError(f"{source.name}: no column '{column}' ({remedy})")


def _refuse_duplicate_ids(loaded: Iterable[_Loaded]) -> None:
    places: dict[str, str] = {}
    for part in loaded:
        for line, sample in zip(part.lines, part.samples, strict=True):
            place = f"{part.name}:{line}"
            if sample.id in places:
                raise DataError(
                    f"{place}: id '{sample.id}' is also at {places[sample.id]}; all splits need different ids"
                )
            places[sample.id] = place


def _fault_lines(faults: list[str], name: str, skip: bool) -> list[str]:
    if skip:
        return [f"{name}: none of the {len(faults)} rows can be used; the first: {faults[0]}"]
    more = len(faults) - _LISTED
    return faults[:_LISTED] + ([f"{name}: and {more} more bad rows"] if more > 0 else [])
