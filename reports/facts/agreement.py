"""How a judge agrees with people, and how far people agree with each other: no judge can be expected to do better."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.judgements import Calibration
from reports.charts.whiskers import Axis, Whisker, whisker
from reports.facts import numbers


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of a judge, with what it means."""

    title: str
    value: str
    told: str = ""
    odd: bool = False  # to be looked at


@dataclass(frozen=True, slots=True)
class People:
    """A judge against people."""

    facts: tuple[Fact, ...]
    kappa: Whisker | None  # on an axis from 0 to 1
    ceiling: float | None  # annotators among each other, on the same axis
    picture: str  # the same in words
    source: str  # labels and date


def against_people(one: Calibration) -> People:
    """What a calibration shows, and the picture of κ under its ceiling."""
    against, ceiling = one.against, one.ceiling
    axis = Axis(min(0.0, against.kappa or 0.0, against.low or 0.0), 1.0)
    known = against.kappa is not None
    top = ceiling.kappa if ceiling else None
    bounds = _bounds(against.low, against.high)
    words = f"κ {numbers.coefficient(against.kappa)}{f' (95 % CI {bounds})' if bounds else ''}"
    return People(
        tuple(_agreement(one)),
        whisker(axis, against.kappa or 0.0, against.low, against.high) if known else None,
        None if top is None else axis.place(top),
        f"{words}; annotators among each other {numbers.coefficient(top)}" if top is not None else words,
        f"{one.labels}, {one.when[:10]}",
    )


def _agreement(one: Calibration) -> Iterator[Fact]:
    against, ceiling = one.against, one.ceiling
    asked = f"{one.annotators} annotators" if one.annotators > 1 else "one annotator"
    yield Fact("Items", f"{one.items:,}", f"labelled by {asked}")
    bounds = _bounds(against.low, against.high)
    weights = "" if one.pairwise else "quadratic weights"
    told = "; ".join(filter(None, (bounds and f"95 % CI {bounds}", weights)))
    yield Fact("Cohen’s κ", numbers.coefficient(against.kappa), told)
    yield Fact("Equal labels", numbers.share(against.agreement))
    if one.spearman is not None or one.kendall is not None:
        yield Fact(
            "Rank correlation",
            f"ρ = {numbers.coefficient(one.spearman)}, τ = {numbers.coefficient(one.kendall)}",
            "Spearman, Kendall",
        )
    if ceiling is not None:
        told = f"annotators among each other, mean over their pairs; equal labels {numbers.share(ceiling.agreement)}"
        yield Fact("Ceiling", f"κ = {numbers.coefficient(ceiling.kappa)}", told)
    if one.fleiss is not None:
        yield Fact("Fleiss’ κ", numbers.coefficient(one.fleiss), "all annotators together")
    if one.flips is not None:
        yield Fact("Flip rate", numbers.share(one.flips), "on these items")
    lost = one.unreadable + one.failed
    if lost:
        yield Fact("No verdict", f"{lost:,}", f"{one.unreadable:,} unreadable, {one.failed:,} failed", True)


def _bounds(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    ends = numbers.coefficient(low), numbers.coefficient(high)
    return (" to " if any(end.startswith(numbers.MINUS) for end in ends) else "–").join(ends)
