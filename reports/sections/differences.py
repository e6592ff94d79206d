"""Every tested difference to the reference as a picture, one a metric."""

from dataclasses import dataclass

from harness.records.figures import Comparison
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.charts.whiskers import Whisker, whisker
from reports.facts.contrasts import contrast_scale
from reports.facts.cost_texts import is_number
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
    tested = [c for c in summary.comparisons if (c.task, c.metric) == column.key and is_number(c.difference)]
    if not tested:
        return None
    scale = contrast_scale(column, tested)
    return Forest(
        column=column,
        reference=tested[0].reference,
        zero=scale.zero,
        ticks=scale.ticks,
        rows=tuple((c, whisker(scale.axis, c.difference or 0.0, c.low, c.high)) for c in tested),
    )
