"""The comparison as a table, variants × metrics, built once so that page and terminal say the same."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.figures import Comparison, MetricInfo, Result, Seeds
from harness.records.summary import Summary
from reports.charts.whiskers import Axis, Whisker, value_axis, whisker
from reports.facts import numbers
from reports.facts.approach_names import approach_of
from reports.facts.demotions import Demotion, column_demotions
from reports.facts.metric_columns import MetricColumn, ordinary_columns, results_by_variant, variant_names
from reports.facts.phrases import counted
from reports.facts.training_cost import TrainingCost
from reports.wording import say

Verdict = Literal["better", "worse", "inconclusive"]
Distinction = Literal["best", "leading"]
Chip = Literal["below the floor", "worse", "beaten", "best", "leading", "better", "inconclusive"]  # strongest first


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """One variant's figure on one metric, as text; the records it was written from stand beside it."""

    result: Result
    comparison: Comparison | None
    value: str  # "76.7 %", or "unknown" when no sample has a value
    interval: str | None  # of the mean, 95 %
    coverage: str | None  # only when below 100 %
    difference: str | None  # to the reference, signed
    verdict: Verdict | None
    distinction: Distinction | None
    is_below_floor: bool  # shown to be worse than the best variant that asks no model
    spread: str | None  # over the seeds of its training
    whisker: Whisker | None
    beaten_by: str | None = None  # of an upper bound: a deployable variant with a better mean

    @property
    def chip(self) -> Chip | None:
        """The strongest that is true of it, and nothing beside it.

        What forbids a choice goes before what speaks for it: below the floor, worse than the reference, an upper bound
        that bounds nothing; then best, leading, better than the reference, and last that nothing was shown.
        """
        if self.is_below_floor:
            return "below the floor"
        if self.verdict == "worse":
            return "worse"
        if self.beaten_by:
            return "beaten"
        return self.distinction or self.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """One variant."""

    variant: str
    is_reference: bool
    is_floor: bool  # asks no model
    is_bound: bool  # is given what only the answer's author knows
    is_foreign: bool  # its answers come from a file
    entries: tuple[TableEntry | None, ...]  # one a column; None where the variant has no result
    training: TrainingCost | None = None  # of its model


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """A choice of metrics, for all variants that have a result on one of them."""

    title: str
    columns: tuple[MetricColumn, ...]
    rows: tuple[VariantRow, ...]

    @property
    def demotions(self) -> tuple[Demotion, ...]:
        """What of it may not decide, and why."""
        return column_demotions(self.columns)

    @property
    def has_training(self) -> bool:
        """Whether any model of its variants was trained."""
        return any(row.training for row in self.rows)


def comparison_tables(
    summary: Summary, training: Mapping[str, TrainingCost] | None = None
) -> tuple[ComparisonTable, ...]:
    """The headline metrics of all tasks first, then each task's other metrics; parts (`name.part`) after their wholes.

    What may not decide comes last, without distinctions.

    Probes, general tasks and retrieval's own figures have sections of their own. The first table shows what training
    a variant's model cost, where that is known.
    """
    columns = ordinary_columns(summary)
    groups = {say("comparison_table.headline"): [column for column in columns if column.headline]}
    for task in dict.fromkeys(column.task for column in columns):
        groups[task] = [column for column in columns if column.task == task and not column.headline]
    tables = [comparison_table(summary, title, group) for title, group in groups.items() if group]
    if tables and training:
        rows = (replace(row, training=training.get(row.variant)) for row in tables[0].rows)
        tables[0] = replace(tables[0], rows=tuple(rows))
    return tuple(tables)


def task_tables(summary: Summary) -> tuple[ComparisonTable, ...]:
    """Each task with figures besides the headline ones: its headline figures first, then those."""
    columns = ordinary_columns(summary)
    tasks = dict.fromkeys(column.task for column in columns if not column.headline)
    groups = ((task, [column for column in columns if column.task == task]) for task in tasks)
    return tuple(comparison_table(summary, task, group) for task, group in groups)


def comparison_table(summary: Summary, title: str, columns: Iterable[MetricColumn]) -> ComparisonTable:
    """The columns for all variants that have a result on one of them."""
    columns = tuple(columns)
    entries = [_entries(summary, column) for column in columns]
    rows = (
        VariantRow(
            variant=name,
            is_reference=name == summary.reference,
            is_floor=name in summary.unaided,
            is_bound=name in summary.bounds,
            is_foreign=approach_of(summary, name) == "made elsewhere",
            entries=tuple(by_variant.get(name) for by_variant in entries),
        )
        for name in variant_names(summary)
    )
    return ComparisonTable(title, columns, tuple(row for row in rows if any(row.entries)))


def _entries(summary: Summary, column: MetricColumn) -> dict[str, TableEntry]:
    results = results_by_variant(summary, column.key)
    comparisons = {c.variant: c for c in summary.comparisons if (c.task, c.metric) == column.key}
    below = {c.variant for c in summary.floors if (c.task, c.metric) == column.key and c.verdict == "worse"}
    contenders = {variant: result for variant, result in results.items() if variant not in summary.bounds}
    tested = next((c for c in summary.leaders if (c.task, c.metric) == column.key), None)
    leading = {} if column.demoted else leaders(contenders, comparisons, tested, summary.reference, column.info)
    beaten = _beaten_bounds(summary, results, column)
    spreads = {s.variant: _spread(s, column.info) for s in summary.seeds if (s.task, s.metric) == column.key}
    axis = value_axis(results.values(), column.info)
    return {
        variant: replace(
            _entry(result, comparisons.get(variant), column.info, axis),
            distinction=leading.get(variant),
            is_below_floor=variant in below,
            spread=spreads.get(variant),
            beaten_by=beaten.get(variant),
        )
        for variant, result in results.items()
    }


def _beaten_bounds(summary: Summary, results: Mapping[str, Result], column: MetricColumn) -> dict[str, str]:
    """Upper bounds that lie below a deployable variant, and the best such variant."""
    means = {v: column.sign * r.mean for v, r in results.items() if r.mean is not None and v not in summary.unaided}
    candidates = [variant for variant in means if variant not in summary.bounds]
    if not candidates or column.info.better == "neither":
        return {}
    best = max(candidates, key=lambda variant: means[variant])
    return {bound: best for bound in summary.bounds if bound in means and means[bound] < means[best]}


def _entry(result: Result, comparison: Comparison | None, info: MetricInfo, axis: Axis) -> TableEntry:
    tested = comparison if comparison and comparison.difference is not None else None
    return TableEntry(
        result=result,
        comparison=comparison,
        value=numbers.with_unit(result.mean, info),
        interval=numbers.interval(result.low, result.high, info),
        coverage=numbers.coverage(result),
        difference=numbers.signed(tested.difference or 0.0, info) if tested else None,
        verdict=tested.verdict if tested else None,
        distinction=None,
        is_below_floor=False,
        spread=None,
        whisker=None
        if result.mean is None or math.isnan(result.mean)
        else whisker(axis, result.mean, result.low, result.high),
    )


def _spread(seeds: Seeds, info: MetricInfo) -> str:
    members = counted(len(seeds.members), "seed")
    if seeds.deviation is None:
        return members
    size = numbers.points(seeds.deviation, info)
    return say("comparison_table.spread", seeds=members, deviation=say("comparison_table.deviation"), size=size)


def leaders(
    results: Mapping[str, Result],
    comparisons: Mapping[str, Comparison],
    tested: Comparison | None,
    reference: str | None,
    info: MetricInfo,
) -> dict[str, Distinction]:
    """Who may be called best: nobody while the leader's difference to the reference is inconclusive.

    "best" needs a test: the leader is confirmed to be better than the runner-up, by `tested` or, where one of them is
    the reference, by its comparison. Otherwise the leader, and every variant that is also better than the reference
    and whose interval reaches the leader's mean, is "leading".
    """
    sign = {"higher": 1.0, "lower": -1.0, "neither": 0.0}[info.better]
    means = {variant: sign * result.mean for variant, result in results.items() if result.mean is not None}
    if not sign or len(means) < 2:
        return {}
    verdicts = {variant: comparison.verdict for variant, comparison in comparisons.items()}
    top, runner_up, *_ = sorted(means, key=lambda variant: means[variant], reverse=True)
    if top == reference:
        return {top: "best"} if verdicts.get(runner_up) == "worse" else {}
    if verdicts.get(top) != "better":
        return {}
    if runner_up == reference or _is_confirmed(tested, top, runner_up):
        return {top: "best"}
    near = [variant for variant in means if variant != reference and _reach(results[variant], sign) >= means[top]]
    return dict.fromkeys([top, *(variant for variant in near if verdicts.get(variant) == "better")], "leading")


def _is_confirmed(tested: Comparison | None, top: str, runner_up: str) -> bool:
    if tested is None or (tested.variant, tested.reference) != (top, runner_up):
        return False
    return tested.verdict == "better"


def _reach(result: Result, sign: float) -> float:
    end = result.high if sign > 0 else result.low
    mean = result.mean if result.mean is not None else -sign * float("inf")
    return sign * (mean if end is None else end)
