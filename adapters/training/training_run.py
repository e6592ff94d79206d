"""Train a method on a base, once: the folder holds the weights and their record, or is not there."""

import logging
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter

from adapters.methods.base.network import translate_disk_errors
from adapters.training.arithmetic import ROUNDED, is_rounded
from adapters.training.device_count import check_devices, devices_for
from adapters.training.distributed import launch
from adapters.training.encoding import Example
from adapters.training.record import FILE, TrainingRecord, packages
from adapters.training.rungs import Rung, read_rung, stop_at, write_rung
from adapters.training.session import Examples, Job, LearningRows, attempt, out_of_memory_message, read_job
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.trainer import Counts, DivergedError, Progress, last_checkpoint
from adapters.training.training_candidates import TrainingCandidate
from harness.components.fields import written
from harness.components.method import Method
from harness.errors import ModelError, StoreError
from harness.models.huggingface import HuggingFace
from harness.models.local.batches import out_of_memory
from harness.models.local.device import free_memory
from harness.records.inputs import JSON
from harness.text.canonical import digest

log = logging.getLogger("harness")
_RECORD = TypeAdapter(TrainingRecord)
WHOLE = Fraction(1)


def train(
    base: HuggingFace, method: Method, recipe: Recipe, rows: LearningRows, folder: Path, seed: int,
    progress: Progress | None = None,
) -> TrainingRecord:  # fmt: skip
    """Train and write the weights and their record into `folder`; if that was done before, return its record.

    Texts instead of examples are learnt whole (continued pretraining). Interrupted in any way, the same call continues
    from the last checkpoint. A second process that needs the same folder waits and uses the result of the first.
    On several devices (`recipe.devices`) processes of their own train; this one waits, reports and writes the folder.
    Raises DataError, ModelError, StoreError.
    """
    seed = seed if recipe.seed is None else recipe.seed
    inputs = inputs_digest(base, method, recipe, rows, seed)
    if (folder / FILE).is_file():  # its place may be read-only
        return read_record(folder, inputs)
    with translate_disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock").acquire()
    with lock:
        if (folder / FILE).is_file():
            return read_record(folder, inputs)
        check_devices(recipe, base)
        work = _work_folder(folder, inputs)
        base.close()  # one network at a time
        job = read_job(base, method, recipe, rows, seed, inputs, work)
        record = _train(job, progress)
        with translate_disk_errors(folder):
            (work / "result" / FILE).write_bytes(_RECORD.dump_json(record, indent=1))
            shutil.rmtree(folder, ignore_errors=True)  # a folder without a record is no training
            (work / "result").replace(folder)
            shutil.rmtree(work)
    return record


def train_until(
    base: HuggingFace, candidate: TrainingCandidate, rows: LearningRows, folder: Path, seed: int,
    share: Fraction, progress: Progress | None = None,
) -> Rung:  # fmt: skip
    """Train a share of the steps that `train` would, leave them for it to go on from, and say how it stands there.

    A training that is in `folder` already is looked up. Raises DataError, ModelError, StoreError.
    """
    method, recipe = candidate.method, candidate.recipe
    seed = seed if recipe.seed is None else recipe.seed
    inputs = inputs_digest(base, method, recipe, rows, seed)
    with translate_disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock").acquire()
    with lock:
        if (folder / FILE).is_file():
            return _looked_up(read_record(folder, inputs), share)
        work = _work_folder(folder, inputs)
        if (rung := read_rung(work, share)) is not None:
            return rung
        base.close()
        job = read_job(base, method, recipe, rows, seed, inputs, work)
        steps = _plan(job).steps
        try:
            _train(job, progress, share)
        except DivergedError:
            seconds = Counts.at(last_checkpoint(work)).seconds  # at least
            rung = Rung(share=str(share), step=stop_at(share, steps), planned=steps, loss=None, seconds=seconds)
            write_rung(work, rung)
            return rung
        rung = read_rung(work, share)
        assert rung is not None, "a training that was stopped has said how it stands"
        return rung


def _looked_up(record: TrainingRecord, share: Fraction) -> Rung:
    """How a finished training stood after a share of its steps, as far as it was looked at before."""
    step = stop_at(share, record.steps)
    until = [loss for place, loss in record.validation if place <= step] or [record.validation[0][1]]
    seconds = record.seconds * step / record.steps
    return Rung(share=str(share), step=step, planned=record.steps, loss=min(until), seconds=seconds)


def discard_trial(folder: Path) -> None:
    """Remove the checkpoints of a trial that nobody goes on with."""
    with FileLock(f"{folder}.lock"):
        shutil.rmtree(folder.with_name(f"{folder.name}.partial"), ignore_errors=True)


def read_record(folder: Path, inputs: str | None = None) -> TrainingRecord:
    """The record of a finished training. Raises StoreError if its inputs are not `inputs`."""
    record = _RECORD.validate_json((folder / FILE).read_bytes())
    if inputs is not None and record.inputs != inputs:
        raise StoreError(f"{folder} holds another training (other data, method or settings); choose another folder")
    return record


def inputs_digest(
    base: HuggingFace, method: Method, recipe: Recipe, rows: LearningRows, seed: int, identity: JSON = None
) -> str:
    """Digest of what the weights depend on; the number of devices is not part of it.

    `identity` replaces the base's own, where the base is trained itself.
    """

    def content(examples: Examples) -> list[JSON]:
        return [row if isinstance(row, str) else _content(row, recipe.turns == "all") for row in examples]

    settings = recipe.content(devices_for(recipe, base))
    if is_rounded(method, recipe, base.dtype_name, base.device_name):
        settings["adapters"] = ROUNDED
    return digest([
        identity or base.identity(), written(method), settings, content(rows.examples), content(rows.validation), seed,
        packages(),
    ])  # fmt: skip


def _content(row: Example, learns_history: bool) -> list[JSON]:
    """What is learnt of a row; which turns are its own matters only where they are."""
    turns: list[JSON] = [[turn.role, turn.content] for turn in row.prompt]
    return [turns, row.answer, *([row.history] if learns_history and row.history else [])]


def _work_folder(folder: Path, inputs: str) -> Path:
    """The folder of the training's checkpoints; those of another training are removed."""
    work = folder.with_name(f"{folder.name}.partial")
    mark = work / "inputs"
    with translate_disk_errors(work):
        if not mark.is_file() or mark.read_text() != inputs:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            mark.write_text(inputs)
        shutil.rmtree(work / "result", ignore_errors=True)
    return work


def _plan(job: Job) -> StepPlan:
    return StepPlan.of(job.recipe, len(job.items), bool(job.validation), devices_for(job.recipe, job.base))


def _train(job: Job, progress: Progress | None, share: Fraction = WHOLE) -> TrainingRecord:
    """Train with as many rows at a time as memory holds."""
    plan = replace(_plan(job), share=str(share))
    run = attempt if plan.devices == 1 else launch
    while True:
        try:
            return run(job, plan, last_checkpoint(job.work), progress)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if plan.batch_size == 1 and not job.may_checkpoint:
                raise ModelError(out_of_memory_message(job)) from error
        finally:
            free_memory()  # a trainer, its network and its optimiser's state refer to each other in a circle
        if plan.batch_size == 1:
            recipe = job.recipe.model_copy(update={"gradient_checkpointing": True})
            job = replace(job, recipe=recipe, may_checkpoint=False)
            log.info("out of memory: activations are computed twice from now on")
        else:
            plan = _halve(plan)


def _halve(plan: StepPlan) -> StepPlan:
    """The same steps with fewer rows at a time, said."""
    half = plan.halve()
    log.info(
        "out of memory: batch size %d → %d, accumulation %d → %d",
        plan.batch_size, half.batch_size, plan.accumulation, half.accumulation,
    )  # fmt: skip
    return half
