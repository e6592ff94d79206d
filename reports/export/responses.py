"""A run's answers beside the rows that were asked, as people keep them: the row as it was, with `model_response`."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError, nearest
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction
from harness.records.run_scopes import LIMITED, scope_in


def write_responses(finished: FinishedRun, folder: Path, variant: str | None = None) -> list[str]:
    """A JSON list for each task and variant, TASK-VARIANT-with-response.json, rows in the order of the run.

    Returns the names of the files. Raises HarnessError where the run has no such variant.
    """
    samples = {(sample.task, sample.id): sample for sample in finished.samples}
    cells: dict[tuple[str, str], list[JSON]] = {}
    limits = scope_in(finished.run).words()
    for prediction in finished.predictions:
        row = response_row(samples[prediction.task, prediction.sample_id], prediction)
        marked = {**row, LIMITED: limits} if limits else row
        cells.setdefault((prediction.task, prediction.variant), []).append(marked)
    variants = dict.fromkeys(name for _, name in cells)
    if variant is not None and variant not in variants:
        raise HarnessError(f"--variant {variant}: the run has no such variant ({nearest(variant, variants)})")
    names = []
    for (task, name), rows in cells.items():
        if variant in (None, name):
            names.append(f"{_file_name(f'{task}-{name}')}-with-response.json")
            text = json.dumps(rows, ensure_ascii=False, indent=4)
            (folder / names[-1]).write_text(f"{text}\n", encoding="utf-8")
    return names


def response_row(sample: Sample, prediction: Prediction) -> Mapping[str, JSON]:
    """The row in alpaca's columns where it has an instruction, else with `input`; null for what a machine failed at."""
    meta = {name: value for name, value in sample.meta.items() if (name, value) != ("system", "")}
    instruction, text = meta.pop("instruction", None), meta.pop("input_text", "")
    question = {"input": sample.input} if instruction is None else {"instruction": instruction, "input": text}
    history = {"history": [list(turns) for turns in sample.history]} if sample.history else {}
    failure = {"error": prediction.error} if prediction.error else {}
    response = {"model_response": None if failure else prediction.text}
    return {**question, "output": _output(sample.targets), **history, **meta, **response, **failure, "id": sample.id}


def _output(targets: Sequence[str]) -> JSON:
    return targets[0] if len(targets) == 1 else list(targets)


def _file_name(text: str) -> str:
    """A name that any file system takes."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", text)
