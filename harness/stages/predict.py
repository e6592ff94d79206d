"""Ask every variant every sample; leaves the samples, the predictions and what their calls cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from harness.components.calls import Calls
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.records.call_counts import CallCounts
from harness.records.inputs import JSON, Cell
from harness.records.outputs import Prediction
from harness.runtime.context import Context
from harness.runtime.provenance import provenance
from harness.runtime.record_parts import RecordParts
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import planned_cells
from harness.suite.suite import Suite
from harness.text.blocks import blocks
from harness.text.counting import counted

SLICE = 50_000  # items of a cell that are asked together: what is held of a cell at once, and batched


def predict(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder, context: Context, resources: Resources) -> None:
    """Predict cell by cell in the order that loads each model once; writes the predictions in the suite's order."""
    record = {**folder.read_run(), **provenance(suite, tasks, context), "status": "running"}
    folder.write_run(record)
    folder.write_samples(sample for task in tasks.values() for sample in task.data.test)
    costs: list[dict[str, JSON]] = []
    with folder.parts("predictions.jsonl", Prediction) as parts:
        try:
            for cell in planned_cells(suite, tasks):
                cost = _predict_cell(suite, tasks[cell.task], cell, context, resources, parts)
                costs.append(cost)
        except BaseException:
            folder.write_run({**record, "status": "interrupted", "cells": costs})
            raise
        finally:
            context.close()
        parts.join([Cell(task, variant) for task in tasks for variant in suite.asked(task)])
    searches = [asdict(search) for search in resources.searches.values()]
    kept = {
        **({"searches": searches} if searches else {}),
        **({"remarks": dict(context.remarks)} if context.remarks else {}),
    }
    folder.write_run({**record, "status": "predicted", "cells": costs, **kept})


def _predict_cell(
    suite: Suite, task: Task, cell: Cell, context: Context, resources: Resources, parts: RecordParts[Prediction]
) -> dict[str, JSON]:
    """Ask a variant all items of a task; returns what that cost."""
    context.begin(cell)
    cut = 0
    for predictions in answers(suite.answering()[cell.variant], task, context, resources):
        parts.extend(cell, predictions)
        cut += cut_answers(predictions)
    limit, count = context.counts.max_tokens, len(task.data.test)
    at_limit = "" if limit is None else f", {cut} cut at {limit} tokens"  # which nobody has stated
    context.display.finish(progress_line(count, context.counts) + at_limit)
    record = {"task": cell.task, "variant": cell.variant, "samples": count, **context.counts.record()}
    return record if limit is None else {**record, "cut": cut}


def answers(variant: Variant, task: Task, calls: Calls, resources: Resources) -> Iterator[list[Prediction]]:
    """A variant's answers to all items of a task, to SLICE of them at a time: a call is batched within its slice."""
    for samples in blocks(task.data.test, SLICE):
        predictions = variant.answer(task, samples, calls, resources)
        if [prediction.sample_id for prediction in predictions] != [sample.id for sample in samples]:
            raise RuntimeError(
                f"a {type(variant).__name__} did not answer each sample of {task.name} once and in order"
            )
        yield predictions


def cut_answers(predictions: Sequence[Prediction]) -> int:
    """How many answers ended at their limit."""
    return sum(prediction.finish == "length" for prediction in predictions)


def progress_line(finished: int, counts: CallCounts) -> str:
    """What stands beside a finished piece of work: how much was asked, how much came from the cache, what failed."""
    failed = f", {counts.failed} failed" if counts.failed else ""
    return f"{finished} done, {counted(counts.calls, 'call')} in {counts.seconds:.1f} s, {counts.cached} cached{failed}"
