"""How a judge agrees with people, and how far people agree with each other: no judge can be expected to do better."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.judgements import Calibration
from reports.charts.whiskers import Axis, Whisker, whisker
from reports.facts import numbers
from reports.facts.phrases import counted
from reports.wording import say


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFact:
    """A measured property of a judge, with what it means."""

    title: str
    value: str
    explained: str  # what its value is, in one plain sentence
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
    kappa = numbers.coefficient(against.kappa)
    description = (
        say("human_agreement.interval", kappa=kappa, interval=interval)
        if interval
        else say("human_agreement.picture", kappa=kappa)
    )
    if top is not None:
        description = say("human_agreement.annotators_too", agreement=description, kappa=numbers.coefficient(top))
    return HumanAgreement(
        facts=tuple(_facts(calibration)),
        kappa=None if against.kappa is None else whisker(axis, against.kappa, against.low, against.high),
        ceiling=None if top is None else axis.place(top),
        description=description,
        source=say("human_agreement.source", labels=calibration.labels, date=calibration.when[:10]),
    )


def _facts(calibration: Calibration) -> Iterator[JudgeFact]:
    yield JudgeFact(
        title=say("human_agreement.items"),
        value=f"{calibration.items:,}",
        note=say("human_agreement.items_note", annotators=counted(calibration.annotators, "annotator")),
        explained=say("human_agreement.items_explained"),
    )
    yield _kappa(calibration)
    yield JudgeFact(
        title=say("human_agreement.equal"),
        value=numbers.share(calibration.against.agreement),
        explained=say("human_agreement.equal_explained"),
    )
    if calibration.spearman is not None or calibration.kendall is not None:
        yield JudgeFact(
            title=say("human_agreement.correlation"),
            value=f"ρ = {numbers.coefficient(calibration.spearman)}, τ = {numbers.coefficient(calibration.kendall)}",
            note=say("human_agreement.correlation_note"),
            explained=say("human_agreement.correlation_explained"),
        )
    yield from _among_annotators(calibration)
    if calibration.flips is not None:
        yield JudgeFact(
            title=say("human_agreement.flips"),
            value=numbers.share(calibration.flips),
            note=say("human_agreement.flips_note"),
            explained=say("human_agreement.flips_explained"),
        )
    if lost := calibration.unreadable + calibration.failed:
        unreadable, failed = f"{calibration.unreadable:,}", f"{calibration.failed:,}"
        yield JudgeFact(
            title=say("human_agreement.lost"),
            value=f"{lost:,}",
            note=say("human_agreement.lost_note", unreadable=unreadable, failed=failed),
            is_suspicious=True,
            explained=say("human_agreement.lost_explained"),
        )


def _kappa(calibration: Calibration) -> JudgeFact:
    against = calibration.against
    interval = numbers.coefficient_interval(against.low, against.high)
    notes = (
        interval and say("human_agreement.kappa_interval", interval=interval),
        None if calibration.pairwise else say("human_agreement.kappa_weights"),
    )
    return JudgeFact(
        title=say("human_agreement.kappa"),
        value=numbers.coefficient(against.kappa),
        note=say("human_agreement.separator").join(note for note in notes if note),
        explained=say("human_agreement.kappa_explained"),
    )


def _among_annotators(calibration: Calibration) -> Iterator[JudgeFact]:
    if ceiling := calibration.ceiling:
        yield JudgeFact(
            title=say("human_agreement.ceiling"),
            value=f"κ = {numbers.coefficient(ceiling.kappa)}",
            note=say("human_agreement.ceiling_note", share=numbers.share(ceiling.agreement)),
            explained=say("human_agreement.ceiling_explained"),
        )
    if calibration.fleiss is not None:
        yield JudgeFact(
            title=say("human_agreement.fleiss"),
            value=numbers.coefficient(calibration.fleiss),
            note=say("human_agreement.fleiss_note"),
            explained=say("human_agreement.fleiss_explained"),
        )
