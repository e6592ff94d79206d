"""The numbers of a trend as the charts of its page read them: rounded to what a screen can show."""

from collections.abc import Mapping, Sequence

from harness.records.inputs import JSON
from harness.records.trends import NightValue, Trend, TrendChart, TrendLine
from reports.facts import numbers
from reports.facts.trend_overview import moment

CHOSEN = 5  # lines that are drawn in colour at first, where there are too many for all
ALL = 6
DIGITS = 5  # that count


def trend_payload(trend: Trend) -> Mapping[str, JSON]:
    """What the page's scripts read."""
    return {
        "nights": [{"key": own.key, "at": moment(own.started)} for own in trend.nights],
        "changes": {
            str(change.night): [
                {"kind": own.kind, "name": own.name, "moves": own.changes_figures} for own in change.differences[:6]
            ]
            for change in trend.changes
        },
        "charts": [_chart(trend, chart) for chart in trend.charts],
    }


def _chart(trend: Trend, chart: TrendChart) -> JSON:
    scale = _scale(chart)
    return {
        "unit": _unit(chart, trend.currency),
        "least": chart.info.low,
        "chosen": _chosen(trend, chart),
        "lines": [_line(line, scale) for line in chart.lines],
    }


def _scale(chart: TrendChart) -> float:
    """From the values to what is shown of them."""
    if chart.quantity == "duration":
        return 1 / 60
    return 100.0 if numbers.is_percent(chart.info) else 1.0


def _unit(chart: TrendChart, currency: str | None) -> str:
    units = {"latency": "s", "seconds": "s", "duration": "min", "price": currency or "", "tokens": ""}
    return units.get(chart.quantity, "%" if numbers.is_percent(chart.info) else "")


def _line(line: TrendLine, scale: float) -> JSON:
    own: dict[str, JSON] = {
        "variant": line.variant,
        "v": [_rounded(value.value if value else None, scale) for value in line.values],
        "breaks": list(line.breaks),
        "shifts": [[s.night, _rounded(s.before, scale), _rounded(s.after, scale)] for s in line.shifts],
    }
    if any(value is not None and value.low is not None for value in line.values):
        own["lo"] = [_rounded(value.low if value else None, scale) for value in line.values]
        own["hi"] = [_rounded(value.high if value else None, scale) for value in line.values]
    return own


def _rounded(value: float | None, scale: float) -> float | None:
    return None if value is None else float(f"{value * scale:.{DIGITS}g}")


def _chosen(trend: Trend, chart: TrendChart) -> list[int]:
    """The lines that are drawn in colour at first: those that shifted, the recommended one, then the best."""
    if len(chart.lines) <= ALL:
        return list(range(len(chart.lines)))
    recommended = trend.decisions.get(len(trend.nights) - 1, "")
    sign = 1 if chart.info.better == "lower" else -1

    def rank(place: int) -> tuple[bool, bool, float]:
        line = chart.lines[place]
        last = _last(line.values)
        return (line.variant != recommended, not line.shifts, sign * last if last is not None else float("inf"))

    return sorted(sorted(range(len(chart.lines)), key=rank)[:CHOSEN])


def _last(values: Sequence[NightValue | None]) -> float | None:
    return next((own.value for own in reversed(values) if own), None)
