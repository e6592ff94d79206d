"""Ask every variant every sample; leaves the samples, the predictions and what their calls cost."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from harness.components.task import Task
from harness.components.variant import Resources
from harness.records.call_counts import CallCounts
from harness.records.inputs import JSON, Cell
from harness.records.outputs import Prediction
from harness.runtime.context import Context
from harness.runtime.provenance import provenance
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import planned_cells
from harness.suite.suite import Suite
from harness.text.counting import counted


def predict(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder, context: Context, resources: Resources) -> None:
    """Predict cell by cell in the order that loads each model once; writes the predictions in the suite's order."""
    record = {**folder.read_run(), **provenance(suite, tasks, context), "status": "running"}
    folder.write_run(record)
    folder.write_samples(sample for task in tasks.values() for sample in task.data.test)
    predictions: dict[Cell, list[Prediction]] = {}
    counts: dict[Cell, CallCounts] = {}
    cells = planned_cells(suite, tasks)
    try:
        for cell in cells:
            predictions[cell] = _predict_cell(suite, tasks[cell.task], cell, context, resources)
            counts[cell] = context.counts
    except BaseException:
        folder.write_run({**record, "status": "interrupted", "cells": _cell_records(counts, predictions)})
        raise
    finally:
        context.close()
    in_suite_order = [Cell(task, variant) for task in tasks for variant in suite.asked(task)]
    folder.write_predictions(prediction for cell in in_suite_order for prediction in predictions[cell])
    searches = [asdict(search) for search in resources.searches.values()]
    kept = {
        **({"searches": searches} if searches else {}),
        **({"remarks": dict(context.remarks)} if context.remarks else {}),
    }
    folder.write_run({**record, "status": "predicted", "cells": _cell_records(counts, predictions), **kept})


def _predict_cell(suite: Suite, task: Task, cell: Cell, context: Context, resources: Resources) -> list[Prediction]:
    context.begin(cell)
    predictions = suite.answering()[cell.variant].answer(task, task.data.test, context, resources)
    if [prediction.sample_id for prediction in predictions] != [sample.id for sample in task.data.test]:
        raise RuntimeError(f"variant {cell.variant} did not answer each sample of {cell.task} once and in order")
    context.display.finish(progress_line(len(predictions), context.counts) + _limit_line(context.counts, predictions))
    return predictions


def _limit_line(counts: CallCounts, predictions: Sequence[Prediction]) -> str:
    """How many answers have met a limit that nobody has stated."""
    if counts.max_tokens is None:
        return ""
    return f", {cut_answers(predictions)} cut at {counts.max_tokens} tokens"


def cut_answers(predictions: Sequence[Prediction]) -> int:
    """How many answers ended at their limit."""
    return sum(prediction.finish == "length" for prediction in predictions)


def progress_line(finished: int, counts: CallCounts) -> str:
    """What stands beside a finished piece of work: how much was asked, how much came from the cache, what failed."""
    failed = f", {counts.failed} failed" if counts.failed else ""
    return f"{finished} done, {counted(counts.calls, 'call')} in {counts.seconds:.1f} s, {counts.cached} cached{failed}"


def _cell_records(
    counts: Mapping[Cell, CallCounts], predictions: Mapping[Cell, list[Prediction]]
) -> list[dict[str, JSON]]:
    return [
        {
            "task": cell.task,
            "variant": cell.variant,
            "samples": len(predictions[cell]),
            **cell_counts.record(),
            **({} if cell_counts.max_tokens is None else {"cut": cut_answers(predictions[cell])}),
        }
        for cell, cell_counts in counts.items()
    ]
