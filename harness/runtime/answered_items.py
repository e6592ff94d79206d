"""The predictions of a run one after another, each with its item: the predictions are streamed, the items held once."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from harness.errors import StoreError
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.runtime.record_files import RecordFiles


def answered_items(files: RecordFiles, at_hand: Iterable[Sample]) -> Iterator[tuple[Sample, Prediction]]:
    """All predictions in their order. A cell's stand in the order of its task's items; other orders only take longer.

    `at_hand` are the items that the process holds already, in the order of the file: what is equal is not held twice.
    Raises StoreError for a prediction whose item is not in the file.
    """
    items = _by_task(files.stream_lines("samples.jsonl", Sample), iter(at_hand))
    predictions = files.stream_lines("predictions.jsonl", Prediction)
    for (task, _), cell in groupby(predictions, lambda answer: (answer.task, answer.variant)):
        left = iter(items.get(task, ()))
        for prediction in cell:
            sample = _next(left, prediction)
            if sample is None:
                left = iter(items.get(task, ()))
                sample = _next(left, prediction)
            if sample is None:
                raise StoreError(f"item {task}/{prediction.sample_id} was answered but is not in samples.jsonl")
            yield sample, prediction


def _next(items: Iterator[Sample], prediction: Prediction) -> Sample | None:
    return next((item for item in items if item.id == prediction.sample_id), None)


def _by_task(stored: Iterable[Sample], at_hand: Iterator[Sample]) -> dict[str, list[Sample]]:
    """The items of a file by their task; in place of each that is at hand, that one."""
    items: dict[str, list[Sample]] = {}
    for sample in stored:
        own = next(at_hand, None)
        items.setdefault(sample.task, []).append(own if own is not None and own == sample else sample)
    return items
