"""How a judge agrees with people, and how far people agree with each other: no judge can be expected to do better."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.judgements import Calibration
from reports.charts.whiskers import Axis, Whisker, whisker
from reports.facts import numbers
from reports.facts.phrases import counted


@dataclass(frozen=True, slots=True)
class JudgeFact:
    """A measured property of a judge, with what it means."""

    title: str
    value: str
    note: str = ""
    is_suspicious: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanAgreement:
    """A judge against people."""

    facts: tuple[JudgeFact, ...]
    kappa: Whisker | None  # on an axis from 0 to 1
    ceiling: float | None  # annotators among each other, on the same axis
    description: str  # of the picture
    source: str  # labels and date


def human_agreement(calibration: Calibration) -> HumanAgreement:
    """What a calibration shows, and the picture of κ under its ceiling."""
    against, ceiling = calibration.against, calibration.ceiling
    axis = Axis(min(0.0, against.kappa or 0.0, against.low or 0.0), 1.0)
    top = ceiling.kappa if ceiling else None
    interval = numbers.coefficient_interval(against.low, against.high)
    description = f"κ {numbers.coefficient(against.kappa)}{f' (95 % CI {interval})' if interval else ''}"
    if top is not None:
        description += f"; annotators among each other {numbers.coefficient(top)}"
    return HumanAgreement(
        facts=tuple(_facts(calibration)),
        kappa=None if against.kappa is None else whisker(axis, against.kappa, against.low, against.high),
        ceiling=None if top is None else axis.place(top),
        description=description,
        source=f"{calibration.labels}, {calibration.when[:10]}",
    )


def _facts(calibration: Calibration) -> Iterator[JudgeFact]:
    against, ceiling = calibration.against, calibration.ceiling
    yield JudgeFact("Items", f"{calibration.items:,}", f"labelled by {counted(calibration.annotators, 'annotator')}")
    interval = numbers.coefficient_interval(against.low, against.high)
    weights = "" if calibration.pairwise else "quadratic weights"
    note = "; ".join(filter(None, (interval and f"95 % CI {interval}", weights)))
    yield JudgeFact("Cohen’s κ", numbers.coefficient(against.kappa), note)
    yield JudgeFact("Equal labels", numbers.share(against.agreement))
    if calibration.spearman is not None or calibration.kendall is not None:
        value = f"ρ = {numbers.coefficient(calibration.spearman)}, τ = {numbers.coefficient(calibration.kendall)}"
        yield JudgeFact("Rank correlation", value, "Spearman, Kendall")
    if ceiling is not None:
        note = f"annotators among each other, mean over their pairs; equal labels {numbers.share(ceiling.agreement)}"
        yield JudgeFact("Ceiling", f"κ = {numbers.coefficient(ceiling.kappa)}", note)
    if calibration.fleiss is not None:
        yield JudgeFact("Fleiss’ κ", numbers.coefficient(calibration.fleiss), "all annotators together")
    if calibration.flips is not None:
        yield JudgeFact("Flip rate", numbers.share(calibration.flips), "on these items")
    if calibration.unreadable + calibration.failed:
        note = f"{calibration.unreadable:,} unreadable, {calibration.failed:,} failed"
        yield JudgeFact("No verdict", f"{calibration.unreadable + calibration.failed:,}", note, True)
