"""Every tested difference to the reference as a picture, one a metric."""

from dataclasses import dataclass

from harness.records.figures import Comparison, Summary
from harness.records.finished_run import FinishedRun
from reports.charts.whiskers import Axis, Whisker, whisker, zero_axis
from reports.facts import numbers
from reports.facts.comparison_table import Verdict
from reports.facts.metric_columns import MetricColumn, ordinary_columns
from reports.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """One variant's difference to the reference."""

    variant: str
    whisker: Whisker
    difference: str
    interval: str | None
    p: str | None
    wins: int
    losses: int
    ties: int
    verdict: Verdict
    needed: str | None  # items that would confirm the difference, when inconclusive
    samples: int
    detectable: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """All differences on one metric, on one axis through zero."""

    column: MetricColumn
    reference: str
    zero: float
    ticks: tuple[tuple[float, str], ...]  # place, label
    rows: tuple[ForestRow, ...]


class Differences(Section):
    title = "Differences"
    heading = "Differences to the reference"
    order = 20

    def build(self, finished: FinishedRun) -> tuple[Forest, ...]:
        """One picture per metric that was compared, headline first."""
        columns = ordinary_columns(finished.summary)
        return tuple(forest for column in columns if (forest := _forest(finished.summary, column)))


def _forest(summary: Summary, column: MetricColumn) -> Forest | None:
    tested = [c for c in summary.comparisons if (c.task, c.metric) == column.key and c.difference is not None]
    if not tested:
        return None
    axis = zero_axis(tested)
    places = axis.ticks()
    labels = [numbers.signed(tick, column.info) for tick in places]
    if all(label.endswith((".0", ".00")) or label == "0" for label in labels):
        labels = [label.split(".")[0] for label in labels]
    return Forest(
        column=column,
        reference=tested[0].reference,
        zero=axis.place(0.0),
        ticks=tuple((axis.place(tick), label) for tick, label in zip(places, labels, strict=True)),
        rows=tuple(_row(column, comparison, axis) for comparison in tested),
    )


def _row(column: MetricColumn, comparison: Comparison, axis: Axis) -> ForestRow:
    difference, needed, detectable = comparison.difference or 0.0, comparison.needed, comparison.detectable
    return ForestRow(
        variant=comparison.variant,
        whisker=whisker(axis, difference, comparison.low, comparison.high),
        difference=numbers.signed(difference, column.info),
        interval=numbers.interval(comparison.low, comparison.high, column.info),
        p=numbers.p_value(comparison),
        wins=comparison.wins,
        losses=comparison.losses,
        ties=comparison.ties,
        verdict=comparison.verdict,
        needed=numbers.about(needed) if needed is not None and comparison.verdict == "inconclusive" else None,
        samples=comparison.samples,
        detectable=None if detectable is None else numbers.points(detectable, column.info),
    )
