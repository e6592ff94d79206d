"""Which test items stand, as they are or nearly, in what models learn from or variants look up."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.figures import Overlap, Result, Summary, Twin
from reports.facts import numbers
from reports.facts.columns import Column, columns
from reports.facts.wording import counted, listed

SIGNS = {"exact": "equal", "normalised": "equal but for writing", "near": "near"}


@dataclass(frozen=True, slots=True)
class Row:
    """One source."""

    source: str
    used: str  # by whom
    exact: int
    normalised: int
    near: int
    share: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A test item beside its twin."""

    sample_id: str
    address: str
    source: str
    place: str
    kind: str
    similarity: str
    item: str
    row: str


@dataclass(frozen=True, slots=True)
class Clean:
    """A headline figure of one variant, on all items and on the clean ones."""

    variant: str
    all: tuple[str, str | None]  # value, interval
    clean: tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One headline figure of all variants."""

    column: Column
    items: str
    clean_items: str
    rows: tuple[Clean, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One task whose test items stand elsewhere."""

    task: str
    samples: str
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    more: bool  # whether there are pairs that are not shown
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """All tasks that were checked."""

    calm: tuple[str, ...]  # of tasks without any overlap, what was checked
    parts: tuple[Part, ...]


def section(summary: Summary) -> Section | None:
    """None where nothing was checked."""
    by_task = _by_task(summary)
    if not by_task:
        return None
    found = {task: some for task, some in by_task.items() if any(map(_all, some))}
    calm = tuple(_calm(task, some) for task, some in by_task.items() if task not in found)
    return Section(calm, tuple(_part(summary, task, some) for task, some in found.items()))


def alarms(summary: Summary) -> tuple[str, ...]:
    """One sentence a task of which items stand, but for writing, elsewhere."""
    return tuple(
        _alarm(summary, task, some)
        for task, some in _by_task(summary).items()
        if any(one.exact or one.normalised for one in some)
    )


def _by_task(summary: Summary) -> dict[str, list[Overlap]]:
    found: dict[str, list[Overlap]] = {}
    for overlap in summary.overlaps:
        found.setdefault(overlap.task, []).append(overlap)
    return found


def _all(overlap: Overlap) -> int:
    return overlap.exact + overlap.normalised + overlap.near


def _part(summary: Summary, task: str, some: Sequence[Overlap]) -> Part:
    pairs = tuple(_pair(overlap, twin) for overlap in some for twin in overlap.twins)
    figures = (_figure(summary, column) for column in columns(summary) if column.task == task and column.headline)
    return Part(
        task,
        counted(some[0].samples, "test item"),
        tuple(_row(overlap) for overlap in some),
        pairs,
        len(pairs) < sum(map(_all, some)),
        tuple(figure for figure in figures if figure),
    )


def _row(overlap: Overlap) -> Row:
    share = f"{100 * _all(overlap) / max(1, overlap.samples):.1f} %"
    return Row(overlap.source, _used(overlap), overlap.exact, overlap.normalised, overlap.near, share)


def _used(overlap: Overlap) -> str:
    return f"learnt by {listed(overlap.models)}" if overlap.models else "looked up, not learnt"


def _pair(overlap: Overlap, twin: Twin) -> Pair:
    address = f"#{urlencode({'sample': f'{overlap.task}/{twin.sample_id}'})}"
    similarity = f"{100 * twin.similarity:.0f} % alike" if twin.kind == "near" else ""
    return Pair(
        twin.sample_id, address, overlap.source, twin.place, SIGNS[twin.kind], similarity, twin.item, twin.row
    )  # fmt: skip


def _figure(summary: Summary, column: Column) -> Figure | None:
    clean = {r.variant: r for r in summary.clean if (r.task, r.metric) == column.key}
    every = [r for r in summary.results if (r.task, r.metric) == column.key and r.variant in clean]
    if not every:
        return None
    rows = tuple(Clean(r.variant, _value(column, r), _value(column, clean[r.variant])) for r in every)
    counts = [clean[r.variant].samples for r in every]
    return Figure(column, _items([r.samples for r in every]), _items(counts), rows)


def _items(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    return counted(most, "item") if least == most else f"{least:,} to {most:,} items"


def _value(column: Column, result: Result) -> tuple[str, str | None]:
    value = "unknown" if result.mean is None else numbers.with_unit(result.mean, column.info)
    return value, numbers.interval(result.low, result.high, column.info)


def _alarm(summary: Summary, task: str, some: Sequence[Overlap]) -> str:
    told = []
    for overlap in (one for one in some if one.exact or one.normalised):
        count = overlap.exact + overlap.normalised
        how = ", but for writing" if not overlap.exact else ", some but for writing" if overlap.normalised else ""
        told.append(f"{count:,} in {overlap.source} ({_used(overlap)}{how})")
    clean = [r.samples for r in summary.clean if r.task == task]
    rest = f" Compare the figures on the clean {_items(clean)}." if clean else ""
    opening = f"Of the {counted(some[0].samples, 'test item')} of {task}, some also stand elsewhere"
    return f"{opening}: {listed(told)}. A right answer to them may be remembered or copied.{rest}"


def _calm(task: str, some: Sequence[Overlap]) -> str:
    sources = listed([f"{overlap.source} ({_used(overlap)})" for overlap in some])
    return (
        f"None of the {some[0].samples:,} test items of {task} was found in {sources}: not as it is, not but for case, "
        "width, spaces and punctuation, and nothing nearly the same."
    )
