"""The best of each approach against the best of each other: the table that the run was made for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.decisions import MarginTest
from harness.records.figures import Comparison
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.approach_names import approach_name, approach_of, labels_used
from reports.facts.contrasts import ContrastScale, DrawnDifference, by_figure, contrast_scale, in_favour
from reports.facts.metric_columns import column_of
from reports.facts.phrases import shortened
from reports.section import Section
from reports.wording import say

Margins = Mapping[tuple[str, str, str, str], MarginTest]  # by task, metric, variant, reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestRow:
    """Two approaches by their best variants; the first is not the worse one."""

    approach: str
    rival: str
    labels: str | None  # that the first searches by, where it does
    rival_labels: str | None
    comparison: Comparison
    contrast: DrawnDifference
    verdict: str  # a style of the chip
    words: str  # the strongest that is true
    p: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestTable:
    """All contests on one headline figure."""

    scale: ContrastScale
    rows: tuple[ContestRow, ...]


class ApproachTable(Section):
    order = 10
    is_printed = True

    def build(self, finished: FinishedRun) -> tuple[ContestTable, ...]:
        """One table a headline figure; none where the run has but one approach."""
        return tuple(_tables(finished.summary))


def _tables(summary: Summary) -> Iterator[ContestTable]:
    margins = {(m.task, m.metric, m.variant, m.reference): m for m in summary.decisions.margins}
    contests = by_figure([contest.comparison for contest in summary.decisions.contests])
    for key, comparisons in contests.items():
        column = column_of(summary, *key)
        scale = contrast_scale(column, comparisons := [in_favour(c, column) for c in comparisons])
        comparisons.sort(key=lambda c: (c.verdict != "better", -abs(c.difference or 0.0)))
        yield ContestTable(scale=scale, rows=tuple(_row(summary, scale, c, margins) for c in comparisons))


def _row(summary: Summary, scale: ContrastScale, comparison: Comparison, margins: Margins) -> ContestRow:
    verdict, words = _standing(scale, comparison, margins)
    return ContestRow(
        approach=approach_name(approach_of(summary, comparison.variant)),
        rival=approach_name(approach_of(summary, comparison.reference)),
        labels=labels_used(summary, comparison.variant),
        rival_labels=labels_used(summary, comparison.reference),
        comparison=comparison,
        contrast=scale.contrast(comparison),
        verdict=verdict,
        words=words,
        p=numbers.p_value(comparison),
    )


def _standing(scale: ContrastScale, comparison: Comparison, margins: Margins) -> tuple[str, str]:
    """The strongest that is true: better, as good as, not worse by more than the margin, not told apart."""
    if comparison.verdict != "inconclusive":
        return comparison.verdict, say(f"nouns.verdict_{comparison.verdict}")
    ends = comparison.variant, comparison.reference
    tests = [margins.get((comparison.task, comparison.metric, *pair)) for pair in (ends, ends[::-1])]
    for test in tests:
        if test and test.equivalent:
            return "as-good", say("approach_table.as_good", margin=numbers.points(test.margin, scale.column.info))
    for test in tests:
        if test and test.non_inferior:
            margin = numbers.points(test.margin, scale.column.info)
            return "as-good", say("approach_table.not_worse", variant=shortened(test.variant), margin=margin)
    return "inconclusive", say("approach_table.not_told_apart")
