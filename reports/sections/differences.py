"""Every tested difference to the reference as a picture, one a metric."""

from dataclasses import dataclass

from harness.records.figures import Comparison
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.charts.whiskers import Whisker, whisker, zero_axis
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, ordinary_columns
from reports.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """All differences on one metric, on one axis through zero."""

    column: MetricColumn
    reference: str
    zero: float
    ticks: tuple[tuple[float, str], ...]  # place, label
    rows: tuple[tuple[Comparison, Whisker], ...]


class Differences(Section):
    order = 45

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
        rows=tuple((c, whisker(axis, c.difference or 0.0, c.low, c.high)) for c in tested),
    )
