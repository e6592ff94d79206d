"""A run as evaluation logs of inspect_ai: one for each task and variant, which `inspect view` shows.

The form is version 2 of inspect's JSON logs (inspect_ai.log.EvalLog, 0.3), read back by its own reader in the tests.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records.figure_names import FigureName
from harness.records.figures import Result
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction, Score
from harness.records.run_scopes import LIMITED, scope_in

VERSION = 2
STOPS = {"stop": "stop", "length": "max_tokens", "error": "unknown"}
NO_MODEL = "none/none"  # as inspect calls it


@dataclass(frozen=True, kw_only=True)
class CellRecords:
    """What a run knows of one task asked of one variant."""

    task: str
    variant: str
    model: str  # as the suite names it
    items: Sequence[tuple[Sample, Prediction]]
    scores: Mapping[str, Sequence[Score]]  # by sample id
    results: Sequence[Result]


def write_logs(finished: FinishedRun, folder: Path) -> list[str]:
    """Write TASK_VARIANT.json for every cell; return the names."""
    names = []
    for cell in _cells(finished):
        name = "_".join(re.sub(r"[^\w.+-]+", "-", part) for part in (cell.task, cell.variant)) + ".json"
        (folder / name).write_text(json.dumps(_log(cell, finished.run), ensure_ascii=False, indent=1), encoding="utf-8")
        names.append(name)
    return names


def _cells(finished: FinishedRun) -> list[CellRecords]:
    samples = {(sample.task, sample.id): sample for sample in finished.samples}
    items: dict[tuple[str, str], list[tuple[Sample, Prediction]]] = {}
    for prediction in finished.predictions:
        pair = (samples[prediction.task, prediction.sample_id], prediction)
        items.setdefault((prediction.task, prediction.variant), []).append(pair)
    scores: dict[tuple[str, str], dict[str, list[Score]]] = {}
    for score in finished.scores:
        scores.setdefault((score.task, score.variant), {}).setdefault(score.sample_id, []).append(score)
    return [
        CellRecords(
            task=task, variant=variant, model=_model(finished.run, variant), items=pairs,
            scores=scores.get((task, variant), {}),
            results=[result for result in finished.summary.results if (result.task, result.variant) == (task, variant)],
        )
        for (task, variant), pairs in items.items()
    ]  # fmt: skip


def _model(run: Mapping[str, JSON], variant: str) -> str:
    name = run.get("variants", {}).get(variant, {}).get("settings", {}).get("model")
    return f"harness/{name}" if isinstance(name, str) else NO_MODEL


def _log(cell: CellRecords, run: Mapping[str, JSON]) -> JSON:
    answered = [prediction for _, prediction in cell.items if not prediction.error]
    usage = _usage(answered)
    settings = run.get("variants", {}).get(cell.variant, {})
    return {
        "version": VERSION,
        "status": "success",
        "eval": _spec(cell, run, settings),
        "plan": {"name": "plan", "steps": [{"solver": cell.variant, "params": settings.get("settings", {})}]},
        "results": {
            "total_samples": len(cell.items), "completed_samples": len(answered),
            "scores": [_figure(result, run) for result in cell.results if result.mean is not None],
        },
        "stats": {
            "started_at": run["started"], "completed_at": run.get("finished") or run["started"],
            "model_usage": {cell.model: usage},
        },
        "samples": [_sample(cell, sample, prediction) for sample, prediction in cell.items],
    }  # fmt: skip


def _spec(cell: CellRecords, run: Mapping[str, JSON], settings: Mapping[str, JSON]) -> JSON:
    suite = run["suite"]["name"]
    return {
        "eval_id": _identity(run["started"], suite, cell.task, cell.variant),
        "run_id": _identity(run["started"], suite),
        "created": run["started"],
        "task": cell.task,
        "task_id": _identity(suite, cell.task),
        "task_version": 0,
        "solver": cell.variant,
        "dataset": {
            "name": cell.task, "samples": len(cell.items), "sample_ids": [sample.id for sample, _ in cell.items],
            "shuffled": False,
        },
        "model": cell.model,
        "model_generate_config": _generation(run.get("tasks", {}).get(cell.task, {}).get("generation", {})),
        "config": {"epochs": 1},
        "packages": {"domain-harness": str(run.get("harness", "")), **run.get("packages", {})},
        "metadata": {
            "suite": suite, "variant": cell.variant, "component": settings.get("component"),
            **({LIMITED: limits} if (limits := scope_in(run).words()) else {}),
        },
    }  # fmt: skip


def _generation(options: Mapping[str, JSON]) -> JSON:
    names = {"max_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "stop": "stop_seqs"}
    return {theirs: options[ours] for ours, theirs in names.items() if options.get(ours) is not None}


def _figure(result: Result, run: Mapping[str, JSON]) -> JSON:
    """A metric of the cell with the ends of its 95 % interval."""
    metric = run.get("tasks", {}).get(result.task, {}).get("metrics", {}).get(FigureName.of(result).metric, {})
    values = {"mean": result.mean, "ci_low": result.low, "ci_high": result.high}
    return {
        "name": result.metric, "scorer": metric.get("component") or result.metric, "params": metric.get("settings", {}),
        "scored_samples": result.known, "unscored_samples": result.samples - result.known,
        "metrics": {name: {"name": name, "value": value} for name, value in values.items() if value is not None},
    }  # fmt: skip


def _sample(cell: CellRecords, sample: Sample, prediction: Prediction) -> JSON:
    messages = [{"role": turn.role, "content": turn.content} for turn in prediction.messages]
    reply = {"role": "assistant", "content": prediction.text, "source": "generate", "model": cell.model}
    choice = {"message": reply, "stop_reason": STOPS[prediction.finish]}
    output: dict[str, JSON] = {
        "model": cell.model, "choices": [] if prediction.error else [choice], "usage": _usage([prediction]),
        "time": prediction.seconds,
    }  # fmt: skip
    if prediction.error:
        output["error"] = prediction.error
    failure = {"message": prediction.error, "traceback": "", "traceback_ansi": ""}
    return {
        "id": sample.id,
        "epoch": 1,
        "input": messages or sample.input,
        "target": list(sample.targets),
        **({"choices": list(sample.options)} if sample.options else {}),
        "messages": [*messages, *([] if prediction.error else [reply])],
        "output": output,
        "scores": {
            score.metric: _score(score, prediction)
            for score in cell.scores.get(sample.id, ())
            if score.value is not None
        },
        "metadata": {**sample.meta, "passages": [dict(passage) for passage in prediction.passages]}
        if prediction.passages
        else dict(sample.meta),
        "model_usage": {cell.model: _usage([prediction])},
        "total_time": prediction.seconds,
        **({"error": failure} if prediction.error else {}),
    }


def _score(score: Score, prediction: Prediction) -> JSON:
    answer = prediction.reading.answer
    text = answer if isinstance(answer, str) or answer is None else json.dumps(answer, ensure_ascii=False)
    return {"value": score.value, "answer": text, "explanation": score.reason or prediction.reading.reason}


def _usage(predictions: Sequence[Prediction]) -> JSON:
    read = sum(prediction.tokens_in for prediction in predictions)
    written = sum(prediction.tokens_out for prediction in predictions)
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def _identity(*parts: str) -> str:
    """The same for the same run, so that a log written again is no other one."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:22]
