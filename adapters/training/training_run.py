"""Train a method on a base, once: the folder holds the weights and their record, or is not there."""

import logging
import shutil
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter

from adapters.methods.base.network import translate_disk_errors
from adapters.training.distributed import check_devices, devices_for, launch
from adapters.training.encoding import Example
from adapters.training.record import FILE, TrainingRecord, packages
from adapters.training.session import Examples, Job, LearningRows, attempt, out_of_memory_message, read_job
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.trainer import Progress, last_checkpoint
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


def _train(job: Job, progress: Progress | None) -> TrainingRecord:
    """Train with as many rows at a time as memory holds."""
    devices = devices_for(job.recipe, job.base)
    plan = StepPlan.of(job.recipe, len(job.items), bool(job.validation), devices)
    run = attempt if devices == 1 else launch
    while True:
        try:
            return run(job, plan, last_checkpoint(job.work), progress)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if plan.batch_size == 1:
                raise ModelError(out_of_memory_message(job)) from error
        sizes = (plan.batch_size, plan.accumulation)
        plan = plan.halve()
        log.info(
            "out of memory: batch size %d → %d, accumulation %d → %d",
            sizes[0], plan.batch_size, sizes[1], plan.accumulation,
        )  # fmt: skip
        free_memory()
