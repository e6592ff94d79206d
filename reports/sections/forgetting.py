"""What training made models forget: their answers to general tasks before and after."""

from dataclasses import dataclass

from harness.records.figures import Comparison
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.charts.whiskers import Axis, Whisker, whisker, zero_axis
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, column_of
from reports.facts.phrases import counted, counted_range, parenthesised
from reports.section import Section
from reports.wording import say

VERDICTS = {"worse": "forgetting.worse", "better": "forgetting.better", "inconclusive": "forgetting.inconclusive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgettingRow:
    """One trained model on one general task."""

    comparison: Comparison  # with the model it is made of
    before: str
    after: str
    whisker: Whisker | None
    explanation: str  # the verdict in words
    advice: str | None


@dataclass(frozen=True, slots=True)
class ForgettingFacts:
    """One figure of a general task, on one axis through zero."""

    column: MetricColumn
    samples: str
    zero: float
    rows: tuple[ForgettingRow, ...]


class Forgetting(Section):
    order = 80

    def build(self, finished: FinishedRun) -> tuple[ForgettingFacts, ...]:
        """One part a figure."""
        keys = dict.fromkeys((comparison.task, comparison.metric) for comparison in finished.summary.forgotten)
        return tuple(_facts(finished.summary, column_of(finished.summary, *key)) for key in keys)

    def cautions(self, finished: FinishedRun) -> tuple[str, ...]:
        """One sentence with every drop beyond noise."""
        drops = [comparison for comparison in finished.summary.forgotten if comparison.verdict == "worse"]
        texts = say("nouns.semicolon").join(_drop(finished.summary, drop) for drop in drops)
        return (say("forgetting.caution", drops=texts),) if drops else ()

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """Of models without a drop, how large a drop could have been overlooked."""
        summary = finished.summary
        open_comparisons = [comparison for comparison in summary.forgotten if comparison.verdict != "worse"]
        open_comparisons.sort(key=lambda comparison: comparison.difference is not None)
        return tuple(_no_drop(summary, comparison) for comparison in open_comparisons)


def _facts(summary: Summary, column: MetricColumn) -> ForgettingFacts:
    comparisons = [c for c in summary.forgotten if (c.task, c.metric) == column.key]
    axis = zero_axis(comparisons)
    samples = counted_range([comparison.samples for comparison in comparisons], "item")
    rows = tuple(_row(summary, column, comparison, axis) for comparison in comparisons)
    return ForgettingFacts(column, samples, axis.place(0.0), rows)


def _row(summary: Summary, column: MetricColumn, comparison: Comparison, axis: Axis) -> ForgettingRow:
    difference = comparison.difference
    return ForgettingRow(
        comparison=comparison,
        before=_mean(summary, column, comparison.reference),
        after=_mean(summary, column, comparison.variant),
        whisker=None if difference is None else whisker(axis, difference, comparison.low, comparison.high),
        explanation=say("forgetting.incomparable" if difference is None else VERDICTS[comparison.verdict]),
        advice=_advice(column, comparison),
    )


def _mean(summary: Summary, column: MetricColumn, model: str) -> str:
    """The model's own result on the task."""
    means = {result.variant: result.mean for result in summary.general if (result.task, result.metric) == column.key}
    mean = means.get(model)
    return "–" if mean is None else numbers.with_unit(mean, column.info)


def _advice(column: MetricColumn, comparison: Comparison) -> str | None:
    """What could have been overlooked."""
    if comparison.verdict != "inconclusive" or comparison.detectable is None:
        return None
    smallest = numbers.points(comparison.detectable, column.info)
    return say("forgetting.advice", items=counted(comparison.samples, "item"), smallest=smallest)


def _drop(summary: Summary, comparison: Comparison) -> str:
    column = column_of(summary, comparison.task, comparison.metric)
    return say(
        "forgetting.drop_reversed" if column.lower_is_better else "forgetting.drop",
        variant=comparison.variant,
        reference=comparison.reference,
        size=numbers.points(comparison.difference or 0.0, column.info),
        figure=column.name,
        evidence=parenthesised(*_evidence(column, comparison)),
    )


def _no_drop(summary: Summary, comparison: Comparison) -> str:
    column = column_of(summary, comparison.task, comparison.metric)
    if comparison.difference is None:
        return say("forgetting.unknown_sentence", variant=comparison.variant, figure=column.name)
    evidence = (numbers.signed(comparison.difference, column.info), *_evidence(column, comparison))
    return say(
        "forgetting.no_drop_sentence",
        variant=comparison.variant,
        reference=comparison.reference,
        figure=column.name,
        evidence=parenthesised(*evidence),
    )


def _evidence(column: MetricColumn, comparison: Comparison) -> tuple[str | None, ...]:
    items = counted(comparison.samples, "item")
    return numbers.confidence(comparison, column.info), numbers.p_value(comparison), items
