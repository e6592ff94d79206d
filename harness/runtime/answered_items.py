"""The predictions of a run one after another, each with its item: both files are read side by side, neither is held."""

from collections.abc import Iterator
from itertools import groupby, takewhile

from harness.errors import StoreError
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.runtime.record_files import RecordFiles


def answered_items(files: RecordFiles) -> Iterator[tuple[Sample, Prediction]]:
    """All predictions in their order. A cell's stand in the order of its task's items; other orders only take longer.

    Raises StoreError for a prediction whose item is not there.
    """
    starts: dict[str, int] = {}
    for own, place in files.placed_lines("samples.jsonl", Sample):
        starts.setdefault(own.task, place)
    predictions = files.stream_lines("predictions.jsonl", Prediction)
    for (task, _), cell in groupby(predictions, lambda answer: (answer.task, answer.variant)):
        items = _items(files, task, starts.get(task))
        for prediction in cell:
            sample = _next(items, prediction)
            if sample is None:
                items = _items(files, task, starts.get(task))
                sample = _next(items, prediction)
            if sample is None:
                raise StoreError(f"item {task}/{prediction.sample_id} was answered but is not in samples.jsonl")
            yield sample, prediction


def _next(items: Iterator[Sample], prediction: Prediction) -> Sample | None:
    return next((item for item in items if item.id == prediction.sample_id), None)


def _items(files: RecordFiles, task: str, start: int | None) -> Iterator[Sample]:
    """The items of a task, which stand together in their file."""
    if start is None:
        return iter(())
    return takewhile(lambda item: item.task == task, files.stream_lines("samples.jsonl", Sample, start))
