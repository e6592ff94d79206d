"""How one file becomes train, test and validation, so that no row is in two of them and a seed repeats the division."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Literal

from harness.errors import DataError, nearest

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
ORDER: tuple[Split, ...] = ("train", "test", "validation")  # of shares, in the file and where they have no names
_RANGE = re.compile(r"(\d*):(\d*)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*%?")
_BARE = "three shares train/test/validation such as 85/10/5; by name: {train: 85, test: 10, validation: 5}"


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of the rows; they add up to 1."""

    by_split: Mapping[Split, Fraction]
    written: str


@dataclass(frozen=True, slots=True)
class Ranges:
    """Half-open ranges of record numbers counted from 0; None is the end of the file."""

    by_split: Mapping[Split, tuple[int, int | None]]


def parse_split(written: str | Mapping[Split, str | float]) -> Shares | Ranges:
    """Shares by name or as "85/10/5" (train/test/validation), or {train: "0:900", test: "900:1000"}.

    Shares add up to 100 or to 1. Raises ValueError.
    """
    if isinstance(written, str):
        parts = written.split("/")
        if len(parts) != len(ORDER) or not all(_SHARE.fullmatch(part.strip()) for part in parts):
            raise ValueError(f"'{written}' is not {_BARE}")
        return _shares(dict(zip(ORDER, parts, strict=True)), written)
    for name in written:
        if name not in SPLITS:
            raise ValueError(f"'{name}' is not train, test or validation ({nearest(str(name), SPLITS)})")
    are_ranges = {":" in str(value) for value in written.values()}
    if are_ranges == {True, False}:
        raise ValueError("some parts are shares and others ranges of rows; write all of them in one way")
    return _ranges(written) if are_ranges == {True} else _shares(written, _spelled(written))


def cut(numbers: list[int], total: int, split: Shares | Ranges, seed: int | None, name: str) -> dict[Split, list[int]]:
    """Indices into `numbers` by split, in file order.

    `numbers` are the 0-based record numbers of the good rows among `total`. Ranges go by record number, so that leaving
    out a bad row moves no other row; shares count the good rows, in the order train, test, validation: each is rounded
    down, and the last one takes the rest. `seed` shuffles what is divided; None leaves it in file order.
    """
    parts = _by_range(numbers, total, split, seed) if isinstance(split, Ranges) else _by_share(numbers, split, seed)
    beyond = _beyond(split, total) if isinstance(split, Ranges) else None
    if beyond:
        raise DataError(f"{name}: split: {beyond} goes beyond the {total} rows")
    if not parts["test"]:
        raise DataError(f"{name}: the split leaves no row for test ({len(numbers)} rows in the file)")
    return parts


def division_in_words(split: Shares | Ranges, parts: Mapping[Split, list[int]], seed: int | None) -> str:
    """Which rows are what, in one sentence; `parts` are those of `cut`."""
    order = "in file order" if seed is None else f"drawn at random with seed {seed}"
    if isinstance(split, Ranges):
        ranges = {part: f"{begin}:{'' if end is None else end}" for part, (begin, end) in split.by_split.items()}
        return f"split into ranges, {order}: {', '.join(f'{part} {text}' for part, text in ranges.items())}"
    total = sum(map(len, parts.values()))
    sizes = {part: len(parts[part]) for part in ORDER if parts[part]}
    if seed is None:
        ends = list(accumulate(sizes.values()))
        begins = [1, *(end + 1 for end in ends)]
        places = [f"{part} {begin:,}-{end:,}" for part, begin, end in zip(sizes, begins, ends, strict=False)]
    else:
        places = [f"{part} {size:,}" for part, size in sizes.items()]
    meaning = "" if split.written.startswith("{") else " is train/test/validation"
    return f"split {split.written}{meaning}, {order}: of {total:,} rows {', '.join(places)}"


def _spelled(written: Mapping[Split, str | float]) -> str:
    return (
        "{"
        + ", ".join(
            f"{part}: {format(value, 'g') if isinstance(value, float) else value}" for part, value in written.items()
        )
        + "}"
    )


def _shares(written: Mapping[Split, str | float], spelled: str) -> Shares:
    values = {part: _share(part, value) for part, value in written.items()}
    total = sum(values.values(), Fraction(0))
    if total not in (1, 100):
        raise ValueError(f"the shares {spelled} add up to {float(total):g}, not to 100 or 1.0")
    if not values.get("test"):
        order = "" if spelled.startswith("{") else " (the order is train/test/validation)"
        raise ValueError(f"{spelled} leaves nothing for test, on which scores are computed{order}")
    return Shares({part: values[part] / total for part in ORDER if values.get(part)}, spelled)


def _share(part: Split, value: str | float) -> Fraction:
    match = None if isinstance(value, bool) else _SHARE.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{part}: '{value}' is neither a share such as 85 or 0.85 nor a range such as \"0:900\"")
    return Fraction(match[1])


def _ranges(written: Mapping[Split, str | float]) -> Ranges:
    ranges = {part: _range(part, str(text)) for part, text in written.items()}
    if "test" not in ranges:
        raise ValueError('a range for test is needed, e.g. test: "900:1000"')
    ordered = sorted(ranges.items(), key=lambda item: item[1][0])
    for (first, (_, end)), (second, (begin, _)) in pairwise(ordered):
        if end is None or end > begin:
            raise ValueError(f"the ranges of {first} and {second} overlap")
    return Ranges(ranges)


def _range(part: Split, written: str) -> tuple[int, int | None]:
    match = _RANGE.fullmatch(written.strip())
    if match is None:
        raise ValueError(f'{part}: \'{written}\' is not a range of rows such as "0:900" or "900:"')
    begin, end = int(match[1] or 0), int(match[2]) if match[2] else None
    if end is not None and end <= begin:
        raise ValueError(f"{part}: '{written}' is empty; the end is not part of a range")
    return begin, end


def _order(rows: int, seed: int | None) -> list[int]:
    order = list(range(rows))
    if seed is not None:
        random.Random(seed).shuffle(order)
    return order


def _by_share(numbers: list[int], split: Shares, seed: int | None) -> dict[Split, list[int]]:
    order = _order(len(numbers), seed)
    parts: dict[Split, list[int]] = {part: [] for part in SPLITS}
    begin = 0
    for part, share in split.by_split.items():
        is_last = part == list(split.by_split)[-1]
        end = len(order) if is_last else begin + int(len(order) * share)
        parts[part], begin = sorted(order[begin:end]), end
    return parts


def _by_range(numbers: list[int], total: int, split: Ranges, seed: int | None) -> dict[Split, list[int]]:
    place = {record: place for place, record in enumerate(_order(total, seed))}
    parts: dict[Split, list[int]] = {part: [] for part in SPLITS}
    for part, (begin, end) in split.by_split.items():
        places = range(begin, total if end is None else end)
        parts[part] = [i for i, number in enumerate(numbers) if place[number] in places]
    return parts


def _beyond(split: Ranges, total: int) -> str | None:
    """The first range that is not within the rows, as it is written."""
    for part, (begin, end) in split.by_split.items():
        if begin >= total or (end is not None and end > total):
            return f"{part}: {begin}:{'' if end is None else end}"
    return None
