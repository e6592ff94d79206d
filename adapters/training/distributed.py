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

from adapters.methods.base.network import disk
from adapters.training.encoding import Encoded, Row
from adapters.training.record import TrainingRecord
from adapters.training.session import Job, attempt, too_big
from adapters.training.settings import Recipe
from adapters.training.trainer import Item, Plan, Progress
from harness import errors
from harness.components.fields import written
from harness.components.method import Method
from harness.components.registry import find
from harness.errors import HarnessError, ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.batches import out_of_memory
from harness.records.inputs import JSON

log = logging.getLogger("harness")
FOLDER = "devices"  # in the work folder: what the processes are told and what they tell
JOB, ITEMS, VALIDATION, RECORD, OUTPUT = "job.json", "items.jsonl", "validation.jsonl", "record.json", "output.txt"
MARK = "\x1e"  # begins a line of ours (RFC 7464): launchers print lines of their own
MEMORY = "MemoryError"
KINDS = {kind.__name__: kind for kind in (HarnessError, errors.DataError, ModelError, errors.StoreError)}
_RECORD = TypeAdapter(TrainingRecord)


def devices_for(recipe: Recipe, base: HuggingFace) -> int:
    """How many devices a training uses."""
    if recipe.devices != "auto":
        return recipe.devices
    return min(_there(base), recipe.batch_size * recipe.accumulation)


def check_devices(recipe: Recipe, base: HuggingFace) -> None:
    """Raise ModelError if the machine has fewer devices than the recipe asks for, or a step fewer rows."""
    asked, there, rows = devices_for(recipe, base), _there(base), recipe.batch_size * recipe.accumulation
    if asked > there and base.device_name != "cpu":
        raise ModelError(f"devices: {asked} are asked for, this machine has {there} ({base.device_name}); write auto")
    if asked > rows:
        raise ModelError(f"devices: {asked} cannot share a step of {rows} rows; set batch_size to {asked} or more")


def _there(base: HuggingFace) -> int:
    import torch

    return max(1, torch.cuda.device_count()) if base.device_name == "cuda" else 1


# -- the process that asks ------------------------------------------------------------------------------------------


def launch(job: Job, plan: Plan, checkpoint: Path | None, progress: Progress | None) -> TrainingRecord:
    """`attempt` in one process for each device. Raises MemoryError when one of them runs out of memory."""
    folder = job.work / FOLDER
    with disk(folder):
        _write(job, plan, checkpoint, folder)
    log.info("training on %d devices", plan.devices)
    with _started(_command(job.recipe, plan.devices, folder), folder, plan.devices) as said:
        for line in said:
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
def _started(command: list[str], folder: Path, devices: int) -> Iterator[IO[str]]:
    """The first process's words. However this is left, no process is left behind: they end when their stdin does."""
    import torch

    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, torch.get_num_threads() // devices))
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path), "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": threads,
    }  # fmt: skip
    with (folder / OUTPUT).open("w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, env=environment,
            encoding="utf-8", errors="replace",
            start_new_session=True,  # Ctrl-C comes here alone
        )  # fmt: skip
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


def _write(job: Job, plan: Plan, checkpoint: Path | None, folder: Path) -> None:
    """All that the processes need, as text."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, items in ((ITEMS, job.items), (VALIDATION, job.validation)):
        with (folder / name).open("w", encoding="utf-8") as file:
            file.writelines(json.dumps([[row.ids, row.labels] for row in item]) + "\n" for item in items)
    encoded = job.encoded
    stated = {
        "base": written(job.base), "method": written(job.method), "recipe": job.recipe.model_dump(mode="json"),
        "seed": job.seed, "inputs": job.inputs, "plan": asdict(plan),
        "checkpoint": None if checkpoint is None else checkpoint.name,
        "cut": encoded.cut, "dropped": encoded.dropped, "split": encoded.split,
    }  # fmt: skip
    (folder / JOB).write_text(json.dumps(stated), encoding="utf-8")


def _failure(folder: Path, devices: int) -> Exception:
    """What went wrong, by what the processes wrote; else by what they printed."""
    notes = sorted(folder.glob("error-*.json"), key=lambda note: note.stat().st_mtime_ns)  # the first is the cause
    told = [json.loads(note.read_text(encoding="utf-8")) for note in notes]
    for kind in (*KINDS, MEMORY):
        for note in told:
            if note["kind"] == kind:
                return MemoryError(note["message"]) if kind == MEMORY else KINDS[kind](note["message"])
    output = folder / OUTPUT
    with output.open(encoding="utf-8", errors="replace") as file:
        lines = deque((line.strip() for line in file if line.strip()), 60)
    signals = [found[1] for line in lines if (found := re.match(r"exitcode\s*: -(\d+)", line)) and found[1] != "15"]
    if signals:
        why = f"a process was ended by signal {signals[0]}" + " (when memory runs out, the system does so)"
    else:
        why = told[0]["message"] if told else " | ".join(list(lines)[-5:]) or "no process said why"
    return ModelError(
        f"training on {devices} devices stopped: {why}; see {output}; the same command goes on from the last checkpoint"
    )


# -- the processes that train ---------------------------------------------------------------------------------------


def main(folder: Path) -> None:
    """One process of a training, of which torchrun and accelerate tell by the environment which one it is."""
    rank, words = int(os.environ.get("RANK", 0)), _own_words()
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        record = _train(folder, words if rank == 0 else None)
        if rank == 0:
            (folder / RECORD).write_bytes(_RECORD.dump_json(record))
    except Exception as error:
        known = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in KINDS), None)
        message = str(error) if known else " ".join(f"{type(error).__name__}: {error}".split())
        note = {"kind": known or (MEMORY if out_of_memory(error) else "bug"), "message": message}
        (folder / f"error-{rank}.json").write_text(json.dumps(note), encoding="utf-8")
        raise


def _train(folder: Path, words: IO[str] | None) -> TrainingRecord:
    import torch

    job, plan, checkpoint = _read(folder)
    started = int(os.environ.get("WORLD_SIZE", 1))
    if started != plan.devices:
        raise ModelError(
            f"accelerate_config: {job.recipe.accelerate_config} starts {started} of {plan.devices} processes; "
            "state a distributed_type that starts one for each device of this machine"
        )
    if job.base.device_name == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))

    def progress(done: int, total: int, loss: float, tokens: int) -> None:
        if words is not None:
            print(MARK + json.dumps([done, total, loss, tokens]), file=words, flush=True)

    try:
        record = attempt(job, plan, checkpoint, progress)
    except (RuntimeError, MemoryError) as error:
        if out_of_memory(error) and plan.batch_size == 1:
            raise ModelError(too_big(job)) from error
        raise
    torch.distributed.destroy_process_group()
    return record


def _read(folder: Path) -> tuple[Job, Plan, Path | None]:
    stated = json.loads((folder / JOB).read_text(encoding="utf-8"))
    base, method = _component("model", stated["base"]), _component("method", stated["method"])
    assert isinstance(base, HuggingFace)
    assert isinstance(method, Method)
    items, validation = _items(folder / ITEMS), _items(folder / VALIDATION)
    rows = tuple(row for item in items for row in item)
    encoded = Encoded(rows, stated["cut"], stated["dropped"], stated["split"])
    recipe, work = Recipe.model_validate(stated["recipe"]), folder.parent
    job = Job(base, method, recipe, stated["seed"], stated["inputs"], encoded, items, validation, work)
    return job, Plan(**stated["plan"]), stated["checkpoint"] and work / stated["checkpoint"]


def _component(kind: str, stated: dict[str, JSON]) -> Any:
    """The component that `written` has written."""
    ((name, parameters),) = stated.items()
    return find(kind, name).model_validate(parameters)


def _items(file: Path) -> tuple[Item, ...]:
    with file.open(encoding="utf-8") as lines:
        return tuple(tuple(Row(tuple(ids), tuple(labels)) for ids, labels in json.loads(line)) for line in lines)


def _own_words() -> IO[str]:
    """What was stdout, for progress alone: whatever a library prints goes to stderr from now on."""
    words = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return words


def _end_with_parent() -> None:
    """Wait until stdin ends, as it does when the process that asked ends in any way; then nobody waits for us."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
