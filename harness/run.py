"""The main path: plan → prepare → prove → train → index → predict → latency → score → summarize → report.

Each stage is a file in harness/stages. It reads what the stage before left in the run folder, and can be the first.
`harness plan` shows what the stages would do; a run does it in the same order.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import harness
from harness.checks.leakage import contamination
from harness.components.task import Task
from harness.components.variant import Resources
from harness.errors import InterruptionError, StoreError
from harness.models.local.fetching import fetching_ahead
from harness.records.figures import Overlap
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.searches import searches_in
from harness.runtime.context import Context
from harness.runtime.lost_devices import device_loss
from harness.runtime.part_seals import seal_part
from harness.runtime.provenance import described_scope, described_suite, now
from harness.runtime.run_excerpt import excerpt_of
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_lookup import refuse_changed
from harness.runtime.run_parts import RunPart
from harness.stages.announce import announce
from harness.stages.due_stages import due_stages
from harness.stages.index import index
from harness.stages.item_shards import division_digest, sharded
from harness.stages.join_parts import join_parts
from harness.stages.latency import latency
from harness.stages.predict import predict
from harness.stages.prepare import planning_door, prepare, resources_of, unasked_roots
from harness.stages.prove import prove
from harness.stages.rehearse import rehearse
from harness.stages.score import score
from harness.stages.summarize import summarize
from harness.stages.train import refuse_untrained, train
from harness.suite.suite import Suite
from harness.summary.charges import call_prices
from harness.text.redaction import Redaction

Report = Callable[[FinishedRun], str]  # the page as text
Ahead = Callable[[Suite, Mapping[str, Task], Sequence[str]], JSON]  # computes what stages will ask for, and says where


def run(
    suite: Suite, folder: RunFolder, context: Context, report: Report, start: str = "train",
    parts: Sequence[RunPart] = (), ahead: Ahead | None = None,
) -> Path:  # fmt: skip
    """Run a suite from a stage on; returns the report's path. The earlier stages' files are read from the folder.

    Of a shard it returns the folder, which is a finished part then. `parts` are joined in the folder before the stage.
    `ahead` computes on several machines what the stages will ask for.
    """
    due = due_stages(suite, start)
    tasks = prepare(suite, suite.usage.asked_from(start), planning_door(suite, context.cache, context.display))
    own, shard = sharded(tasks, suite.scope.shard), suite.scope.shard
    if shard is not None and start != "train":
        refuse_untrained(suite)
    if "predict" in due:
        rehearse(suite, tasks, context.cache, context.display)
    with fetching_ahead(unasked_roots(suite, start, context)):
        proofs = prove(suite, start, context.display)
    overlaps = contamination(suite, tasks) if "predict" in due else []
    folder.redaction = Redaction(suite.secrets)
    with folder.claimed():
        if parts:
            join_parts(parts, suite, tasks, folder)
        resources = begin(suite, own, folder, due, overlaps)
        if proofs:
            folder.write_run({**folder.read_run(), "selftest": proofs})
        context.prices = call_prices(suite)
        if ahead is not None:
            compute_ahead(ahead, suite, own, folder, context, due)
        announce(suite, own, due, context)
        answer(suite, tasks, own, folder, context, resources, due)
        if shard is not None:
            return seal_part(folder, shard, suite.path, division_digest(tasks, shard.of))
        compute_figures(suite, tasks, folder, context, due)
        return write_page(folder, report)


def answer(
    suite: Suite, tasks: dict[str, Task], own: dict[str, Task], folder: RunFolder, context: Context,
    resources: Resources, due: Sequence[str],
) -> None:  # fmt: skip
    """The stages that ask models for answers, about the items of this process's `own` tasks."""
    if "train" in due:
        with timed(folder, context, "train"):
            train(suite, folder, context, resources)
    if "index" in due:
        with timed(folder, context, "index"):
            index(suite, own, folder, context, resources)
    if "predict" in due:
        announce(suite, own, due, context)  # what was trained can be told from what it answered before
        with timed(folder, context, "predict"):
            predict(suite, own, folder, context, resources)
    if "latency" in due:
        with timed(folder, context, "latency"):
            latency(suite, tasks, folder, context, resources)


def compute_figures(
    suite: Suite, tasks: dict[str, Task], folder: RunFolder, context: Context, due: Sequence[str]
) -> None:
    """The stages that make figures of the answers."""
    if "score" in due:
        folder.write_run({**folder.read_run(), "status": "predicted"})  # older figures no longer are this run's
        with timed(folder, context, "score"):
            score(suite, tasks, folder, context)
    if "summarize" in due:
        with timed(folder, context, "summarize"):
            summarize(suite, tasks, folder)


def compute_ahead(
    ahead: Ahead, suite: Suite, tasks: dict[str, Task], folder: RunFolder, context: Context, due: Sequence[str]
) -> None:
    """Fill the cache with what the stages will ask for, on several machines at once; run.json says on which."""
    with timed(folder, context, "cluster"):
        folder.write_run({**folder.read_run(), "cluster": ahead(suite, tasks, due)})


def begin(
    suite: Suite, tasks: dict[str, Task], folder: RunFolder, due: Sequence[str], overlaps: list[Overlap]
) -> Resources:
    """Open the folder for the stages that are due, and take what the stages before them have settled."""
    resources = resources_of(suite, tasks)
    if "predict" in due:
        open_run(suite, tasks, folder, due)
        folder.write_overlaps(overlaps)
    else:
        refuse_unfit(suite, tasks, folder, due)
        resources.searches.update(searches_in(folder.read_run()))
    return resources


def refuse_unfit(suite: Suite, tasks: dict[str, Task], folder: RunFolder, due: Sequence[str]) -> None:
    """Raise HarnessError where the answers of a run cannot be taken as they lie in its folder."""
    if "latency" in due:
        refuse_untrained(suite)
    refuse_changed(folder, suite, tasks, scored="score" not in due)


def write_page(folder: RunFolder, report: Report) -> Path:
    """Write the report of a run; one whose figures are made is complete only then."""
    finished = excerpt_of(folder)
    is_summarized = finished.run.get("status") == "summarized"
    record = {**finished.run, "status": "complete"} if is_summarized else dict(finished.run)
    page = folder.write_report(report(replace(finished, run=record)))
    if is_summarized:
        folder.write_run(record)
    return page


def open_run(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder, due: Sequence[str]) -> None:
    """Begin run.json anew, with what the stages before the first one left there.

    An older run's predictions must not stand beside new samples. Raises ModelError for a model that is not trained yet,
    StoreError for a folder of another suite; then the folder stays as it is.
    """
    before: dict[str, JSON] = {}
    if "train" not in due:
        refuse_untrained(suite)
        before = folder.read_run()
        if (name := before["suite"].get("name")) != suite.name:
            raise StoreError(f"{folder.path} holds a run of suite {name}; choose another folder with --out")
    unchanged: dict[str, JSON] = {key: before[key] for key in ("training", "indexes") if key in before}
    seconds = {stage: time for stage, time in before.get("stages", {}).items() if stage not in due}
    folder.clear()
    record = {"status": "training", "started": now(), **unchanged, "stages": seconds}
    folder.write_run({**record, **described_scope(suite, tasks), **described_suite(suite, tasks)})


@contextmanager
def timed(folder: RunFolder, context: Context, stage: str) -> Iterator[None]:
    """Show which stage it is; note in run.json how many seconds it took, or that it was interrupted."""
    context.display.enter(stage)
    began = time.perf_counter()
    try:
        yield
    except (KeyboardInterrupt, InterruptionError):
        folder.write_run({**folder.read_run(), "status": "interrupted"})
        raise
    except (RuntimeError, MemoryError) as error:
        if (loss := device_loss(error)) is None:
            raise
        folder.write_run({**folder.read_run(), "status": "interrupted"})
        raise loss from error
    record = folder.read_run()
    stages = {**record.get("stages", {}), stage: round(time.perf_counter() - began, 3)}
    folder.write_run({**record, "stages": stages})


sys.modules[__name__].__class__ = harness.MainPath  # harness.run("suite.yaml") from Python
