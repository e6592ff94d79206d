"""Training on several devices: one process each, started by torchrun, or by accelerate where it has a configuration."""

import json
import logging
import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Thread
from typing import IO, Any

from pydantic import TypeAdapter

from adapters.methods.base.network import translate_disk_errors
from adapters.training.collation import Item
from adapters.training.encoding import Encoded, Example
from adapters.training.record import TrainingRecord
from adapters.training.session import Job, attempt, out_of_memory_message
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.trainer import DivergedError, Progress
from harness.components.fields import written
from harness.components.method import Method
from harness.components.registry import find
from harness.errors import DataError, HarnessError, ModelError, StoreError
from harness.models.huggingface import HuggingFace
from harness.models.local.batches import out_of_memory
from harness.records.inputs import JSON

log = logging.getLogger("harness")
FOLDER = "devices"  # in the work folder: the input and the output of the processes
JOB, ITEMS, VALIDATION, RECORD, OUTPUT = "job.json", "items.json", "validation.json", "record.json", "output.txt"
SAMPLES = "samples.json"
MARK = "\x1e"  # begins a line of progress (RFC 7464): launchers print lines of their own
MEMORY = "MemoryError"
KINDS = {kind.__name__: kind for kind in (HarnessError, DataError, DivergedError, ModelError, StoreError)}
_RECORD = TypeAdapter(TrainingRecord)
_ITEMS = TypeAdapter(tuple[Item, ...])
_SAMPLES = TypeAdapter(tuple[Example, ...])


# -- the process that waits -----------------------------------------------------------------------------------------


def launch(job: Job, plan: StepPlan, checkpoint: Path | None, progress: Progress | None) -> TrainingRecord:
    """`attempt` in one process for each device. Raises MemoryError when one of them runs out of memory."""
    folder = job.work / FOLDER
    with translate_disk_errors(folder):
        _write(job, plan, checkpoint, folder)
    log.info("training on %d devices", plan.devices)
    with _processes(_command(job.recipe, plan.devices, folder), folder, plan.devices) as output:
        for line in output:
            if progress is not None and line.startswith(MARK):
                progress(*json.loads(line.removeprefix(MARK)))
    if not (folder / RECORD).is_file():
        raise _failure(folder, plan.devices)
    return _RECORD.validate_json((folder / RECORD).read_bytes())


def _command(recipe: Recipe, devices: int, folder: Path) -> list[str]:
    """torchrun starts processes on CPUs too and reads no configuration of the user's; accelerate's needs one."""
    if recipe.accelerate_config is None:
        launcher = ["torch.distributed.run", "--standalone", "--nproc_per_node", str(devices)]
    else:
        config = ["--config_file", recipe.accelerate_config]
        launcher = ["accelerate.commands.launch", *config, "--num_processes", str(devices)]
    return [sys.executable, "-m", *launcher, "-m", "adapters.training.distributed", str(folder)]


@contextmanager
def _processes(command: list[str], folder: Path, devices: int) -> Iterator[IO[str]]:
    """The first process's output. However this ends, no process is left behind: they end when their stdin does."""
    import torch

    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, torch.get_num_threads() // devices))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path),
        "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": threads,
    }
    with (folder / OUTPUT).open("w") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env=environment,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches this process alone
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout
        process.wait()
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.read()  # until the last of them has ended
        process.stdout.close()
        process.wait()


def _write(job: Job, plan: StepPlan, checkpoint: Path | None, folder: Path) -> None:
    """Write all that the processes need, as text."""
    folder.mkdir(exist_ok=True)
    for leftover in folder.iterdir():
        leftover.unlink()
    for name, items in ((ITEMS, job.items), (VALIDATION, job.validation)):
        (folder / name).write_bytes(_ITEMS.dump_json(items))
    (folder / SAMPLES).write_bytes(_SAMPLES.dump_json(job.samples))
    encoded = job.encoded
    settings = {
        "base": written(job.base), "method": written(job.method), "recipe": job.recipe.model_dump(mode="json"),
        "seed": job.seed, "inputs": job.inputs, "plan": asdict(plan),
        "checkpoint": None if checkpoint is None else checkpoint.name,
        "cut": encoded.cut, "dropped": encoded.dropped, "split": encoded.split,
    }  # fmt: skip
    (folder / JOB).write_text(json.dumps(settings), encoding="utf-8")


def _failure(folder: Path, devices: int) -> Exception:
    """The cause of a failure, from what the processes wrote; else from what they printed."""
    notes = sorted(folder.glob("error-*.json"), key=lambda note: note.stat().st_mtime_ns)  # the first is the cause
    failures = [json.loads(note.read_text(encoding="utf-8")) for note in notes]
    for kind in (*KINDS, MEMORY):
        for failure in failures:
            if failure["kind"] == kind:
                return MemoryError(failure["message"]) if kind == MEMORY else KINDS[kind](failure["message"])
    output = folder / OUTPUT
    with output.open(encoding="utf-8", errors="replace") as file:
        lines = deque((line.strip() for line in file if line.strip()), 60)
    exits = (re.match(r"exitcode\s*: -(\d+)", line) for line in lines)
    signals = [match[1] for match in exits if match and match[1] != "15"]
    if signals:
        cause = f"a process was ended by signal {signals[0]} (when memory runs out, the system does so)"
    else:
        cause = failures[0]["message"] if failures else " | ".join(list(lines)[-5:]) or "no process gave a reason"
    return ModelError(
        f"training on {devices} devices stopped: {cause}; see {output}; "
        "the same command continues from the last checkpoint"
    )


# -- the processes that train ---------------------------------------------------------------------------------------


def main(folder: Path) -> None:
    """One process of a training; torchrun and accelerate state its rank in the environment."""
    rank, output = int(os.environ.get("RANK", 0)), _progress_output()
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        record = _train(folder, output if rank == 0 else None)
        if rank == 0:
            (folder / RECORD).write_bytes(_RECORD.dump_json(record))
    except Exception as error:
        kind = next((base.__name__ for base in type(error).__mro__ if base.__name__ in KINDS), None)
        message = str(error) if kind else " ".join(f"{type(error).__name__}: {error}".split())
        note = {"kind": kind or (MEMORY if out_of_memory(error) else "bug"), "message": message}
        (folder / f"error-{rank}.json").write_text(json.dumps(note), encoding="utf-8")
        raise


def _train(folder: Path, output: IO[str] | None) -> TrainingRecord:
    import torch

    job, plan, checkpoint = _read(folder)
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if processes != plan.devices:
        raise ModelError(
            f"accelerate_config: {job.recipe.accelerate_config} starts {processes} of {plan.devices} processes; "
            "state a distributed_type that starts a process for each device of this machine"
        )
    if job.base.device_name == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))

    def progress(step: int, total: int, loss: float, tokens: int) -> None:
        if output is not None:
            print(MARK + json.dumps([step, total, loss, tokens]), file=output, flush=True)

    try:
        record = attempt(job, plan, checkpoint, progress)
    except (RuntimeError, MemoryError) as error:
        if out_of_memory(error) and plan.batch_size == 1:
            raise ModelError(out_of_memory_message(job)) from error
        raise
    torch.distributed.destroy_process_group()
    return record


def _read(folder: Path) -> tuple[Job, StepPlan, Path | None]:
    settings = json.loads((folder / JOB).read_text(encoding="utf-8"))
    base, method = _component("model", settings["base"]), _component("method", settings["method"])
    assert isinstance(base, HuggingFace)
    assert isinstance(method, Method)
    items, validation = (_ITEMS.validate_json((folder / name).read_bytes()) for name in (ITEMS, VALIDATION))
    rows = tuple(row for item in items for row in item)
    work = folder.parent
    job = Job(
        base=base,
        method=method,
        recipe=Recipe.model_validate(settings["recipe"]),
        seed=settings["seed"],
        inputs=settings["inputs"],
        encoded=Encoded(rows, settings["cut"], settings["dropped"], settings["split"]),
        items=items,
        validation=validation,
        samples=_SAMPLES.validate_json((folder / SAMPLES).read_bytes()),
        work=work,
    )
    return job, StepPlan(**settings["plan"]), settings["checkpoint"] and work / settings["checkpoint"]


def _component(kind: str, entry: dict[str, JSON]) -> Any:
    """The component of an entry as a suite writes it: the inverse of `written`."""
    ((name, parameters),) = entry.items()
    return find(kind, name).model_validate(parameters)


def _progress_output() -> IO[str]:
    """The stdout of the process, for progress alone: whatever a library prints goes to stderr from now on."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return output


def _end_with_parent() -> None:
    """Wait until stdin ends, as it does when the process that waits for this one ends in any way; then end too."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
