"""How quality grows with labelled rows, and from how many on training beats what needs none."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.figures import Point, Result
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.charts.curves import STYLES, AxisScale, Chart, ChartFrame, Curve, CurvePoint, LogAxis, chart
from reports.charts.whiskers import Axis, result_ends, value_axis
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, metric_columns, results_by_variant
from reports.facts.phrases import joined, listed
from reports.section import Section
from reports.wording import say

WIDE = 8.0  # from such a ratio on, rows are drawn on a logarithmic axis
FIRST_CLAUSES = {  # what holds, what never does
    "test": ("learning_curve.test", "learning_curve.test_never"),
    "above": ("learning_curve.above", "learning_curve.above_never"),
    "below": ("learning_curve.below", "learning_curve.below_never"),
}
FURTHER_CLAUSES = {
    "test": ("learning_curve.test_also", "learning_curve.test_also_never"),
    "above": ("learning_curve.above_also", "learning_curve.above_also_never"),
    "below": ("learning_curve.below_also", "learning_curve.below_also_never"),
}

FigureText = tuple[str, str | None]  # value, interval


@dataclass(frozen=True, slots=True)
class CurveRow:
    """One size."""

    rows: str
    figures: tuple[FigureText | None, ...]  # of each family


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurveFacts:
    """One headline figure."""

    column: MetricColumn
    chart: Chart
    families: tuple[str, ...]
    rows: tuple[CurveRow, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _CurveResults:
    """One figure's results: along each family, from few rows to many, and of the variants without a curve."""

    column: MetricColumn
    families: dict[str, list[tuple[int, Result]]]
    level: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class _Advantage:
    """What can be said of a family against a variant without a curve."""

    by_test: bool  # a paired comparison says so; else the intervals
    never: bool
    place: int  # of the size from which on it holds
    condition: str


class LearningCurve(Section):
    order = 70

    def build(self, finished: FinishedRun) -> tuple[LearningCurveFacts, ...]:
        """One part for each headline figure that was measured at several sizes."""
        return tuple(_facts(finished.summary, results) for results in _curve_results(finished.summary))

    def sentences(self, finished: FinishedRun) -> list[str]:
        """From how many rows on each family beats the others, figure by figure."""
        summary = finished.summary
        return [text for results in _curve_results(summary) for text in _sentences(summary, results)]


def _curve_results(summary: Summary) -> list[_CurveResults]:
    on_curve = {point.variant for point in summary.curve}
    curves = []
    for column in metric_columns(summary):
        results = {name: r for name, r in results_by_variant(summary, column.key).items() if r.mean is not None}
        families = _families(summary.curve, results) if column.headline else {}
        if any(len(family) > 1 for family in families.values()):
            level = tuple(result for variant, result in results.items() if variant not in on_curve)
            curves.append(_CurveResults(column, families, level))
    return curves


def _families(points: Sequence[Point], results: dict[str, Result]) -> dict[str, list[tuple[int, Result]]]:
    families: dict[str, list[tuple[int, Result]]] = {}
    for point in sorted(points, key=lambda point: point.rows):
        if point.variant in results:
            families.setdefault(point.family, []).append((point.rows, results[point.variant]))
    order = dict.fromkeys(point.family for point in points)
    return {family: families[family] for family in order if family in families}


def _facts(summary: Summary, results: _CurveResults) -> LearningCurveFacts:
    column = results.column
    sizes = sorted({size for family in results.families.values() for size, _ in family})
    by_size = {name: dict(family) for name, family in results.families.items()}
    rows = [
        CurveRow(
            f"{size:,}",
            tuple(
                numbers.figure(by_size[name][size], column.info) if size in by_size[name] else None for name in by_size
            ),
        )
        for size in sizes
    ]
    drawn = [*(result for family in results.families.values() for _, result in family), *results.level]
    x, y = _rows_axis(sizes), _zoomed(value_axis(drawn, column.info), drawn)
    ticks = [(tick, numbers.with_unit(tick, column.info).replace(".0 %", " %")) for tick in y.ticks()]
    frame = ChartFrame(x=x, y=y, x_ticks=[(size, f"{size:,}") for size in sizes], y_ticks=ticks, height=18.0)
    curves = [*_family_curves(results, x), *_level_curves(summary, results)]
    return LearningCurveFacts(
        column=column,
        chart=chart(column.name, _description(results), say("learning_curve.axis"), frame, curves),
        families=tuple(by_size),
        rows=tuple(rows),
        sentences=tuple(_sentences(summary, results)),
    )


def _description(results: _CurveResults) -> str:
    """The curves in words."""
    info = results.column.info
    curves = [
        say(
            "learning_curve.curve",
            family=name,
            points=joined(
                *(
                    say("learning_curve.curve_point", value=numbers.with_unit(result.mean, info), rows=f"{size:,}")
                    for size, result in family
                )
            ),
        )
        for name, family in results.families.items()
    ]
    return say("learning_curve.description", figure=results.column.name, curves=say("nouns.semicolon").join(curves))


def _rows_axis(sizes: Sequence[int]) -> AxisScale:
    """With room at the left, where the labels of the vertical axis stand."""
    least, most = min(sizes), max(sizes)
    span = most / max(1, least)
    return LogAxis(least / span**0.16, most * span**0.02) if span > WIDE and least else Axis(0.0, 1.02 * most)


def _zoomed(axis: Axis, results: Sequence[Result]) -> Axis:
    """Only the part of a percentage's range that is used: a curve is read by its slope."""
    ends = result_ends(results)
    room = 0.05 * (max(ends) - min(ends)) or 0.05
    return Axis(max(axis.low, min(ends) - room), min(axis.high, max(ends) + room))


def _family_curves(results: _CurveResults, x: AxisScale) -> list[Curve]:
    """Families measured at the same sizes stand a little apart, so that their intervals can be distinguished."""
    is_linear, info = isinstance(x, Axis), results.column.info
    top = max(size for family in results.families.values() for size, _ in family)
    curves = []
    for place, (name, family) in enumerate(results.families.items()):
        shift = place - (len(results.families) - 1) / 2
        points = [
            CurvePoint(
                x=size + 0.006 * shift * top if is_linear else size * 1.02**shift,
                y=result.mean or 0.0,
                low=result.low,
                high=result.high,
                hint=_hint(results.column, result),
            )
            for size, result in family
        ]
        last = numbers.with_unit(family[-1][1].mean, info)
        curves.append(Curve(name=name, style=f"s{place % STYLES + 1}", points=points, caption=last, is_dotted=True))
    return curves


def _level_curves(summary: Summary, results: _CurveResults) -> list[Curve]:
    return [
        Curve(
            name=say("learning_curve.upper_bound", variant=result.variant)
            if result.variant in summary.bounds
            else result.variant,
            style="level",
            points=[CurvePoint(x=1.0, y=result.mean or 0.0)],
            caption=numbers.with_unit(result.mean, results.column.info),
            is_level=True,
        )
        for result in results.level
    ]


def _hint(column: MetricColumn, result: Result) -> str:
    value, interval = numbers.figure(result, column.info)
    key = "learning_curve.hint_interval" if interval else "learning_curve.hint"
    return say(key, variant=result.variant, value=value, interval=interval)


def _sentences(summary: Summary, results: _CurveResults) -> list[str]:
    """One a family. A paired comparison decides where there is one, else the intervals; nothing more is claimed."""
    rivals = [result for result in results.level if result.variant not in summary.bounds]
    if results.column.info.better == "neither" or not rivals:
        return []
    return [_sentence(summary, results, name, rivals) for name in results.families]


def _sentence(summary: Summary, results: _CurveResults, name: str, rivals: Sequence[Result]) -> str:
    advantages: dict[_Advantage, list[str]] = {}
    for rival in rivals:
        advantage = _advantage(summary, results.column, results.families[name], rival)
        advantages.setdefault(advantage, []).append(rival.variant)
    better_side = "below" if results.column.lower_is_better else "above"
    clauses: list[str] = []
    for advantage, names in sorted(advantages.items(), key=lambda a: (a[0].never, not a[0].by_test, a[0].place)):
        kind = "test" if advantage.by_test else better_side
        key = (FURTHER_CLAUSES if clauses else FIRST_CLAUSES)[kind][advantage.never]
        values = {"family": name, "rivals": listed(names), "condition": advantage.condition}
        clauses.append(say(key, n=len(names), **values))
    return say("learning_curve.sentence", figure=results.column.name, clauses=say("nouns.semicolon").join(clauses))


def _advantage(
    summary: Summary, column: MetricColumn, family: Sequence[tuple[int, Result]], rival: Result
) -> _Advantage:
    tested = {
        comparison.variant: comparison.verdict == "better"
        for comparison in (*summary.comparisons, *summary.floors)
        if (comparison.task, comparison.metric, comparison.reference) == (*column.key, rival.variant)
    }
    by_test = all(result.variant in tested for _, result in family)
    sizes = [size for size, _ in family]
    beats = [tested[result.variant] if by_test else _is_apart(result, rival, column.sign) for _, result in family]
    place = len(beats)  # from which on all of them hold
    while place and beats[place - 1]:
        place -= 1
    if place < len(beats):
        return _Advantage(by_test, False, place, say("learning_curve.from_rows", rows=f"{sizes[place]:,}"))
    better_at = [f"{size:,}" for size, holds in zip(sizes, beats, strict=True) if holds]
    if better_at:
        condition = say("learning_curve.at_rows", rows=listed(better_at), last=f"{sizes[-1]:,}")
        return _Advantage(by_test, False, place, condition)
    return _Advantage(by_test, True, place, say("learning_curve.up_to_rows", rows=f"{sizes[-1]:,}"))


def _is_apart(result: Result, rival: Result, sign: float) -> bool:
    """Whether the whole interval is better than the rival's."""
    worst, best = (result.low, rival.high) if sign > 0 else (result.high, rival.low)
    return worst is not None and best is not None and sign * worst > sign * best
