"""The answer in plain words, because most readers stop after the first sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.figures import Comparison, Result
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.demotions import undecided_sentence
from reports.facts.floors import floor_sentences, floor_standings
from reports.facts.metric_columns import MetricColumn, ordinary_columns, results_by_variant
from reports.facts.phrases import counted, parenthesised


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdict on one headline metric."""

    metric: str
    verdict: Literal["better", "worse", "inconclusive", "no comparison", "undecided"]
    sentence: str
    remainder: str | None = None  # the verdicts on the remaining variants
    floor: tuple[str, ...] = ()  # which variants are above the best one that asks no model, and which are not


def findings(summary: Summary) -> tuple[Finding, ...]:
    """One finding per headline metric; without any, one per whole metric. Nothing demoted is ever among them."""
    if undecided := undecided_sentence(summary):
        note = "What is shown below is for reading, not for deciding."
        return (Finding(metric="", verdict="undecided", sentence=undecided, remainder=note),)
    columns = [column for column in ordinary_columns(summary) if not column.demoted]
    headline = [column for column in columns if column.headline]
    floors = floor_standings(summary)
    return tuple(
        replace(
            _finding(summary, column),
            floor=floor_sentences(floors[column.name]) if column.name in floors else (),
        )
        for column in headline or [column for column in columns if "." not in column.metric]
    )


def _finding(summary: Summary, column: MetricColumn) -> Finding:
    tested = [
        replace(c, variant=_display_name(c.variant, summary), reference=_display_name(c.reference, summary))
        for c in summary.comparisons
        if (c.task, c.metric) == column.key and c.difference is not None and c.variant not in summary.bounds
    ]
    results = [
        replace(result, variant=_display_name(variant, summary))
        for variant, result in results_by_variant(summary, column.key).items()
        if variant not in summary.bounds
    ]
    bounds = [r for variant, r in results_by_variant(summary, column.key).items() if variant in summary.bounds]
    if not tested:
        bounds = [replace(bound, variant=_display_name(bound.variant, summary)) for bound in bounds]
        sentence = _sentence_without_test(column, results, bounds)
        return Finding(metric=column.name, verdict="no comparison", sentence=sentence)
    first = _most_telling(tested, column)
    items = next((r.samples for r in results if r.variant == first.variant), first.samples)
    sentence = _comparison_sentence(column, first, items, len(tested))
    remainder = _remainder([comparison for comparison in tested if comparison is not first])
    return Finding(metric=column.name, verdict=first.verdict, sentence=sentence, remainder=remainder)


def _display_name(variant: str, summary: Summary) -> str:
    """A variant as sentences call it."""
    if variant in summary.bounds:
        return f"{variant} (upper bound)"
    return f"{variant} (no model)" if variant in summary.unaided else variant


def _most_telling(tested: Sequence[Comparison], column: MetricColumn) -> Comparison:
    """The best of the better ones; without any, the worst of the worse ones; else the largest difference."""
    for verdict, direction in (("better", column.sign), ("worse", -column.sign)):
        candidates = [comparison for comparison in tested if comparison.verdict == verdict]
        if candidates:
            return max(candidates, key=lambda comparison: direction * (comparison.difference or 0.0))
    return max(tested, key=lambda comparison: abs(comparison.difference or 0.0))


def _comparison_sentence(column: MetricColumn, comparison: Comparison, items: int, tests: int) -> str:
    info, difference = column.info, comparison.difference or 0.0
    size = numbers.points(difference, info)
    evidence = _evidence(column, comparison, items)
    if comparison.verdict == "better":
        margin = f"{size} (lower is better)" if column.lower_is_better else size
        return f"On {column.name}, {comparison.variant} beats {comparison.reference} by {margin} {evidence}."
    if comparison.verdict == "worse":
        opening = "no variant beats it and " if tests > 1 else ""
        loser = f"{opening}{comparison.variant} is worse by {size}"
        return f"On {column.name}, {comparison.reference} stands: {loser} {evidence}."
    advice = f"{evidence}; {_advice(column, comparison)}"
    opening = f"On {column.name}, nothing is confirmed{'; the largest difference:' if tests > 1 else ':'}"
    if not difference or column.info.better == "neither":
        size = size if difference else "nothing"
        return f"{opening} {comparison.variant} and {comparison.reference} differ by {size} {advice}."
    look = "better" if difference * column.sign > 0 else "worse"
    return f"{opening} {comparison.variant} looks {look} than {comparison.reference} by {size} {advice}."


def _advice(column: MetricColumn, comparison: Comparison) -> str:
    """What would settle an inconclusive comparison."""
    if (required := numbers.needed(comparison)) is not None:
        return f"{required} would be needed to confirm a difference of this size"
    if comparison.detectable is not None:
        smallest = numbers.points(comparison.detectable, column.info)
        return f"{counted(comparison.samples, 'item')} can only show differences of {smallest} or more"
    return "no number of items can be named that would confirm it"


def _evidence(column: MetricColumn, comparison: Comparison, items: int) -> str:
    basis = _basis(comparison.samples, items)
    if comparison.groups is not None:
        basis = f"{basis} in {counted(comparison.groups, 'group')}"
    return parenthesised(numbers.confidence(comparison, column.info), numbers.p_value(comparison), basis)


def _basis(count: int, total: int) -> str:
    return counted(total, "item") if count == total else f"{count:,} of {total:,} items"


def _remainder(comparisons: Sequence[Comparison]) -> str | None:
    groups = []
    for verdict, title in (("better", "Also better"), ("worse", "Worse"), ("inconclusive", "Inconclusive")):
        names = [comparison.variant for comparison in comparisons if comparison.verdict == verdict]
        if names:
            groups.append(f"{title}: {', '.join(names)}.")
    return " ".join(groups) or None


def _sentence_without_test(column: MetricColumn, results: Sequence[Result], bounds: Sequence[Result]) -> str:
    valued = [result for result in results if result.mean is not None]
    valued_bounds = [bound.variant for bound in bounds if bound.mean is not None]
    if not valued and valued_bounds:
        return f"On {column.name}, only what cannot be deployed has a value: {', '.join(valued_bounds)}."
    if not valued:
        return f"On {column.name}, nothing is known: no item has a value."
    first = max(valued, key=lambda result: column.sign * (result.mean or 0.0))
    interval = numbers.interval(first.low, first.high, column.info)
    basis = parenthesised(f"95 % CI {interval}" if interval else None, _basis(first.known, first.samples))
    value = f"{numbers.with_unit(first.mean, column.info)} {basis}"
    if len(results) > 1:
        return f"On {column.name}, {first.variant} leads with {value}; no difference was tested."
    subject = f"besides {', '.join(bound.variant for bound in bounds)}, there" if bounds else "there"
    return f"On {column.name}, {first.variant} reaches {value}; {subject} is no other variant to compare it with."
