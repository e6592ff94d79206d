"""How one file becomes train, validation and test, so that no row is in two of them and a seed repeats the division."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from harness.errors import DataError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_RANGE = re.compile(r"(\d*):(\d*)")


@dataclass(frozen=True, slots=True)
class Fractions:
    """Percentages of the rows; they add up to 100."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True, slots=True)
class Ranges:
    """Half-open ranges of record numbers counted from 0; None is the end of the file."""

    by_split: Mapping[Split, tuple[int, int | None]]


def parse_split(written: str | Mapping[Split, str]) -> Fractions | Ranges:
    """ "85/10/5" (train/validation/test in percent) or {train: "0:900", test: "900:1000"}. Raises ValueError."""
    if isinstance(written, str):
        return _fractions(written)
    ranges = {split: _range(split, text) for split, text in written.items()}
    if "test" not in ranges:
        raise ValueError('split: a range for test is needed, e.g. test: "900:1000"')
    ordered = sorted(ranges.items(), key=lambda item: item[1][0])
    for (first, (_, end)), (second, (begin, _)) in pairwise(ordered):
        if end is None or end > begin:
            raise ValueError(f"split: the ranges of {first} and {second} overlap")
    return Ranges(ranges)


def cut(numbers: list[int], total: int, split: Fractions | Ranges, seed: int, name: str) -> dict[Split, list[int]]:
    """Indices into `numbers` by split, in file order.

    `numbers` are the 0-based record numbers of the good rows among `total`. Ranges go by record number, so that leaving
    out a bad row moves no other row; fractions shuffle the good rows with `seed` and round to the nearest row.
    """
    parts = (
        _by_range(numbers, total, split, name) if isinstance(split, Ranges) else _by_share(len(numbers), split, seed)
    )
    if not parts["test"]:
        raise DataError(f"{name}: the split leaves no row for test ({len(numbers)} rows in the file)")
    return parts


def _fractions(written: str) -> Fractions:
    parts = written.split("/")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts) or sum(map(int, parts)) != 100:
        raise ValueError(f"split: '{written}' is not train/validation/test in whole percent adding up to 100: 85/10/5")
    shares = Fractions(*map(int, parts))
    if shares.test == 0:
        raise ValueError(f"split: '{written}' leaves nothing for test")
    return shares


def _range(split: Split, written: str) -> tuple[int, int | None]:
    match = _RANGE.fullmatch(written.strip())
    if match is None:
        raise ValueError(f'split: {split}: \'{written}\' is not a range of rows such as "0:900" or "900:"')
    begin, end = int(match[1] or 0), int(match[2]) if match[2] else None
    if end is not None and end <= begin:
        raise ValueError(f"split: {split}: '{written}' is empty; the end is not part of a range")
    return begin, end


def _by_share(rows: int, split: Fractions, seed: int) -> dict[Split, list[int]]:
    order = list(range(rows))
    random.Random(seed).shuffle(order)
    first = (rows * split.train + 50) // 100
    second = (rows * (split.train + split.validation) + 50) // 100
    return {"train": sorted(order[:first]), "validation": sorted(order[first:second]), "test": sorted(order[second:])}


def _by_range(numbers: list[int], total: int, split: Ranges, name: str) -> dict[Split, list[int]]:
    parts: dict[Split, list[int]] = {part: [] for part in SPLITS}
    for part, (begin, end) in split.by_split.items():
        if begin >= total or (end is not None and end > total):
            raise DataError(f"{name}: split: {part}: {begin}:{'' if end is None else end} goes beyond the {total} rows")
        parts[part] = [i for i, number in enumerate(numbers) if begin <= number < (total if end is None else end)]
    return parts
