"""How quality grows with labelled rows, and from how many on training beats what needs none."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.figures import Point, Result, Summary
from reports.charts.curves import STYLES, Chart, Curve, Frame, LogAxis, Scale, Value, chart
from reports.charts.whiskers import Axis, value_axis
from reports.facts import numbers
from reports.facts.columns import Column, columns
from reports.facts.wording import listed

WIDE = 8.0  # from such a ratio on, rows are drawn on a logarithmic axis


@dataclass(frozen=True, slots=True)
class Row:
    """One size."""

    rows: str
    figures: tuple[tuple[str, str | None] | None, ...]  # of each family: value, interval


@dataclass(frozen=True, slots=True)
class Part:
    """One headline figure."""

    column: Column
    chart: Chart
    families: tuple[str, ...]
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Figure:
    """One figure's results: along each family, from few rows to many, and of the other variants."""

    column: Column
    families: dict[str, list[tuple[int, Result]]]
    others: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What can be said of a family against one other variant."""

    by_test: bool  # a paired comparison says so; else the intervals
    never: bool
    place: int  # of the size from which on it holds
    when: str


def section(summary: Summary) -> tuple[Part, ...]:
    """One part for each headline figure that was measured at several sizes."""
    return tuple(_part(summary, figure) for figure in _figures(summary))


def sentences(summary: Summary) -> tuple[str, ...]:
    """From how many rows on each family beats the others, figure by figure."""
    return tuple(text for figure in _figures(summary) for text in _sentences(summary, figure))


def _figures(summary: Summary) -> list[_Figure]:
    learnt = {point.variant for point in summary.curve}
    found = []
    for column in columns(summary):
        results = {r.variant: r for r in summary.results if (r.task, r.metric) == column.key and r.mean is not None}
        families = _families(summary.curve, results) if column.headline else {}
        if any(len(family) > 1 for family in families.values()):
            others = tuple(result for variant, result in results.items() if variant not in learnt)
            found.append(_Figure(column, families, others))
    return found


def _families(points: Sequence[Point], results: dict[str, Result]) -> dict[str, list[tuple[int, Result]]]:
    found: dict[str, list[tuple[int, Result]]] = {}
    for point in sorted(points, key=lambda point: point.rows):
        if point.variant in results:
            found.setdefault(point.family, []).append((point.rows, results[point.variant]))
    return {family: found[family] for family in dict.fromkeys(p.family for p in points) if family in found}


def _part(summary: Summary, figure: _Figure) -> Part:
    info = figure.column.info
    sizes = sorted({size for family in figure.families.values() for size, _ in family})
    by_size = {name: dict(family) for name, family in figure.families.items()}
    rows = tuple(
        Row(f"{size:,}", tuple(_told(figure.column, by_size[name].get(size)) for name in by_size)) for size in sizes
    )
    every = [result for family in figure.families.values() for _, result in family] + list(figure.others)
    x, y = _rows_axis(sizes), _roomy(value_axis(every, info), every)
    ticks = [(tick, numbers.with_unit(tick, info).replace(".0 %", " %")) for tick in y.ticks()]
    frame = Frame(x, y, [(size, f"{size:,}") for size in sizes], ticks, 18.0)
    curves = [*_curves(figure, x), *_levels(summary, figure)]
    about = f"{figure.column.name} by labelled rows. " + "; ".join(
        f"{name}: " + ", ".join(f"{numbers.with_unit(r.mean or 0.0, info)} at {size:,}" for size, r in family)
        for name, family in figure.families.items()
    )
    drawn = chart(figure.column.name, about, "labelled rows", frame, curves)
    return Part(figure.column, drawn, tuple(by_size), rows, tuple(_sentences(summary, figure)))


def _rows_axis(sizes: Sequence[int]) -> Scale:
    """With room at the left, where the labels of the other axis stand."""
    least, most = min(sizes), max(sizes)
    span = most / max(1, least)
    return LogAxis(least / span**0.16, most * span**0.02) if span > WIDE and least else Axis(0.0, 1.02 * most)


def _roomy(axis: Axis, every: Sequence[Result]) -> Axis:
    """Only the part of a percentage's range that is used: a curve is read by its slope."""
    ends = [end for r in every for end in (r.low, r.mean, r.high) if end is not None]
    room = 0.05 * (max(ends) - min(ends)) or 0.05
    return Axis(max(axis.low, min(ends) - room), min(axis.high, max(ends) + room))


def _curves(figure: _Figure, x: Scale) -> list[Curve]:
    """Families measured at the same sizes stand a little apart, so that their intervals can be told apart."""
    log = not isinstance(x, Axis)
    top = max(size for family in figure.families.values() for size, _ in family)
    found = []
    for place, (name, family) in enumerate(figure.families.items()):
        by = place - (len(figure.families) - 1) / 2
        values = [
            Value(size * 1.02**by if log else size + 0.006 * by * top, r.mean or 0.0, r.low, r.high, _hint(figure, r))
            for size, r in family
        ]
        last = numbers.with_unit(family[-1][1].mean or 0.0, figure.column.info)
        found.append(Curve(name, f"s{place % STYLES + 1}", values, last, dotted=True))
    return found


def _levels(summary: Summary, figure: _Figure) -> list[Curve]:
    return [
        Curve(
            result.variant + (" (upper bound)" if result.variant in summary.bounds else ""),
            "level",
            [Value(1.0, result.mean or 0.0)],
            numbers.with_unit(result.mean or 0.0, figure.column.info),
            level=True,
        )
        for result in figure.others
    ]


def _hint(figure: _Figure, result: Result) -> str:
    told = _told(figure.column, result)
    return f"{result.variant}: {told[0]}{f', 95 % interval {told[1]}' if told[1] else ''}" if told else ""


def _told(column: Column, result: Result | None) -> tuple[str, str | None] | None:
    if result is None:
        return None
    bounds = numbers.interval(result.low, result.high, column.info)
    return numbers.with_unit(result.mean or 0.0, column.info), bounds


def _sentences(summary: Summary, figure: _Figure) -> list[str]:
    """One a family. A paired comparison decides where there is one, else the intervals; nothing more is claimed."""
    others = [result for result in figure.others if result.variant not in summary.bounds]
    if figure.column.info.better == "neither" or not others:
        return []
    return [_sentence(summary, figure, name, others) for name in figure.families]


def _sentence(summary: Summary, figure: _Figure, name: str, others: Sequence[Result]) -> str:
    claims: dict[_Claim, list[str]] = {}
    for other in others:
        claims.setdefault(_claim(summary, figure, figure.families[name], other), []).append(other.variant)
    below = "below" if figure.column.info.better == "lower" else "above"
    told: list[str] = []
    for claim, names in sorted(claims.items(), key=lambda pair: (pair[0].never, not pair[0].by_test, pair[0].place)):
        subject = ("it" if told else name) if claim.by_test else ("its interval" if told else f"the interval of {name}")
        if claim.by_test:
            verb = f"is {'not ' if claim.never else ''}shown to be better than {listed(names)}"
        else:
            those = "those" if len(names) > 1 else "that"
            verb = f"{'does not lie' if claim.never else 'lies'} {below} {those} of {listed(names)}"
        told.append(f"{subject} {verb} {claim.when}")
    return f"On {figure.column.name}, {'; '.join(told)}."


def _claim(summary: Summary, figure: _Figure, family: Sequence[tuple[int, Result]], other: Result) -> _Claim:
    tested = {
        found.variant: found.verdict == "better"
        for found in (*summary.comparisons, *summary.floors)
        if (found.task, found.metric, found.reference) == (*figure.column.key, other.variant)
    }
    by_test = all(result.variant in tested for _, result in family)
    sign = -1.0 if figure.column.info.better == "lower" else 1.0
    sizes = [size for size, _ in family]
    beats = [tested[result.variant] if by_test else _apart(result, other, sign) for _, result in family]
    holding = _holding(beats)
    if holding < len(beats):
        return _Claim(by_test, False, holding, f"from {sizes[holding]:,} rows on")
    some = [f"{size:,}" for size, holds in zip(sizes, beats, strict=True) if holds]
    if some:
        return _Claim(by_test, False, holding, f"at {listed(some)} rows, but not at {sizes[-1]:,}")
    return _Claim(by_test, True, holding, f"up to {sizes[-1]:,} rows")


def _holding(beats: Sequence[bool]) -> int:
    """From which place on all of them hold."""
    place = len(beats)
    while place and beats[place - 1]:
        place -= 1
    return place


def _apart(ours: Result, theirs: Result, sign: float) -> bool:
    """Whether our whole interval is better than theirs."""
    worst, best = (ours.low, theirs.high) if sign > 0 else (ours.high, theirs.low)
    return worst is not None and best is not None and sign * worst > sign * best
