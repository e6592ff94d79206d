"""What changed between one night and the next, and which lines that moves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.errors import StoreError
from harness.records.figure_names import FigureName
from harness.records.inputs import JSON
from harness.records.run_evidence import QuestionId, RunDifference, RunEvidence
from harness.records.summary import Summary
from harness.records.trends import NightChange
from harness.regression.history import NightRun
from harness.regression.item_digests import question_digests
from harness.regression.run_differences import differences
from harness.runtime.run_folder import RunFolder

UNCOMPARED = (
    "status", "started", "finished", "stages", "command", "cells", "commit", "training", "indexes", "judging", "parts",
)  # fmt: skip
MOVES_COSTS = frozenset(("data", "prompt", "knowledge", "model", "variant", "hardware"))


def night_changes(nights: Sequence[NightRun]) -> tuple[NightChange, ...]:
    """The nights that differ in something from the night before."""
    changes = []
    for place in range(1, len(nights)):
        before, after = nights[place - 1], nights[place]
        if _compared(before.record) == _compared(after.record):
            continue
        if changed := differences(*_evidence(before, after)):
            changes.append(NightChange(night=place, differences=changed))
    return tuple(changes)


def _compared(record: Mapping[str, JSON]) -> Mapping[str, JSON]:
    return {part: value for part, value in record.items() if part not in UNCOMPARED}


def _evidence(before: NightRun, after: NightRun) -> tuple[RunEvidence, RunEvidence]:
    """Both nights without scores; with their questions only where those can differ, since that is the dear part."""
    sides = (_bare_evidence(before), _bare_evidence(after))
    parts = ("data", "suite")
    if all(before.record.get(part) == after.record.get(part) for part in parts):
        return sides
    try:
        first, second = (_questions(night) for night in (before, after))
    except StoreError:  # what the records tell is all that is known then
        return sides
    return replace(sides[0], questions=first), replace(sides[1], questions=second)


def _bare_evidence(night: NightRun) -> RunEvidence:
    return RunEvidence(
        place=str(night.path),
        key=night.key,
        suite=night.figures.name,
        started=night.started.isoformat(timespec="seconds"),
        record=night.record,
        summary=Summary(
            name=night.figures.name,
            reference=None,
            headline=night.figures.headline,
            metrics=night.figures.metrics,
            results=(),
            comparisons=(),
            usage=(),
        ),
        scores=(),
        questions={},
        answers={},
    )


def _questions(night: NightRun) -> Mapping[QuestionId, str]:
    return question_digests(RunFolder(night.path).samples(), night.record)


def touches_figure(difference: RunDifference, figure: FigureName, variant: str) -> bool:
    """Whether the figure of a variant is not comparable across it."""
    return (
        difference.changes_figures
        and (not difference.tasks or figure.task in difference.tasks)
        and (not difference.variants or variant in difference.variants)
        and (not difference.metrics or figure.metric in difference.metrics)
    )


def touches_cost(difference: RunDifference, variant: str) -> bool:
    """Whether a variant may cost more or less across it; "" is the whole night, whose time nothing explains."""
    return (
        bool(variant) and difference.kind in MOVES_COSTS and (not difference.variants or variant in difference.variants)
    )
