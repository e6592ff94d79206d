"""The lines of a trend: headline figures, then what they cost, a value a night, with shifts that nothing explains."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import median

from harness.records.figure_names import FigureName
from harness.records.figures import ENDLESS, MetricInfo, Result
from harness.records.trends import NightChange, NightQuantity, NightShift, NightValue, TrendChart, TrendLine
from harness.regression.change_points import level_shifts
from harness.regression.history import NightRun
from harness.regression.night_changes import touches_cost, touches_figure
from harness.runtime.run_order import read_time

Values = tuple[NightValue | None, ...]
SMALLEST_COST_NOISE = 0.02  # of a cost, relative: what it varies by at the least from night to night
_COST = MetricInfo(component="", settings={}, low=0.0, high=ENDLESS, better="lower")
_SHARE = MetricInfo(component="", settings={}, low=0.0, high=1.0, better="lower")


def figure_charts(nights: Sequence[NightRun], changes: Sequence[NightChange]) -> Iterator[TrendChart]:
    """The headline figures of the last night, as every night had them."""
    figures = nights[-1].figures
    for name in figures.headline:
        figure, info = FigureName.parse(name), figures.metrics[name]
        rows = [_results_of(night, figure) for night in nights]
        variants = dict.fromkeys(variant for row in reversed(rows) for variant in row)
        lines = []
        for variant in variants:
            values = tuple(_figure_value(row.get(variant)) for row in rows)
            breaks = tuple(
                own.night for own in changes if any(touches_figure(d, figure, variant) for d in own.differences)
            )
            lines.append(_line(variant, values, breaks, least_figure_noise(values, info)))
        yield TrendChart(quantity="figure", name=name, info=info, lines=tuple(lines))


def cost_charts(nights: Sequence[NightRun], changes: Sequence[NightChange]) -> Iterator[TrendChart]:
    """Latency, time, tokens, money, failures of each variant, and the time a night took, as far as nights have them."""
    quantities: tuple[tuple[NightQuantity, Callable[[NightRun], Mapping[str, float]], MetricInfo], ...] = (
        ("latency", _latencies, _COST), ("seconds", _seconds, _COST), ("tokens", _tokens, _COST),
        ("price", _prices, _COST), ("failed", _failures, _SHARE), ("duration", _durations, _COST),
    )  # fmt: skip
    for quantity, of_night, info in quantities:
        rows = [of_night(night) for night in nights]
        variants = dict.fromkeys(variant for row in reversed(rows) for variant in row)
        lines = []
        for variant in variants:
            values = tuple(NightValue(value=row[variant]) if variant in row else None for row in rows)
            breaks = tuple(own.night for own in changes if any(touches_cost(d, variant) for d in own.differences))
            present = [own.value for own in values if own]
            floor = 1.0 / 100 if quantity == "failed" else SMALLEST_COST_NOISE * median(present)
            lines.append(_line(variant, values, breaks, floor))
        if any(own and own.value for line in lines for own in line.values):
            yield TrendChart(quantity=quantity, info=info, lines=tuple(lines))


def least_figure_noise(values: Iterable[NightValue | None], info: MetricInfo) -> float:
    """What one item can move a figure by: the span of its scale over the items, or what one of average spread does."""
    present = [own for own in values if own and own.known]
    if not present:
        return SMALLEST_COST_NOISE
    items = median(own.known or 1 for own in present)
    if info.high < ENDLESS and info.low > -ENDLESS:
        return (info.high - info.low) / items
    widths = [own.high - own.low for own in present if own.low is not None and own.high is not None]
    error = median(widths) / (2 * 1.96) if widths else 0.0
    return (
        error / math.sqrt(items) or SMALLEST_COST_NOISE * max(abs(own.value) for own in present) or SMALLEST_COST_NOISE
    )


def _line(variant: str, values: Values, breaks: tuple[int, ...], least_noise: float) -> TrendLine:
    """A line, with the shifts within each stretch of comparable nights."""
    shifts = []
    for start, end in zip((0, *breaks), (*breaks, len(values)), strict=True):
        present = [(night, own.value) for night, own in enumerate(values[start:end], start) if own]
        shifts += [
            NightShift(night=present[shift.place][0], before=shift.before, after=shift.after)
            for shift in level_shifts([value for _, value in present], least_noise or SMALLEST_COST_NOISE)
        ]
    return TrendLine(variant=variant, values=values, breaks=breaks, shifts=tuple(shifts))


def _results_of(night: NightRun, figure: FigureName) -> dict[str, Result]:
    return {
        own.variant: own
        for own in night.figures.results
        if own.task == figure.task and own.metric == figure.full_metric
    }


def _figure_value(result: Result | None) -> NightValue | None:
    if result is None or result.mean is None:
        return None
    return NightValue(value=result.mean, low=result.low, high=result.high, known=result.known, samples=result.samples)


def _latencies(night: NightRun) -> dict[str, float]:
    """Seconds below which 95 % of single requests stay, as measured on questions that nobody was asked."""
    return {own.variant: own.latency.p95 for own in night.figures.decisions.costs if own.latency}


def _prices(night: NightRun) -> dict[str, float]:
    """Money for 1,000 requests, where prices are stated."""
    return {own.variant: own.per_1000 for own in night.figures.decisions.costs if own.per_1000 is not None}


def _per_answer(night: NightRun, amount: Callable[..., float]) -> dict[str, float]:
    """An amount of a variant's cells, divided by its items."""
    totals: dict[str, list[float]] = {}
    for own in night.figures.usage:
        if own.variant not in night.figures.unaided:
            total = totals.setdefault(own.variant, [0.0, 0.0])
            total[0] += amount(own)
            total[1] += own.samples
    return {variant: total / samples for variant, (total, samples) in totals.items() if samples}


def _seconds(night: NightRun) -> dict[str, float]:
    return _per_answer(night, lambda own: own.seconds)


def _tokens(night: NightRun) -> dict[str, float]:
    return _per_answer(night, lambda own: own.tokens_in + own.tokens_out)


def _failures(night: NightRun) -> dict[str, float]:
    return _per_answer(night, lambda own: own.failed)


def _durations(night: NightRun) -> dict[str, float]:
    seconds = night_seconds(night)
    return {} if seconds is None else {"": seconds}


def night_seconds(night: NightRun) -> float | None:
    """From its begin to its end; None where that is not known or the clock was set back."""
    finished, started = read_time(night.record.get("finished")), read_time(night.record.get("started"))
    if finished is None or started is None or finished < started:
        return None
    return (finished - started).total_seconds()
