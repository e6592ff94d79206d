"""By subject, by group: the headline figures on the items of each value of a column."""

from dataclasses import dataclass

from harness.records.figures import Breakdown
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, column_of, variant_names
from reports.facts.phrases import counted
from reports.section import Section
from reports.wording import say

COLUMNS = {  # of the exams, in words
    "subject": "breakdowns.column_subject",
    "cluster": "breakdowns.column_cluster",
    "china_specific": "breakdowns.column_china_specific",
}
VALUES = {  # of these columns, in words
    ("cluster", "STEM"): "breakdowns.area_stem",
    ("cluster", "Humanities"): "breakdowns.area_humanities",
    ("cluster", "Social Science"): "breakdowns.area_social_science",
    ("cluster", "Other"): "breakdowns.area_other",
    ("china_specific", "yes"): "breakdowns.only_china",
    ("china_specific", "no"): "breakdowns.not_only_china",
}
FEW = 12  # so many rows stand open; a longer table is folded

Figure = tuple[str, str | None]  # value, interval


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakdownRow:
    """One value of the column."""

    value: str
    items: str
    figures: tuple[Figure | None, ...]  # of each variant


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakdownTable:
    """One figure by one column."""

    column: MetricColumn
    by: str  # the column, as the page calls it
    count: str  # of its values
    variants: tuple[str, ...]
    rows: tuple[BreakdownRow, ...]
    means: tuple[str, ...]  # of each variant: over the values, each counting once
    is_folded: bool


class Breakdowns(Section):
    order = 55

    def build(self, finished: FinishedRun) -> tuple[BreakdownTable, ...]:
        """One part a figure and column."""
        summary = finished.summary
        keys = dict.fromkeys((part.result.task, part.result.metric, part.column) for part in summary.breakdowns)
        return tuple(_table(summary, column_of(summary, task, metric), by) for task, metric, by in keys)


def _table(summary: Summary, column: MetricColumn, by: str) -> BreakdownTable:
    parts = [
        part
        for part in summary.breakdowns
        if (part.result.task, part.result.metric) == column.key and part.column == by
    ]
    own = {(part.value, part.result.variant): part for part in parts}
    values = list(dict.fromkeys(part.value for part in parts))
    variants = tuple(name for name in variant_names(summary) if any((value, name) in own for value in values))
    return BreakdownTable(
        column=column,
        by=say(COLUMNS[by]) if by in COLUMNS else by,
        count=counted(len(values), "value"),
        variants=variants,
        rows=tuple(_row(column, _value(by, value), [own.get((value, name)) for name in variants]) for value in values),
        means=tuple(_mean(column, [own.get((value, name)) for value in values]) for name in variants),
        is_folded=len(values) > FEW,
    )


def _row(column: MetricColumn, value: str, parts: list[Breakdown | None]) -> BreakdownRow:
    samples = max(part.result.samples for part in parts if part is not None)
    return BreakdownRow(
        value=value,
        items=f"{samples:,}",
        figures=tuple(None if part is None else numbers.figure(part.result, column.info) for part in parts),
    )


def _value(by: str, value: str) -> str:
    """A value as the page writes it; names of subjects are files' names, without spaces."""
    if (by, value) in VALUES:
        return say(VALUES[by, value])
    return (value.replace("_", " ") if by == "subject" else value) or say("breakdowns.without")


def _mean(column: MetricColumn, parts: list[Breakdown | None]) -> str:
    """Over the values, whatever their number of items; a dash where one of them is unknown."""
    means = [None if part is None else part.result.mean for part in parts]
    known = [mean for mean in means if mean is not None]
    return numbers.with_unit(sum(known) / len(known), column.info) if len(known) == len(means) else "–"
