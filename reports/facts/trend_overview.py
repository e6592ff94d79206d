"""What a trend says in sentences: on its page, in the terminal, and in the summary of a night."""

from collections.abc import Sequence

from harness.records.run_evidence import RunDifference
from harness.records.trends import LeftOut, NightShift, Trend, TrendChart, TrendLine
from harness.statistics.intervals import wilson
from reports.facts import numbers
from reports.wording import say

Shifted = tuple[TrendChart, TrendLine, NightShift]
AGAIN = ("unreadable", "timeless")  # reasons that are faults; the others are as they should be


def moment(started: str) -> str:
    """A time in ISO 8601 as it is shown, e.g. "2026-11-30 02:15"."""
    return started[:16].replace("T", " ")


def overview(trend: Trend) -> list[str]:
    """The trend in some sentences: how many nights, what shifted, what the last night broke, what wavers."""
    if not trend.nights:
        return [say("trend.no_nights", suite=trend.suite)]
    first, last = trend.nights[0], trend.nights[-1]
    if len(trend.nights) == 1:
        return [say("trend.one_night", run=last.key, started=moment(last.started))]
    count = numbers.count(len(trend.nights))
    sentences = [say("trend.nights", count=count, first=moment(first.started), last=moment(last.started))]
    sentences.append(_shift_sentence(trend))
    sentences.append(_last_sentence(trend))
    sentences.append(_flaky_sentence(trend))
    return [sentence for sentence in sentences if sentence]


def broken_runs(trend: Trend) -> list[LeftOut]:
    """The runs that cannot be read, or tell no time: faults that should be seen."""
    return [own for own in trend.left_out if own.reason in AGAIN]


def fault_sentence(trend: Trend) -> str:
    """Names the runs that cannot be read; "" where there are none."""
    broken = broken_runs(trend)
    if not broken:
        return ""
    names = say("nouns.separator").join(own.key for own in broken)
    return say("trend.broken_runs", n=len(broken), count=len(broken), names=names)


def order_sentences(trend: Trend) -> list[str]:
    """Where the order of the nights is in doubt."""
    return [say(own.key, **own.values) for own in trend.order_remarks]


def shifts(trend: Trend) -> list[Shifted]:
    """The shifts of the headline figures, then of what they cost, the newest first."""
    own = [(chart, line, shift) for chart in trend.charts for line in chart.lines for shift in line.shifts]
    return sorted(own, key=lambda place: (place[0].quantity != "figure", -place[2].night))


def shift_text(trend: Trend, shifted: Shifted) -> str:
    """One shift, e.g. "exam.accuracy, lora: 70.0 % → 65.0 % since 2026-05-02 02:15"."""
    chart, line, shift = shifted
    return say(
        "trend.shift",
        name=line_name(chart, line),
        before=value_text(chart, shift.before, trend.currency),
        after=value_text(chart, shift.after, trend.currency),
        since=moment(trend.nights[shift.night].started),
    )


def line_name(chart: TrendChart, line: TrendLine) -> str:
    """What a line shows, and of which variant."""
    return f"{chart_title(chart)}{say('nouns.separator')}{line.variant}" if line.variant else chart_title(chart)


def chart_title(chart: TrendChart) -> str:
    """The figure's name, or the quantity in words."""
    return chart.name if chart.quantity == "figure" else say(f"trend.quantity_{chart.quantity}")


def value_text(chart: TrendChart, value: float, currency: str | None) -> str:
    """A value with its unit."""
    if chart.quantity == "price":
        return numbers.money(value, currency)
    if chart.quantity in ("latency", "seconds"):
        return f"{numbers.seconds_of(value)} s"
    if chart.quantity == "duration":
        return numbers.duration(value)
    if chart.quantity == "tokens":
        return numbers.count(value)
    return numbers.with_unit(value, chart.info)


def difference_text(own: RunDifference) -> str:
    """One change in a few words, e.g. "package: numpy 2.1 → 2.2"."""
    before, after = (text or say("trend.absent") for text in (own.before, own.after))
    return say("trend.difference", kind=say(f"trend_chart.kind_{own.kind}"), name=own.name, before=before, after=after)


def changes_at(trend: Trend, night: int) -> Sequence[RunDifference]:
    """What is different since a night; empty where nothing is."""
    return next((own.differences for own in trend.changes if own.night == night), ())


def _shift_sentence(trend: Trend) -> str:
    figures = [own for own in shifts(trend) if own[0].quantity == "figure"]
    if not figures:
        return say("trend.no_shift")
    return say("trend.some_shifts", n=len(figures), count=len(figures), newest=shift_text(trend, figures[0]))


def _last_sentence(trend: Trend) -> str:
    last = trend.last
    if last.problem:
        return say("trend.last_problem", problem=last.problem)
    if not last.shared:
        return say("trend.nothing_shared")
    values = {kind: numbers.count(changed_count(trend, kind)) for kind in ("broken", "fixed")}
    return say("trend.last_night", **values, shared=numbers.count(last.shared))


def changed_count(trend: Trend, kind: str) -> int:
    """How many answers the last night broke, or fixed, over all cells."""
    return sum(own.broken if kind == "broken" else own.fixed for own in trend.last.counts)


def _flaky_sentence(trend: Trend) -> str:
    flakiness = trend.flakiness
    if flakiness.problem:
        return say("trend.flaky_problem", problem=flakiness.problem)
    items, flaky = (sum(getattr(cell, part) for cell in flakiness.cells) for part in ("items", "flaky"))
    if not items:
        return say("trend.flaky_unknown")
    low, high = wilson(flaky / items, items)
    return say(
        "trend.flaky",
        n=flaky,
        flaky=numbers.count(flaky),
        items=numbers.count(items),
        share=numbers.share(flaky / items),
        ends=f"{100 * low:.1f}–{100 * high:.1f}",
        nights=len(flakiness.nights),
    )


def left_out_text(own: LeftOut) -> str:
    """Why a run is in no line."""
    reason = say(f"trend.reason_{own.reason}")
    return say("trend.reason_with", reason=reason, problem=own.problem) if own.problem else reason


def counted_nights(trend: Trend) -> str:
    """E.g. "365 nights"."""
    return say("trend.counted", n=len(trend.nights), count=numbers.count(len(trend.nights)))
