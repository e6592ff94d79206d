"""The sections of the trend's page: what each shows, in the language that is spoken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo
from harness.records.run_evidence import RunDifference
from harness.records.trends import NightQuantity, Trend, TrendChart
from reports.facts import numbers
from reports.facts.trend_overview import (
    changed_count,
    changes_at,
    chart_title,
    difference_text,
    left_out_text,
    line_name,
    moment,
    shifts,
    value_text,
)
from reports.wording import say

ROWS = 60  # of a table; what is beyond it is counted
DIFFERENCES = 12  # of one night
LONG = 90  # characters of a text that are shown
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendTable:
    """Rows under their heads; `classes` say how the cells of a column look."""

    heads: tuple[str, ...]
    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPicture:
    """A chart that the page draws, and what stands above it."""

    place: int  # among the charts of the trend
    title: str
    note: str
    description: str  # in words, for who cannot see it


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendSection:
    """A section of the page."""

    anchor: str
    title: str  # in the navigation
    heading: str
    sentences: tuple[str, ...] = ()
    charts: tuple[TrendPicture, ...] = ()
    tables: tuple[TrendTable, ...] = ()


def trend_sections(trend: Trend) -> list[TrendSection]:
    """All that have something to show, in their order."""
    builders: Sequence[Callable[[Trend], TrendSection]] = (
        _figures, _shifts, _changes, _last_night, _flaky, _costs, _left_out, _method,
    )  # fmt: skip
    sections = [build(trend) for build in builders]
    return [own for own in sections if own.charts or own.tables or own.sentences]


def _section(anchor: str, **parts: object) -> TrendSection:
    title, heading = say(f"trend.title_{anchor}"), say(f"trend.heading_{anchor}")
    return TrendSection(anchor=anchor, title=title, heading=heading, **parts)  # type: ignore[arg-type]


def _figures(trend: Trend) -> TrendSection:
    return _section("figures", charts=_pictures(trend, lambda quantity: quantity == "figure"))


def _costs(trend: Trend) -> TrendSection:
    return _section("costs", charts=_pictures(trend, lambda quantity: quantity != "figure"))


def _pictures(trend: Trend, is_wanted: Callable[[NightQuantity], bool]) -> tuple[TrendPicture, ...]:
    return tuple(
        TrendPicture(
            place=place,
            title=chart_title(chart),
            note=_chart_note(chart),
            description=_description(trend, chart),
        )
        for place, chart in enumerate(trend.charts)
        if is_wanted(chart.quantity)
    )


def _chart_note(chart: TrendChart) -> str:
    if chart.quantity != "figure":
        return say(f"trend.note_{chart.quantity}")
    return say(f"trend.better_{chart.info.better}")


def _description(trend: Trend, chart: TrendChart) -> str:
    """From where to where each line went."""
    ends = []
    for line in chart.lines:
        values = [own.value for own in line.values if own]
        if values:
            first, last = (value_text(chart, value, trend.currency) for value in (values[0], values[-1]))
            name = line.variant or chart_title(chart)
            ends.append(say("trend.from_to", name=name, first=first, last=last))
    return say("trend.described", title=chart_title(chart), lines=say("nouns.semicolon").join(ends))


def _shifts(trend: Trend) -> TrendSection:
    rows = []
    for chart, line, shift in shifts(trend):
        before, after = (value_text(chart, value, trend.currency) for value in (shift.before, shift.after))
        beside = say("nouns.semicolon").join(map(difference_text, changes_at(trend, shift.night)[:3]))
        since = moment(trend.nights[shift.night].started)
        rows.append((since, line_name(chart, line), before, after, beside or say("trend.nothing")))
    heads = ("night", "line", "before", "after", "beside")
    sentence = say("trend.about_shifts") if rows else say("trend.no_shift")
    return _section(
        "shifts", sentences=(sentence,), tables=_tables(heads, rows, ("number", "text", "number", "number", "text"))
    )


def _changes(trend: Trend) -> TrendSection:
    rows = [
        (moment(trend.nights[change.night].started), _kind(own), own.name, own.before, own.after, _touched(own))
        for change in reversed(trend.changes)
        for own in _first(change.differences)
    ]
    heads = ("night", "kind", "what", "before", "after", "touches")
    sentence = say("trend.about_changes") if rows else say("trend.no_changes")
    if len(trend.nights) < 2:
        return _section("changes")
    return _section("changes", sentences=(sentence,), tables=_tables(heads, rows, ("number", *("text",) * 5)))


def _first(differences: Sequence[RunDifference]) -> Sequence[RunDifference]:
    return differences[:DIFFERENCES]


def _kind(own: RunDifference) -> str:
    return say(f"trend_chart.kind_{own.kind}")


def _touched(own: RunDifference) -> str:
    """Which figures a change can move."""
    if not own.changes_figures:
        return say("trend.touches_none")
    parts = [say("nouns.separator").join(names) for names in (own.tasks, own.metrics, own.variants) if names]
    return say("nouns.semicolon").join(parts) if parts else say("trend.touches_all")


def _last_night(trend: Trend) -> TrendSection:
    last = trend.last
    if last.problem or not last.shared:
        return _section("last")
    heads = ("line", "item", "question", "before", "after", "answer")
    classes = ("text", "text", "text", "number", "number", "text")
    tables: list[TrendTable] = []
    for kind in ("broken", "fixed"):
        rows = _changed_items(trend, kind)
        title = say(f"trend.newly_{kind}", count=numbers.count(changed_count(trend, kind)))
        tables += _tables(heads, rows, classes, title, changed_count(trend, kind))
    return _section("last", sentences=(say("trend.about_last"),), tables=tuple(tables))


def _changed_items(trend: Trend, kind: str) -> list[Row]:
    infos = {chart.name: chart.info for chart in trend.charts if chart.quantity == "figure"}
    rows: list[Row] = []
    for own in trend.last.items:
        name = str(FigureName.of(own))
        if own.kind == kind:
            values = (value_of(own.before, infos.get(name)), value_of(own.after, infos.get(name)))
            line = f"{name}{say('nouns.separator')}{own.variant}"
            rows.append((line, own.sample_id, shortened(own.texts.question), *values, shortened(own.texts.after or "")))
    return rows


def value_of(value: float | None, info: MetricInfo | None) -> str:
    """A score; of an answer that failed, that."""
    if value is None:
        return say("trend.failed")
    return numbers.plain_number(value) if info is None else numbers.with_unit(value, info)


def shortened(text: str) -> str:
    """The begin of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONG else f"{line[:LONG]}…"


def _flaky(trend: Trend) -> TrendSection:
    flakiness = trend.flakiness
    if not flakiness.cells:
        return _section("flaky")
    cells = [
        (
            own.task, own.variant, f"{own.flaky:,} / {own.items:,}",
            numbers.share(own.flaky / own.items), _ends(own.low, own.high),
        )
        for own in sorted(flakiness.cells, key=lambda cell: -cell.flaky / cell.items)
        if own.flaky
    ]  # fmt: skip
    items = [
        (own.task, own.variant, own.sample_id, str(own.answers), f"{own.changes} / {own.nights - 1}")
        for own in flakiness.items
    ]
    first, last = (moment(trend.nights[place].started) for place in (flakiness.nights[0], flakiness.nights[-1]))
    sentence = say("trend.about_flaky", nights=len(flakiness.nights), first=first, last=last)
    tables = (
        *_tables(("task", "variant", "flaky_items", "share", "interval"), cells, ("text", "text", *("number",) * 3)),
        *_tables(
            ("task", "variant", "item", "answers", "changes"), items, ("text", "text", "text", "number", "number")
        ),
    )
    return _section("flaky", sentences=(sentence,), tables=tables)


def _ends(low: float, high: float) -> str:
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def _left_out(trend: Trend) -> TrendSection:
    order = {"unreadable": 0, "timeless": 1}
    rows = [
        (own.key, moment(own.started) if own.started else "", left_out_text(own))
        for own in sorted(trend.left_out, key=lambda own: order.get(own.reason, 2))
    ]
    return _section("left", tables=_tables(("folder", "started", "reason"), rows, ("text", "number", "text")))


def _method(trend: Trend) -> TrendSection:
    keys = ("lines", "order", "shifts", "flaky")
    return _section("method", sentences=tuple(say(f"trend.method_{key}") for key in keys) if trend.nights else ())


def _tables(heads: Row, rows: Sequence[Row], classes: Row, title: str = "", total: int = 0) -> tuple[TrendTable, ...]:
    """One table, or none where it has no rows; the first rows of a long one. `total` counts rows that are not here."""
    if not rows:
        return ()
    more = max(total, len(rows)) - min(len(rows), ROWS)
    note = say("trend.more_rows", n=more, count=f"{more:,}") if more > 0 else ""
    names = tuple(say(f"trend.head_{head}") for head in heads)
    return (TrendTable(heads=names, classes=classes, rows=tuple(rows[:ROWS]), title=title, note=note),)
