"""The comparison as a table, variants × metrics, built once so that page and terminal say the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.figures import Comparison, MetricInfo, Result, Summary
from reports.facts import numbers
from reports.facts.columns import Column, ordinary, variants
from reports.facts.demoted import Demotion, demotions
from reports.facts.spent import Spent
from reports.sections.seeds import spreads

Verdict = Literal["better", "worse", "inconclusive"]
Mark = Literal["best", "leading"]


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
    below_floor: bool = False  # shown to be worse than the best variant that asks no model
    spread: str | None = None  # over the seeds of its training


@dataclass(frozen=True, slots=True)
class Row:
    """One variant."""

    variant: str
    is_reference: bool
    is_floor: bool  # asks no model
    is_bound: bool  # is told what only the answer's author knows
    entries: tuple[Entry | None, ...]  # one a column; None where the variant has no result
    training: Spent | None = None  # what its model cost


@dataclass(frozen=True, slots=True)
class Table:
    """Some of the metrics, for all variants that have a result on one of them."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def demotions(self) -> tuple[Demotion, ...]:
        """What of it may not decide, and why."""
        return demotions(self.columns)

    @property
    def tells_training(self) -> bool:
        """Whether any model of its variants was trained."""
        return any(row.training for row in self.rows)


def build(summary: Summary, training: Mapping[str, Spent] | None = None) -> tuple[Table, ...]:
    """The headline metrics of all tasks first, then each task's other metrics; parts (`name.part`) after their wholes.

    What may not decide comes last, without marks.

    Probes, general tasks and retrieval's own figures have sections of their own. The first table tells what training
    a variant's model cost, where that is known.
    """
    every = ordinary(summary)
    headline = [column for column in every if column.headline]
    tables = [table_of(summary, "Headline", headline)] if headline else []
    for task in dict.fromkeys(column.task for column in every):
        rest = [column for column in every if column.task == task and not column.headline]
        if rest:
            tables.append(table_of(summary, task, rest))
    if tables and training:
        rows = (replace(row, training=training.get(row.variant)) for row in tables[0].rows)
        tables[0] = replace(tables[0], rows=tuple(rows))
    return tuple(tables)


def table_of(summary: Summary, title: str, chosen: Iterable[Column]) -> Table:
    """The chosen columns for all variants that have a result on one of them."""
    chosen = tuple(chosen)
    filled = {column.key: _entries(summary, column) for column in chosen}
    rows = (
        Row(
            name,
            name == summary.reference,
            name in summary.unaided,
            name in summary.bounds,
            tuple(filled[column.key].get(name) for column in chosen),
        )
        for name in variants(summary)
    )
    return Table(title, chosen, tuple(row for row in rows if any(row.entries)))


def _entries(summary: Summary, column: Column) -> dict[str, Entry]:
    results = {result.variant: result for result in summary.results if (result.task, result.metric) == column.key}
    against = {found.variant: found for found in summary.comparisons if (found.task, found.metric) == column.key}
    below = {c.variant for c in summary.floors if (c.task, c.metric) == column.key and c.verdict == "worse"}
    contenders = {variant: result for variant, result in results.items() if variant not in summary.bounds}
    marks = {} if column.demoted else leaders(contenders, against, summary.reference, column.info)
    spread = spreads(summary)
    return {
        variant: replace(
            _entry(result, against.get(variant), marks.get(variant), column.info),
            below_floor=variant in below,
            spread=spread.get((*column.key, variant)),
        )
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
