"""All pairs of deployable variants on each headline figure: who is shown to be better than whom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.records.figures import Comparison
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.contrasts import by_figure, turned
from reports.facts.cost_texts import is_number
from reports.facts.metric_columns import MetricColumn, column_of, means_by_variant
from reports.facts.phrases import counted
from reports.section import Section
from reports.wording import say

MOST = 30  # variants a matrix
SIGNS = {"better": "▲", "worse": "▼", "inconclusive": "·"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCell:
    """One variant against another."""

    verdict: str
    sign: str
    explanation: str  # difference, interval and counts in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class PairGrid:
    """One headline figure: rows against columns, the best first."""

    column: MetricColumn
    variants: tuple[str, ...]
    values: tuple[str, ...]
    cells: tuple[tuple[PairCell | None, ...], ...]
    left_out: int  # variants


class PairMatrix(Section):
    order = 40

    def build(self, finished: FinishedRun) -> tuple[PairGrid, ...]:
        """None where there are fewer than two deployable variants."""
        return tuple(_grids(finished.summary))


def _grids(summary: Summary) -> Iterator[PairGrid]:
    for key, comparisons in by_figure(summary.decisions.pairs).items():
        column = column_of(summary, *key)
        means = means_by_variant(summary, key)
        names = dict.fromkeys(name for c in comparisons for name in (c.variant, c.reference))
        ranked = sorted(names, key=lambda name: _place(means.get(name), column))
        pairs = {(c.variant, c.reference): c for c in comparisons}
        yield PairGrid(
            column=column,
            variants=tuple(ranked[:MOST]),
            values=tuple(numbers.with_unit(means.get(name), column.info) for name in ranked[:MOST]),
            cells=tuple(_row(name, ranked[:MOST], pairs, column) for name in ranked[:MOST]),
            left_out=len(ranked) - len(ranked[:MOST]),
        )


def _place(mean: float | None, column: MetricColumn) -> float:
    return -column.sign * mean if mean is not None and is_number(mean) else float("inf")


def _row(
    name: str, columns: Sequence[str], pairs: Mapping[tuple[str, str], Comparison], column: MetricColumn
) -> tuple[PairCell | None, ...]:
    cells = []
    for other in columns:
        pair = pairs.get((name, other)) or (turned(pairs[other, name]) if (other, name) in pairs else None)
        cells.append(_cell(pair, column) if pair else None)
    return tuple(cells)


def _cell(pair: Comparison, column: MetricColumn) -> PairCell:
    if pair.difference is None or not is_number(pair.difference):
        text = say("pair_matrix.unknown_explained", variant=pair.variant, rival=pair.reference)
        return PairCell(verdict="unknown", sign="?", explanation=text)
    text = say(
        f"pair_matrix.{pair.verdict}_explained",
        variant=pair.variant,
        rival=pair.reference,
        difference=numbers.signed(pair.difference, column.info),
        interval=numbers.interval(pair.low, pair.high, column.info) or say("nouns.unknown"),
        items=counted(pair.samples, "item"),
        won=f"{pair.wins:,}",
        lost=f"{pair.losses:,}",
    )
    return PairCell(verdict=pair.verdict, sign=SIGNS[pair.verdict], explanation=text)
