"""Which labels are taken for which, as a picture: where a classifier fails, not only how often."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.figures import Confusion, Summary
from reports.facts.wording import counted

MOST = 20  # labels shown each by itself; of more, those that are confused most
KEPT = 15
NAMED = 3  # confusions told in words
STEPS = (0.1, 0.25, 0.5, 0.75)  # shares of a row at which the shade deepens


@dataclass(frozen=True, slots=True)
class Cell:
    """How often one label was taken for another."""

    count: str
    shade: int  # 0 where it never happened, to 5
    right: bool
    told: str
    sub: str | None = None  # where labels are summed: how many of them are right


@dataclass(frozen=True, slots=True)
class Row:
    """One right label."""

    label: str
    cells: tuple[Cell, ...]
    total: str
    recall: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """One variant."""

    variant: str
    labels: tuple[str, ...]  # of the columns
    upright: bool  # whether they are too long to stand above a narrow column
    rows: tuple[Row, ...]
    totals: tuple[str, ...]
    summed: str | None  # what "other" stands for
    sentence: str


@dataclass(frozen=True, slots=True)
class Part:
    """One metric of one task."""

    figure: str
    wide: bool  # whether two pictures have no room side by side
    matrices: tuple[Matrix, ...]


def section(summary: Summary) -> tuple[Part, ...]:
    """One part a metric; variants in the suite's order, the reference first."""
    figures = dict.fromkeys((one.task, one.metric) for one in summary.confusions)
    return tuple(_part(summary, task, metric) for task, metric in figures)


def _part(summary: Summary, task: str, metric: str) -> Part:
    some = [one for one in summary.confusions if (one.task, one.metric) == (task, metric)]
    some.sort(key=lambda one: one.variant != summary.reference)
    matrices = tuple(_matrix(one) for one in some)
    wide = any(len(matrix.labels) > 8 for matrix in matrices)
    return Part(f"{task}.{metric}", wide, matrices)


def _matrix(one: Confusion) -> Matrix:
    """Rows that no item has and columns that are neither right nor said are left out."""
    groups, summed = _grouped(one)
    counts = [[sum(_count(one, i, j) for i in rows for j in columns) for columns in groups] for rows in groups]
    inner = [sum(_count(one, i, i) for i in rows) for rows in groups]
    names = [one.labels[group[0]] if len(group) == 1 else f"other ({len(group)})" for group in groups]
    columns = [j for j in range(len(groups)) if any(row[j] for row in counts) or any(counts[j])]
    rows = tuple(
        _row(names, i, counts[i], inner[i] if len(groups[i]) > 1 else None, columns)
        for i in range(len(groups))
        if any(counts[i])
    )
    return Matrix(
        one.variant,
        tuple(names[j] for j in columns),
        any(_wide(names[j]) for j in columns),
        rows,
        tuple(f"{sum(row[j] for row in counts):,}" for j in columns),
        summed,
        _sentence(one),
    )


def _grouped(one: Confusion) -> tuple[list[tuple[int, ...]], str | None]:
    """Places of labels that stand together: each by itself, or the least confused ones as the last."""
    size = len(one.labels)
    if size <= MOST:
        return [(i,) for i in range(size)], None
    wrong = [sum(_count(one, i, j) + _count(one, j, i) for j in range(size) if j != i) for i in range(size)]
    kept = sorted(sorted(range(size), key=lambda i: -wrong[i])[:KEPT])
    rest = tuple(i for i in range(size) if i not in kept)
    told = f"The {KEPT} labels that are confused most, of {size}; the others are summed."
    return [*((i,) for i in kept), rest], told


def _count(one: Confusion, right: int, said: int) -> int:
    """Labels that are never right have no row."""
    return one.counts[right][said] if right < len(one.counts) else 0


def _row(names: Sequence[str], place: int, counts: Sequence[int], inner: int | None, columns: Sequence[int]) -> Row:
    total = sum(counts)
    cells = tuple(
        Cell(
            f"{counts[j]:,}" if counts[j] else "·",
            _shade(counts[j] / total),
            j == place and inner is None,
            f"{names[place]} taken for {names[j]}: {counts[j]:,} of {total:,}",
            f"{inner:,} right" if j == place and inner is not None else None,
        )
        for j in columns
    )
    right = counts[place] if inner is None else inner
    return Row(names[place], cells, f"{total:,}", f"{100 * right / total:.1f} %")


def _shade(share: float) -> int:
    return 1 + sum(share >= step for step in STEPS) if share else 0


def _wide(name: str) -> bool:
    """Whether a name is wider than a column of figures, Chinese characters counted twice."""
    return sum(2 if ord(sign) >= 0x2E80 else 1 for sign in name) > 6


def _sentence(one: Confusion) -> str:
    wrong = [
        (count, one.labels[i], one.labels[j], sum(row))
        for i, row in enumerate(one.counts)
        for j, count in enumerate(row)
        if i != j and count
    ]
    total = sum(map(sum, one.counts))
    if not total:
        return "No item has a value."
    if not wrong:
        return f"No label is taken for another among {counted(total, 'item')}."
    wrong.sort(key=lambda found: -found[0])
    told = (f"{right} for {said} ({count:,} of {of:,})" for count, right, said, of in wrong[:NAMED])
    return f"Most frequent confusions: {', '.join(told)}."
