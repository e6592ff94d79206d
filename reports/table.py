"""The comparison as a table, variants × metrics, built once so that page and terminal say the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.types import Comparison, MetricInfo, Result, Summary
from reports import numbers

Verdict = Literal["better", "worse", "inconclusive"]
Mark = Literal["best", "leading"]
Key = tuple[str, str]  # task, metric

UNKNOWN_METRIC = MetricInfo(component="", settings={}, low=0.0, high=1.0, better="neither")
DIRECTION = {"higher": "higher is better", "lower": "lower is better", "neither": "no better end"}


@dataclass(frozen=True, slots=True)
class Column:
    """One metric of one task."""

    task: str
    metric: str
    info: MetricInfo
    headline: bool

    @property
    def name(self) -> str:
        """As the suite's `headline` writes it."""
        return f"{self.task}.{self.metric}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One variant's figure on one metric, as text; the records it was written from stand beside it."""

    result: Result
    value: str  # "76.7 %", or "unknown" when no sample has a value
    interval: str | None  # of the mean, 95 %
    coverage: str | None  # only when below 100 %
    difference: str | None  # to the reference, signed
    verdict: Verdict | None
    mark: Mark | None
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Row:
    """One variant."""

    variant: str
    is_reference: bool
    entries: tuple[Entry | None, ...]  # one a column; None where the variant has no result


@dataclass(frozen=True, slots=True)
class Table:
    """Some of the metrics, for all variants that have a result on one of them."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def build(summary: Summary) -> tuple[Table, ...]:
    """The headline metrics of all tasks first, then each task's other metrics; parts (`name.part`) last."""
    every = columns(summary)
    headline = [column for column in every if column.headline]
    tables = [_table(summary, "Headline", headline)] if headline else []
    for task in dict.fromkeys(column.task for column in every):
        rest = [column for column in every if column.task == task and not column.headline]
        if rest:
            tables.append(_table(summary, task, rest))
    return tuple(tables)


def columns(summary: Summary) -> tuple[Column, ...]:
    """All metrics that have a result: headline in the suite's order, then whole metrics, then parts, task by task."""
    tasks = list(dict.fromkeys(result.task for result in summary.results))
    found = dict.fromkeys((result.task, result.metric) for result in summary.results)
    order = {name: place for place, name in enumerate(summary.headline)}

    def place(key: Key) -> tuple[int, int, bool]:
        task, metric = key
        return order.get(f"{task}.{metric}", len(order)), tasks.index(task), "." in metric

    return tuple(
        Column(task, metric, metric_info(summary, task, metric), f"{task}.{metric}" in order)
        for task, metric in sorted(found, key=place)
    )


def metric_info(summary: Summary, task: str, metric: str) -> MetricInfo:
    """How a metric's values are to be read; a part that has no entry of its own is read as its whole."""
    whole = f"{task}.{metric.split('.')[0]}"
    return summary.metrics.get(f"{task}.{metric}") or summary.metrics.get(whole) or UNKNOWN_METRIC


def variants(summary: Summary) -> tuple[str, ...]:
    """All variants, the reference first, the others in the suite's order."""
    found = dict.fromkeys(result.variant for result in summary.results)
    return tuple(sorted(found, key=lambda variant: variant != summary.reference))


def _table(summary: Summary, title: str, chosen: Iterable[Column]) -> Table:
    chosen = tuple(chosen)
    filled = {(column.task, column.metric): _entries(summary, column) for column in chosen}
    rows = (
        Row(variant, variant == summary.reference, tuple(filled[c.task, c.metric].get(variant) for c in chosen))
        for variant in variants(summary)
    )
    return Table(title, chosen, tuple(row for row in rows if any(row.entries)))


def _entries(summary: Summary, column: Column) -> dict[str, Entry]:
    key = (column.task, column.metric)
    results = {result.variant: result for result in summary.results if (result.task, result.metric) == key}
    against = {found.variant: found for found in summary.comparisons if (found.task, found.metric) == key}
    marks = leaders(results, against, summary.reference, column.info)
    return {
        variant: _entry(result, against.get(variant), marks.get(variant), column.info)
        for variant, result in results.items()
    }


def _entry(result: Result, comparison: Comparison | None, mark: Mark | None, info: MetricInfo) -> Entry:
    tested = comparison is not None and comparison.difference is not None
    return Entry(
        result=result,
        value="unknown" if result.mean is None else numbers.with_unit(result.mean, info),
        interval=numbers.interval(result.low, result.high, info),
        coverage=numbers.coverage(result),
        difference=numbers.signed(comparison.difference, info)
        if comparison and comparison.difference is not None
        else None,
        verdict=comparison.verdict if comparison and tested else None,
        mark=mark,
        comparison=comparison,
    )


def leaders(
    results: Mapping[str, Result], against: Mapping[str, Comparison], reference: str | None, info: MetricInfo
) -> dict[str, Mark]:
    """Who may be called best: nobody while the leader's difference to the reference is inconclusive.

    "best" needs a clear lead: no other interval reaches the leader's mean. Otherwise the leader, and every variant that
    is also better than the reference and reaches it, is "leading".
    """
    sign = {"higher": 1.0, "lower": -1.0, "neither": 0.0}[info.better]
    means = {variant: sign * result.mean for variant, result in results.items() if result.mean is not None}
    if not sign or len(means) < 2:
        return {}
    top = max(means, key=lambda variant: means[variant])
    if top == reference:
        others = [against[variant].verdict if variant in against else None for variant in means if variant != top]
        return {top: "best"} if all(verdict == "worse" for verdict in others) else {}
    if top not in against or against[top].verdict != "better":
        return {}
    near = [variant for variant in means if variant != reference and _reach(results[variant], sign) >= means[top]]
    if near == [top]:
        return {top: "best"}
    better = [variant for variant in near if variant in against and against[variant].verdict == "better"]
    return dict.fromkeys([top, *better], "leading")


def _reach(result: Result, sign: float) -> float:
    end = result.high if sign > 0 else result.low
    mean = result.mean if result.mean is not None else -sign * float("inf")
    return sign * (mean if end is None else end)
