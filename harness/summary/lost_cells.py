"""Cells without any value: a run that has one has not measured what it was to measure, whatever the reason."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.derived_names import FreshnessProbe, reported_name
from harness.records.finished_run import FinishedRun
from harness.records.inputs import Cell
from harness.records.outputs import Prediction, Score
from harness.text.counting import counted

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class LostCell:
    """One cell of which nothing is known, and the first reason."""

    cell: Cell
    reason: str


def lost_cells(finished: FinishedRun) -> str | None:
    """A sentence that names the cells and the first reason; None where every cell has a value."""
    lost = list(cells_without_value(finished))
    if not lost:
        return None
    names = [f"{part.cell.task} × {reported_name(part.cell.variant)}" for part in lost[:MOST_NAMED]]
    more = f" and {counted(len(lost) - MOST_NAMED, 'further cell')}" if len(lost) > MOST_NAMED else ""
    verb = "has" if len(lost) == 1 else "have"
    return f"{', '.join(names)}{more} {verb} no value at all, and the report says so: {lost[0].reason}"


def cells_without_value(finished: FinishedRun) -> Iterator[LostCell]:
    """The cells of the suite's own tasks in which every prediction failed, or every score is unknown.

    A metric may not apply to a variant at all, which then has no score and is not lost. Where only some items are at
    hand, what the summary has a figure of is not lost either.
    """
    valued = {(own.task, own.variant) for own in finished.summary.results if own.known and finished.sizes}
    tasks = finished.run.get("tasks") or dict.fromkeys(sample.task for sample in finished.samples)
    predictions: dict[tuple[str, str], list[Prediction]] = defaultdict(list)  # by task and variant
    for prediction in finished.predictions:
        predictions[prediction.task, prediction.variant].append(prediction)
    scores: dict[tuple[str, str], list[Score]] = defaultdict(list)
    for score in finished.scores:
        scores[score.task, score.variant].append(score)
    for (task, variant), answers in predictions.items():
        if FreshnessProbe.parse(task, tasks) is not None or (task, reported_name(variant)) in valued:
            continue
        cell, marks = Cell(task, variant), scores.get((task, variant), [])
        if all(prediction.error is not None for prediction in answers):
            yield LostCell(cell, answers[0].error or "")
        elif marks and all(mark.value is None for mark in marks):
            reasons = (mark.error or mark.reason for mark in marks)
            yield LostCell(cell, next(filter(None, reasons), "no metric has a value"))
