"""The main path: plan → prepare → predict → score → summarize → report. A stage reads the files of the one before."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from harness.checks.leakage import contamination
from harness.components.metric import Metric
from harness.components.scoring import Scoring, turn
from harness.components.task import Task
from harness.components.trained_model import DerivedModel
from harness.records.call_counts import Tally
from harness.records.figures import Overlap, Summary
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Cell, Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction, Score
from harness.runtime.context import Context
from harness.runtime.provenance import described_judges, described_suite, now, provenance
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_lookup import refuse_changed
from harness.stages.plan import cells
from harness.stages.prepare import answering_models, making, needed_models, prepare
from harness.stages.score_metric import score_metric
from harness.stages.summarize import summarize
from harness.suite.expansion import PROBE
from harness.suite.suite import Suite
from harness.summary.comparison_plan import design_of, metric_info, reference_of
from harness.summary.judge_quality import identities, judging, rubric_texts

STAGES = ("predict", "score", "summarize", "report")
Report = Callable[[FinishedRun], str]  # the page as text


def run(suite: Suite, folder: RunFolder, context: Context, report: Report, start: str = "predict") -> Path:
    """Run a suite from a stage on; returns the report's path. The earlier stages' files are read from the folder."""
    tasks = prepare(suite, needed_models(suite, start))
    overlaps = contamination(suite, tasks) if start == "predict" else []
    folder.create()
    with folder.locked():
        if start == "predict":
            predict(suite, tasks, overlaps, folder, context)
        else:
            refuse_changed(folder, suite, tasks, scored=start in ("summarize", "report"))
        if start in ("predict", "score"):
            score(suite, tasks, folder, context)
        if start in ("predict", "score", "summarize"):
            summarize_run(suite, tasks, folder)
        return folder.write_report(report(folder.finished()))


# -- predict ----------------------------------------------------------------------------------------------------------


def predict(
    suite: Suite, tasks: dict[str, Task], overlaps: Sequence[Overlap], folder: RunFolder, context: Context
) -> None:
    """Make what must be made, ask every variant every sample; writes run.json and all files of what was asked."""
    folder.clear()  # an older run's predictions must not stand beside new samples
    folder.write_run({"status": "making models", **described_suite(suite, tasks)})
    folder.write_overlaps(overlaps)
    began = now()  # training is part of the run
    trained = make(suite, context)
    record = {**provenance(suite, tasks, context), "started": began, "training": trained}
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
    in_suite_order = [Cell(task, variant) for task in tasks for variant in suite.asked(task)]
    folder.write_predictions(prediction for cell in in_suite_order for prediction in predictions[cell])
    folder.write_run({**record, "status": "predicted", "cells": _cell_records(tallies, predictions)})


def make(suite: Suite, context: Context) -> dict[str, JSON]:
    """Train what the suite declares, or take what was trained before; the records by model."""
    records: dict[str, JSON] = {}
    try:
        for name in making(suite):
            model = suite.models[name]
            if isinstance(model, DerivedModel):
                record = model.make(name, context.display)
                if record is not None:
                    records[name] = {"entry": suite.families.entries.get(name, name), **record}
    finally:
        context.close()  # what training has loaded
    return records


def _predict_cell(suite: Suite, task: Task, cell: Cell, context: Context) -> list[Prediction]:
    context.begin(cell)
    made = suite.answering()[cell.variant].answer(task, task.data.test, context)
    if [prediction.sample_id for prediction in made] != [sample.id for sample in task.data.test]:
        raise RuntimeError(f"variant {cell.variant} did not answer each sample of {cell.task} once and in order")
    context.display.finish(_said(len(made), context.tally))
    return made


def _said(done: int, tally: Tally) -> str:
    failed = f", {tally.failed} failed" if tally.failed else ""
    return f"{done} done, {tally.calls} calls in {tally.seconds:.1f} s, {tally.cached} cached{failed}"


def _cell_records(tallies: dict[Cell, Tally], predictions: dict[Cell, list[Prediction]]) -> list[dict[str, JSON]]:
    return [
        {"task": cell.task, "variant": cell.variant, "samples": len(predictions[cell]), **asdict(tally)}
        for cell, tally in tallies.items()
    ]


# -- score ------------------------------------------------------------------------------------------------------------


def score(suite: Suite, tasks: dict[str, Task], folder: RunFolder, context: Context) -> None:
    """Score every prediction by every metric of its task, judges last; writes scores, judgements and their cost."""
    samples = {(sample.task, sample.id): sample for sample in folder.samples()}
    by_task: dict[str, list[Prediction]] = {}
    for prediction in folder.predictions():
        by_task.setdefault(prediction.task, []).append(prediction)
    order = [(name, metric) for name in by_task for metric in tasks[name].metrics]
    scores: dict[tuple[str, str], list[Score]] = {}
    judgements: list[Judgement] = []
    costs: list[dict[str, JSON]] = []
    try:
        for name, metric in sorted(order, key=lambda pair: turn(tasks[pair[0]].metrics[pair[1]])):
            scoring = Scoring(
                metric,
                tasks[name],
                context,
                answering_models(suite),
                reference_of(suite),
                suite.families.pools,
                suite.seed,
                judgements,
            )
            items = [samples[name, prediction.sample_id] for prediction in by_task[name]]
            scores[name, metric] = _score_one(tasks[name].metrics[metric], items, by_task[name], scoring)
            costs += [{"task": name, "metric": metric, **asdict(context.tally)}] if context.tally.asked else []
    finally:
        context.close()
    folder.write_scores(score for pair in order for score in scores[pair])
    folder.write_judgements(judgements)
    judged = {
        "judges": described_judges(suite, context), "judge_ids": identities(tasks, context), "judging": costs,
        "rubrics": rubric_texts(tasks),
    }  # fmt: skip
    folder.write_run({**folder.read_run(), **described_suite(suite, tasks), **judged})


def _score_one(
    metric: Metric, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring
) -> list[Score]:
    """One metric of a task; its progress is shown where it asks models."""
    context = scoring.context
    context.tally = Tally()
    if not turn(metric):
        return score_metric(metric, samples, predictions, scoring)
    context.begin(Cell(scoring.task.name, scoring.metric))
    scores = score_metric(metric, samples, predictions, scoring)
    context.display.finish(_said(len(predictions), context.tally))
    return scores


# -- summarize --------------------------------------------------------------------------------------------------------


def summarize_run(suite: Suite, tasks: dict[str, Task], folder: RunFolder) -> Summary:
    """Compute all figures from the files of the run; writes summary.json and closes run.json."""
    scores, record = folder.scores(), folder.read_run()
    judged = judging(suite, tasks, folder)
    design = design_of(suite, tasks, record.get("training", {}), judged.demoted)
    predictions = folder.predictions()
    if suite.general:  # models that were asked by themselves are reported by their own names
        predictions = [replace(one, variant=one.variant.removeprefix(PROBE)) for one in predictions]
        scores = [replace(one, variant=one.variant.removeprefix(PROBE)) for one in scores]
    summary = summarize(design, metric_info(tasks, scores), folder.samples(), predictions, scores, folder.overlaps())
    summary = replace(summary, judging=judged, warnings=(*summary.warnings, *judged.notes))
    folder.write_summary(summary)
    folder.write_run({**record, "status": "complete", "finished": now()})
    return summary
