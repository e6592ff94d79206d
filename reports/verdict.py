"""The answer in plain words, because most readers stop after the first sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.figures import Comparison, Result, Summary
from reports.facts import demoted, numbers
from reports.facts.columns import Column, ordinary
from reports.sections import forgetting, judging
from reports.sections import leakage as overlap
from reports.sections.floors import floors, sentences


@dataclass(frozen=True, slots=True)
class Finding:
    """What one headline metric says."""

    metric: str
    verdict: Literal["better", "worse", "inconclusive", "no comparison", "undecided"]
    sentence: str
    others: str | None  # what became of the other variants
    floor: tuple[str, ...] = ()  # which variants are above the best one that asks no model, and which are not


@dataclass(frozen=True, slots=True)
class Caution:
    """What weighs against a headline, and the section that tells more."""

    sentence: str
    section: str


def findings(summary: Summary) -> tuple[Finding, ...]:
    """One finding per headline metric; without any, one per whole metric. Nothing demoted is ever among them."""
    if undecided := demoted.undecided(summary):
        return (Finding("", "undecided", undecided, "What is shown below is for reading, not for deciding."),)
    every = ordinary(summary)
    chosen = [column for column in every if column.headline and not column.demoted]
    chosen = chosen or [c for c in every if "." not in c.metric and not c.demoted]
    against = floors(summary)
    return tuple(
        replace(_finding(summary, column), floor=sentences(against[column.name]) if column.name in against else ())
        for column in chosen
    )


def cautions(summary: Summary) -> tuple[Caution, ...]:
    """Which judges may not decide, what training spoilt, and which test items are no test."""
    return (
        *(Caution(sentence, "judges") for sentence in judging.alarms(summary)),
        *(Caution(sentence, "leakage") for sentence in overlap.alarms(summary)),
        *(Caution(sentence, "forgetting") for sentence in forgetting.alarms(summary)),
    )


def _finding(summary: Summary, column: Column) -> Finding:
    tested = [
        replace(c, variant=_named(c.variant, summary), reference=_named(c.reference, summary))
        for c in summary.comparisons
        if (c.task, c.metric) == column.key and c.difference is not None and c.variant not in summary.bounds
    ]
    results, bounds = (
        [
            replace(r, variant=_named(r.variant, summary))
            for r in summary.results
            if (r.task, r.metric) == column.key and (r.variant in summary.bounds) is bound
        ]
        for bound in (False, True)
    )
    if not tested:
        return Finding(column.name, "no comparison", _alone(column, results, bounds), None)
    first = _most_telling(tested, column)
    whole = next((r.samples for r in results if r.variant == first.variant), first.samples)
    rest = [c for c in tested if c is not first]
    return Finding(column.name, first.verdict, _compared(column, first, whole, len(tested)), _others(rest))


def _named(variant: str, summary: Summary) -> str:
    """A variant as sentences call it."""
    if variant in summary.bounds:
        return f"{variant} (upper bound)"
    return f"{variant} (no model)" if variant in summary.unaided else variant


def _most_telling(tested: Sequence[Comparison], column: Column) -> Comparison:
    """The best of the better ones; without any, the worst of the worse ones; else the largest difference."""
    sign = -1.0 if column.info.better == "lower" else 1.0
    for verdict, direction in (("better", sign), ("worse", -sign)):
        found = [c for c in tested if c.verdict == verdict]
        if found:
            return max(found, key=lambda c: direction * (c.difference or 0.0))
    return max(tested, key=lambda c: abs(c.difference or 0.0))


def _compared(column: Column, found: Comparison, whole: int, tests: int) -> str:
    info, difference = column.info, found.difference or 0.0
    size = numbers.points(difference, info)
    evidence = _evidence(column, found, whole)
    if found.verdict == "better":
        by = f"{size} (lower is better)" if info.better == "lower" else size
        return f"On {column.name}, {found.variant} beats {found.reference} by {by} {evidence}."
    if found.verdict == "worse":
        opening = "no variant beats it and " if tests > 1 else ""
        beaten = f"{opening}{found.variant} is worse by {size}"
        return f"On {column.name}, {found.reference} stands: {beaten} {evidence}."
    unit = " points" if numbers.is_percent(info) else ""
    observed = f"is {numbers.signed(difference, info)}{unit} {evidence}; {advice(column, found)}"
    pair = f"{found.variant} minus {found.reference}"
    subject = f"the largest difference, {pair}," if tests > 1 else pair
    return f"On {column.name}, nothing is decided: {subject} {observed}."


def advice(column: Column, found: Comparison) -> str:
    """What would settle an inconclusive comparison."""
    if found.needed is not None:
        return f"about {numbers.about(found.needed)} items would be needed to confirm a difference of this size"
    if found.detectable is not None:
        smallest = numbers.points(found.detectable, column.info)
        return f"{found.samples:,} items can only show differences of {smallest} or more"
    return "no number of items can be named that would confirm it"


def _evidence(column: Column, found: Comparison, whole: int) -> str:
    bounds = numbers.interval(found.low, found.high, column.info)
    items = f"{found.samples:,} items" if found.samples == whole else f"{found.samples:,} of {whole:,} items"
    parts = [f"95 % CI {bounds}" if bounds else None, numbers.p_value(found), items]
    return f"({', '.join(part for part in parts if part)})"


def _others(rest: Sequence[Comparison]) -> str | None:
    groups = []
    for verdict, title in (("better", "Also better"), ("worse", "Worse"), ("inconclusive", "Inconclusive")):
        names = [c.variant for c in rest if c.verdict == verdict]
        if names:
            groups.append(f"{title}: {', '.join(names)}.")
    return " ".join(groups) or None


def _alone(column: Column, results: Sequence[Result], capped: Sequence[Result]) -> str:
    known = [result for result in results if result.mean is not None]
    valued = [bound.variant for bound in capped if bound.mean is not None]
    if not known and valued:
        return f"On {column.name}, only what cannot be deployed has a value: {', '.join(valued)}."
    if not known:
        return f"On {column.name}, nothing is known: no item has a value."
    sign = -1.0 if column.info.better == "lower" else 1.0
    first = max(known, key=lambda result: sign * (result.mean or 0.0))
    bounds = numbers.interval(first.low, first.high, column.info)
    value = numbers.with_unit(first.mean or 0.0, column.info)
    items = f"{first.known:,} items" if first.known == first.samples else f"{first.known:,} of {first.samples:,} items"
    basis = f"(95 % CI {bounds}, {items})" if bounds else f"({items})"
    if len(results) == 1:
        other = f"besides {', '.join(bound.variant for bound in capped)}, there" if capped else "there"
        compared = f"{other} is no other variant to compare it with"
        return f"On {column.name}, {first.variant} reaches {value} {basis}; {compared}."
    return f"On {column.name}, {first.variant} leads with {value} {basis}; no difference was tested."
