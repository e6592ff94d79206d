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
from reports.wording import say

VERDICTS = ("better", "worse", "inconclusive")


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
        return (Finding(metric="", verdict="undecided", sentence=undecided, remainder=say("verdict.reading")),)
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
        return say("verdict.upper_bound", variant=variant)
    return say("verdict.no_model", variant=variant) if variant in summary.unaided else variant


def _most_telling(tested: Sequence[Comparison], column: MetricColumn) -> Comparison:
    """The best of the better ones; without any, the worst of the worse ones; else the largest difference."""
    for verdict, direction in (("better", column.sign), ("worse", -column.sign)):
        candidates = [comparison for comparison in tested if comparison.verdict == verdict]
        if candidates:
            return max(candidates, key=lambda comparison: direction * (comparison.difference or 0.0))
    return max(tested, key=lambda comparison: abs(comparison.difference or 0.0))


def _comparison_sentence(column: MetricColumn, comparison: Comparison, items: int, tests: int) -> str:
    info, difference = column.info, comparison.difference or 0.0
    is_open = comparison.verdict == "inconclusive"
    values = {
        "figure": column.name,
        "variant": comparison.variant,
        "reference": comparison.reference,
        "size": numbers.points(difference, info),
        "evidence": _evidence(column, comparison, items),
        **({"advice": _advice(column, comparison)} if is_open else {}),
    }
    if comparison.verdict == "better":
        return say("verdict.better_lower", **values) if column.lower_is_better else say("verdict.better", **values)
    if comparison.verdict == "worse":
        return say("verdict.stands", n=tests, **values)
    if not difference:
        return say("verdict.differs", n=tests, **{**values, "size": say("verdict.nothing")})
    if info.better == "neither":
        return say("verdict.differs", n=tests, **values)
    is_ahead = difference * column.sign > 0
    return say("verdict.looks_better", n=tests, **values) if is_ahead else say("verdict.looks_worse", n=tests, **values)


def _advice(column: MetricColumn, comparison: Comparison) -> str:
    """What would settle an inconclusive comparison."""
    if (required := numbers.needed(comparison)) is not None:
        return say("verdict.needed", items=required)
    if comparison.detectable is not None:
        smallest = numbers.points(comparison.detectable, column.info)
        return say("verdict.detectable", items=counted(comparison.samples, "item"), size=smallest)
    return say("verdict.no_number")


def _evidence(column: MetricColumn, comparison: Comparison, items: int) -> str:
    basis = _basis(comparison.samples, items)
    if comparison.groups is not None:
        basis = say("verdict.in_groups", basis=basis, groups=counted(comparison.groups, "group"))
    return parenthesised(numbers.confidence(comparison, column.info), numbers.p_value(comparison), basis)


def _basis(count: int, total: int) -> str:
    if count == total:
        return counted(total, "item")
    return say("verdict.basis", count=f"{count:,}", total=f"{total:,}")


def _remainder(comparisons: Sequence[Comparison]) -> str | None:
    groups = []
    for verdict in VERDICTS:
        names = [comparison.variant for comparison in comparisons if comparison.verdict == verdict]
        if names:
            groups.append(say(f"verdict.also_{verdict}", variants=say("nouns.separator").join(names)))
    return say("verdict.between").join(groups) or None


def _sentence_without_test(column: MetricColumn, results: Sequence[Result], bounds: Sequence[Result]) -> str:
    valued = [result for result in results if result.mean is not None]
    valued_bounds = [bound.variant for bound in bounds if bound.mean is not None]
    if not valued and valued_bounds:
        return say("verdict.only_bounds", figure=column.name, variants=say("nouns.separator").join(valued_bounds))
    if not valued:
        return say("verdict.unknown", figure=column.name)
    first = max(valued, key=lambda result: column.sign * (result.mean or 0.0))
    ends = numbers.interval(first.low, first.high, column.info)
    confidence = None if ends is None else say("nouns.confidence", ends=ends)
    values = {
        "figure": column.name,
        "variant": first.variant,
        "value": numbers.with_unit(first.mean, column.info),
        "evidence": parenthesised(confidence, _basis(first.known, first.samples)),
    }
    if len(results) > 1:
        return say("verdict.leads", **values)
    names = say("nouns.separator").join(bound.variant for bound in bounds)
    return say("verdict.alone_but_bounds", bounds=names, **values) if bounds else say("verdict.alone", **values)
