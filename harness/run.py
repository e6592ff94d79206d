"""The main path: plan → prepare → predict → score → summarize → report. A stage reads the files of the one before."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.component import Mark, Marks, Metric, Scale, Variant
from harness.context import Context, Tally
from harness.dry_context import DryContext, NotYetError
from harness.prepare import models_of, named, prepare, used_models
from harness.provenance import described_suite, now, provenance
from harness.runs import refuse_changed
from harness.store import RunFolder
from harness.suite import Suite
from harness.summarize import Design, summarize
from harness.tasks.task import Task
from harness.types import JSON, Cell, MetricInfo, Prediction, Sample, Score, Summary

STAGES = ("predict", "score", "summarize", "report")
Report = Callable[[RunFolder], Path]


def run(suite: Suite, folder: RunFolder, context: Context, report: Report, start: str = "predict") -> Path:
    """Run a suite from a stage on; returns the report's path. The earlier stages' files are read from the folder."""
    tasks = prepare(suite, used_models(suite) if start == "predict" else ())
    folder.create()
    with folder.locked():
        if start == "predict":
            predict(suite, tasks, folder, context)
        else:
            refuse_changed(folder, suite, tasks)
        if start in ("predict", "score"):
            score(suite, tasks, folder)
        if start in ("predict", "score", "summarize"):
            summarize_run(suite, tasks, folder)
        return report(folder)


# -- plan -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlannedCell:
    """What a run would do for one cell."""

    cell: Cell
    samples: int
    tally: Tally  # calls: to be computed; cached: already known
    exact: bool = True  # not while passages are to be embedded first: then calls is a guess


def plan(suite: Suite, context: DryContext) -> list[PlannedCell]:
    """What a run would compute and what is cached. Loads no weights and changes nothing."""
    tasks = prepare(suite, used_models(suite))
    planned = []
    for cell in cells(suite, tasks):
        task = tasks[cell.task]
        context.begin(cell)
        try:
            suite.variants[cell.variant].answer(task, task.data.test, context)
        except NotYetError:
            context.tally = Tally(0 if suite.variants[cell.variant].floor else len(task.data.test))
            planned.append(PlannedCell(cell, len(task.data.test), context.tally, exact=False))
            continue
        planned.append(PlannedCell(cell, len(task.data.test), context.tally))
    return planned


def cells(suite: Suite, tasks: Mapping[str, Task]) -> list[Cell]:
    """All cells, grouped by model so that each is loaded once, otherwise in the order of the suite."""
    order = {name: i for i, name in enumerate(suite.models)}

    def rank(variant: str) -> int:
        return max((order[model] for model in models_of(suite.variants[variant], suite)), default=-1)

    variants = sorted(suite.variants, key=rank)
    return [Cell(task, variant) for variant in variants for task in tasks]


# -- predict ----------------------------------------------------------------------------------------------------------


def predict(suite: Suite, tasks: dict[str, Task], folder: RunFolder, context: Context) -> None:
    """Ask every variant every sample; writes run.json, samples.jsonl and predictions.jsonl."""
    record = provenance(suite, tasks, context)
    folder.clear()  # an older run's predictions must not stand beside new samples
    folder.write_run(record)
    folder.write_samples(sample for task in tasks.values() for sample in task.data.test)
    predictions: dict[Cell, list[Prediction]] = {}
    tallies: dict[Cell, Tally] = {}
    try:
        for cell in cells(suite, tasks):
            predictions[cell] = _predict_cell(suite, tasks[cell.task], cell, context)
            tallies[cell] = context.tally
    except BaseException:
        folder.write_run({**record, "status": "interrupted", "cells": _cell_records(tallies, predictions)})
        raise
    finally:
        context.close()
    in_suite_order = [Cell(task, variant) for task in tasks for variant in suite.variants]
    folder.write_predictions(prediction for cell in in_suite_order for prediction in predictions[cell])
    folder.write_run({**record, "status": "predicted", "cells": _cell_records(tallies, predictions)})


def _predict_cell(suite: Suite, task: Task, cell: Cell, context: Context) -> list[Prediction]:
    context.begin(cell)
    made = suite.variants[cell.variant].answer(task, task.data.test, context)
    if [prediction.sample_id for prediction in made] != [sample.id for sample in task.data.test]:
        raise RuntimeError(f"variant {cell.variant} did not answer each sample of {cell.task} once and in order")
    tally = context.tally
    said = f"{len(made)} done, {tally.calls} calls in {tally.seconds:.1f} s, {tally.cached} cached"
    context.display.finish(said + (f", {tally.failed} failed" if tally.failed else ""))
    return made


def _cell_records(tallies: dict[Cell, Tally], predictions: dict[Cell, list[Prediction]]) -> list[dict[str, JSON]]:
    return [
        {"task": cell.task, "variant": cell.variant, "samples": len(predictions[cell]), **asdict(tally)}
        for cell, tally in tallies.items()
    ]


# -- score ------------------------------------------------------------------------------------------------------------


def score(suite: Suite, tasks: dict[str, Task], folder: RunFolder) -> None:
    """Score every prediction by every metric of its task; writes scores.jsonl, and to run.json by which metrics."""
    samples = {(sample.task, sample.id): sample for sample in folder.samples()}
    scores: list[Score] = []
    by_task: dict[str, list[Prediction]] = {}
    for prediction in folder.predictions():
        by_task.setdefault(prediction.task, []).append(prediction)
    for name, predictions in by_task.items():
        items = [samples[name, prediction.sample_id] for prediction in predictions]
        for metric_name, metric in tasks[name].metrics.items():
            scores += score_metric(metric_name, metric, items, predictions)
    folder.write_scores(scores)
    folder.write_run({**folder.read_run(), **described_suite(suite, tasks)})


def score_metric(
    name: str, metric: Metric, samples: Sequence[Sample], predictions: Sequence[Prediction]
) -> list[Score]:
    """One metric over all predictions of a task. What failed before an answer is unknown in every part."""
    fit = [(s, p) for s, p in zip(samples, predictions, strict=True) if metric.applies(p)]
    samples, predictions = [sample for sample, _ in fit], [prediction for _, prediction in fit]
    answered = [i for i, prediction in enumerate(predictions) if prediction.error is None]
    marks = metric.score_all([samples[i] for i in answered], [predictions[i] for i in answered])
    by_index = {i: _parts(mark) for i, mark in zip(answered, marks, strict=True)}
    parts = list(dict.fromkeys(part for some in by_index.values() for part in some)) or [""]
    scores = []
    for i, prediction in enumerate(predictions):
        for part in parts:
            full_name = f"{name}.{part}" if part else name
            mark = by_index[i].get(part) if i in by_index else Mark(None)
            if mark is not None:  # a part may not apply to every sample
                place = (prediction.sample_id, prediction.task, prediction.variant, full_name)
                scores.append(_score(place, mark, prediction.error))
    return scores


def _parts(marks: Marks | None) -> dict[str, Mark]:
    if marks is None:
        return {"": Mark(None, "the metric gave no value")}
    if isinstance(marks, Mark):
        return {"": marks}
    return dict(marks) if isinstance(marks, Mapping) else {"": Mark(float(marks))}


def _score(place: tuple[str, str, str, str], mark: Mark, error: str | None) -> Score:
    """A number that is none (NaN, infinity) is unknown, and is said to be."""
    if mark.value is not None and not math.isfinite(mark.value):
        return Score(*place, None, mark.reason, f"the metric returned {mark.value}")
    return Score(*place, None if mark.value is None else float(mark.value), mark.reason, error)


# -- summarize --------------------------------------------------------------------------------------------------------


def summarize_run(suite: Suite, tasks: dict[str, Task], folder: RunFolder) -> Summary:
    """Compute all figures from the files of the run; writes summary.json and closes run.json."""
    scores = folder.scores()
    headline = suite.compare.headline or [
        f"{name}.{next(iter(task.metrics))}" for name, task in tasks.items() if not task.origin
    ]
    reference = suite.compare.reference or next(iter(suite.variants))
    floors = [name for name, variant in suite.variants.items() if variant.floor]
    bounds = [name for name, variant in suite.variants.items() if _is_bound(suite, variant)]
    origins = {name: task.origin for name, task in tasks.items() if task.origin}
    cascades = {name: steps for name, one in suite.variants.items() if (steps := named(one, "variants"))}
    design = Design(suite.name, suite.seed, reference, headline, floors, bounds, origins, cascades)
    summary = summarize(design, metric_info(tasks, scores), folder.samples(), folder.predictions(), scores)
    folder.write_summary(summary)
    folder.write_run({**folder.read_run(), "status": "complete", "finished": now()})
    return summary


def _is_bound(suite: Suite, variant: Variant) -> bool:
    """Whether it, or a variant that it asks, is an upper bound."""
    steps = [suite.variants[name] for name in named(variant, "variants")]
    return any(one.is_bound() for one in (variant, *steps))


def metric_info(tasks: dict[str, Task], scores: Sequence[Score]) -> dict[str, MetricInfo]:
    """How to read each metric, and each part that occurs in the scores, by "task.metric"."""
    found = {}
    for task, name in dict.fromkeys((score.task, score.metric) for score in scores):
        base, _, part = name.partition(".")
        metric = tasks[task].metrics[base]
        scale: Scale = metric.part_scales.get(part, metric.scale) if part else metric.scale
        settings = metric.model_dump(mode="json")
        found[f"{task}.{name}"] = MetricInfo(type(metric).__name__, settings, scale.low, scale.high, scale.better)
    return found
