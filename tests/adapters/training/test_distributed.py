"""Several devices train as one does: the same steps, losses, counts and weights; what fails says so and ends at once."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pydantic import TypeAdapter, ValidationError
from torch.nn.functional import cross_entropy

import adapters.training.distributed
from adapters.methods.full import Full
from adapters.methods.lora import Lora
from adapters.training.collation import Collator, Order
from adapters.training.device_batches import DeviceBatches, DeviceCollator
from adapters.training.device_count import check_devices, devices_for
from adapters.training.distributed import (
    FOLDER,
    OUTPUT,
    RECORD,
    _command,
    _failure,
    _read,
    _write,
    launch,
)
from adapters.training.encoding import IGNORED, Encoded, TokenRow
from adapters.training.loss import summed_loss
from adapters.training.record import TrainingRecord
from adapters.training.session import Job, LearningRows
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.training_run import inputs_digest
from harness.components.component import Component
from harness.components.fields import LocalPath
from harness.errors import DataError, ModelError, StoreError
from harness.models.huggingface import HuggingFace
from tests.shared.short_trainings import close, go
from tests.shared.training_rows import LEARN

LIMIT = 300  # seconds: no test waits longer, whatever hangs
LORA = Lora(r=4)
ROWS = (
    (TokenRow((5, 6, 7), (IGNORED, 6, 7)),),
    (TokenRow((8, 9), (IGNORED, 9)), TokenRow((3, 4), (IGNORED, 4))),
)  # the second is packed


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """A test that hangs fails instead."""

    def ring(*_: Any) -> None:
        raise TimeoutError(f"still running after {LIMIT} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def job(base: HuggingFace, tmp_path: Path) -> Job:
    work = tmp_path / "a.partial"
    work.mkdir()
    rows = tuple(row for item in ROWS for row in item)
    return Job(
        base=base, method=LORA, recipe=Recipe(devices=2), seed=7, inputs="digest", encoded=Encoded(rows, 1, 2, 3),
        items=ROWS, validation=ROWS[:1], work=work,
    )  # fmt: skip


PLAN = StepPlan(rows=8, batch_size=2, accumulation=2, steps=6, evaluate_every=3, save_every=3, devices=2)


# -- sharing ------------------------------------------------------------------------------------------------------------


def device_batches(items: Any, step: int, batch_size: int, devices: int, rank: int) -> DeviceBatches:
    return DeviceBatches(sampler=items, step=step, batch_size=batch_size, devices=devices, rank=rank)


@pytest.mark.parametrize(
    ("items", "step", "batch_size", "expected"),
    [
        # 8 rows in steps of 4, 2 at a time: each device one batch a step.
        (8, 4, 2, [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]),
        # Steps of 8, 2 at a time: two batches a step on each device, dealt in turn as accelerate does.
        (8, 8, 2, [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]),
        # 4 + 3 rows: the short step is shared as evenly as it goes.
        (7, 4, 2, [[[0, 1], [4]], [[2, 3], [5, 6]]]),
        # 4 + 1: one device has nothing to do in the last step, and takes part in it.
        (5, 4, 2, [[[0, 1], []], [[2, 3], [4]]]),
        # A step of 3 on two devices.
        (6, 3, 2, [[[0], [3]], [[1, 2], [4, 5]]]),
    ],
)  # fmt: skip
def test_each_device_gets_its_share(items: int, step: int, batch_size: int, expected: list[Any]) -> None:
    assert [list(device_batches(range(items), step, batch_size, 2, rank)) for rank in (0, 1)] == expected


@pytest.mark.parametrize("devices", [2, 3, 8])
@pytest.mark.parametrize(("items", "step", "batch_size"), [(16, 4, 4), (17, 16, 3), (100, 16, 1), (5, 64, 64)])
def test_no_row_is_lost_or_seen_twice(items: int, step: int, batch_size: int, devices: int) -> None:
    """Step by step the devices together have what one device has, and all the same number of batches."""
    order = Order([1 + i % 5 for i in range(items)], step, 0, True)
    order.set_epoch(3)
    whole, shares = list(order), [device_batches(order, step, batch_size, devices, rank) for rank in range(devices)]
    parts = [list(share) for share in shares]
    assert {len(part) for part in parts} == {len(share) for share in shares} == {len(parts[0])}
    rounds = [sorted(item for part in parts for item in part[i]) for i in range(len(parts[0]))]
    each = -(-min(step, items) // (batch_size * devices))
    for start in range(0, items, step):
        first = start // step * each
        assert sorted(item for some in rounds[first : first + each] for item in some) == sorted(
            whole[start : start + step]
        )
    assert max(len(batch) for part in parts for batch in part) <= batch_size


def test_an_empty_share_teaches_and_counts_nothing(base: HuggingFace) -> None:
    batch = DeviceCollator(Collator(0))([])
    assert batch.pop("counts").tolist() == [[0, 0]]
    network = base.load()
    loss, learnt = summed_loss(network, batch, batch.pop("labels"))
    assert (loss.item(), learnt) == (0.0, 0)
    loss.backward()  # gradients are exchanged by all devices: they must be there, and zero
    assert all(value.grad is not None and not value.grad.any() for value in network.model.layers.parameters())


def test_the_loss_looks_into_what_wraps_the_model(base: HuggingFace) -> None:
    """Only the learnt position (its hidden state) reaches the output layer, wrapped or not."""

    class Wrapper(torch.nn.Module):
        def __init__(self, module: Any) -> None:
            super().__init__()
            self.module = module

        def forward(self, **inputs: Any) -> Any:
            return self.module(**inputs)

    network, seen = base.load(), []
    network.lm_head.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape)))
    ids, labels = torch.tensor([[5, 6, 7]]), torch.tensor([[IGNORED, IGNORED, 7]])
    loss, _ = summed_loss(Wrapper(Wrapper(network)), {"input_ids": ids}, labels)
    assert seen == [(1, 1, network.config.hidden_size)]
    assert loss.item() == pytest.approx(cross_entropy(network(ids).logits[0, 1:2], ids[0, 2:]).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("batch_size", "accumulation", "devices", "expected", "halved"),
    [
        (4, 2, 2, (4, 1), (2, 2)),  # accumulation is divided
        (4, 8, 4, (4, 2), (2, 4)),
        (16, 1, 2, (8, 1), (4, 2)),  # nothing to divide: fewer rows at a time
        (4, 3, 2, (3, 2), (2, 3)),  # 12 rows, 6 a device: two batches of 3 rather than 4 and 2
        (5, 1, 2, (3, 1), (2, 2)),  # 3 and 2
        (1, 2, 2, (1, 1), (1, 1)),
    ],
)
def test_a_step_has_the_same_rows_on_any_number_of_devices(
    batch_size: int, accumulation: int, devices: int, expected: tuple[int, int], halved: tuple[int, int]
) -> None:
    recipe = Recipe(batch_size=batch_size, accumulation=accumulation, epochs=2)
    one, several = StepPlan.of(recipe, 50, False), StepPlan.of(recipe, 50, False, devices)
    half = several.halve()
    assert one.rows == several.rows == half.rows == batch_size * accumulation
    assert one.steps == several.steps == half.steps
    assert (several.batch_size, several.accumulation) == expected
    assert (half.batch_size, half.accumulation) == halved


# -- what is asked for ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("devices", "rows", "there", "expected"),
    [("auto", 16, 1, 1), ("auto", 16, 4, 4), ("auto", 16, 0, 1), ("auto", 2, 8, 2), (3, 16, 4, 3), (1, 16, 4, 1)],
)
def test_auto_means_all_there_are(
    devices: Any, rows: int, there: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: there)
    base = HuggingFace(path="x", device="cuda")
    assert devices_for(Recipe(devices=devices, batch_size=rows), base) == expected
    check_devices(Recipe(devices=devices, batch_size=rows), base)


def test_auto_is_one_process_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert devices_for(Recipe(), HuggingFace(path="x", device="cpu")) == 1
    assert devices_for(Recipe(devices=2), HuggingFace(path="x", device="cpu")) == 2


@pytest.mark.parametrize(
    ("recipe", "device", "message"),
    [
        (Recipe(devices=3), "cuda", r"devices: 3 are asked for, this machine has 2 \(cuda\); write auto"),
        (Recipe(devices=2), "mps", r"devices: 2 are asked for, this machine has 1 \(mps\)"),
        (Recipe(devices=4, batch_size=2), "cpu", "devices: 4 cannot share a step of 2 rows; set batch_size to 4"),
    ],
)
def test_devices_that_are_not_there(recipe: Recipe, device: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(ModelError, match=message):
        check_devices(recipe, HuggingFace(path="x", device=device))


@pytest.mark.parametrize("devices", [0, -1, "all", 1.5])
def test_no_number_of_devices(devices: Any) -> None:
    with pytest.raises(ValidationError):
        Recipe(devices=devices)


def test_a_training_is_known_by_the_same_digest_on_any_number_of_devices(base: HuggingFace, tmp_path: Path) -> None:
    """But accelerate's configuration may change what is computed, where it is used."""
    config = tmp_path / "fsdp.yaml"
    config.write_text("distributed_type: FSDP\n")

    def known(**settings: Any) -> str:
        return inputs_digest(base, LORA, Recipe(**settings), LearningRows(LEARN), 0)

    plain, configured = known(), known(devices=2, accelerate_config=str(config))
    assert plain == known(devices=1) == known(devices=2) == known(devices=1, accelerate_config=str(config))
    assert configured != plain
    config.rename(tmp_path / "other.yaml")
    assert known(devices=2, accelerate_config=str(tmp_path / "other.yaml")) == configured  # by content, not by name
    where, while_usual = (
        {"devices", "accelerate_config", "samples"},
        {"turns", "weights", "schedule_options", "compile"},
    )
    assert set(Recipe().model_dump()) - set(Recipe().content(1)) == where | while_usual
    assert Recipe(turns="all").content(1)["turns"] == "all"


@pytest.mark.parametrize("devices", [1, 2])
def test_a_configuration_that_is_missing_is_named(devices: int, base: HuggingFace, tmp_path: Path) -> None:
    recipe = Recipe(devices=devices, accelerate_config=str(tmp_path / "ds.yaml"))
    with pytest.raises(ModelError, match=r"accelerate_config: .*/ds\.yaml cannot be read: .*No such file"):
        go(base, tmp_path / "a", recipe)
    assert not (tmp_path / "a.partial").exists()


def test_a_configuration_is_handed_on_to_accelerate(tmp_path: Path) -> None:
    plain = _command(Recipe(), 2, tmp_path)
    assert plain[2:6] == ["torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    handed = _command(Recipe(accelerate_config="fsdp.yaml"), 4, tmp_path)
    assert handed[2:7] == ["accelerate.commands.launch", "--config_file", "fsdp.yaml", "--num_processes", "4"]
    assert plain[6:] == handed[7:] == ["-m", "adapters.training.distributed", str(tmp_path)]


def test_a_component_with_a_recipe_takes_the_path_from_the_suites_folder() -> None:
    """The builder looks for the mark at the field itself; it is there after inheritance."""

    class Own(Component, Recipe):
        pass

    assert LocalPath() in Own.model_fields["accelerate_config"].metadata


# -- between the processes --------------------------------------------------------------------------------------------------


def test_the_processes_are_told_everything(job: Job) -> None:
    folder = job.work / FOLDER
    _write(job, PLAN, job.work / "checkpoint-3", folder)
    told, plan, checkpoint = _read(folder)
    assert (plan, checkpoint) == (PLAN, job.work / "checkpoint-3")
    assert told.base.identity() == job.base.identity()
    for name in ("method", "recipe", "seed", "inputs", "items", "validation", "encoded", "work"):
        assert getattr(told, name) == getattr(job, name), name
    (folder / RECORD).write_text("old")
    _write(job, PLAN, None, folder)  # a second go finds nothing of the first
    assert _read(folder)[2] is None
    assert not (folder / RECORD).exists()


def played(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Another program in place of the processes that train; `folder` is where they would write."""
    start = f"import json, os, sys, time\nfrom pathlib import Path\nfolder = Path({{!r}})\n{script}\n"
    monkeypatch.setattr(
        adapters.training.distributed, "_command",
        lambda _, __, folder: [sys.executable, "-S", "-c", start.replace("{!r}", repr(str(folder)))],
    )  # fmt: skip


def record(**changed: Any) -> str:
    """Some record, as JSON."""
    fields: dict[str, Any] = dict.fromkeys(TrainingRecord.__annotations__, 1) | {
        "inputs": "i", "base": "b", "precision": "float32", "best_step": None, "loss": [[1, 0.5, 0.1]], "validation": [],
        **{name: {} for name in ("method", "recipe", "hardware", "packages", "before", "execution")}, "samples": [],
        **changed,
    }  # fmt: skip
    return json.dumps(fields)


def test_progress_comes_from_the_processes_and_the_record_too(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "print('[launcher] greets'); print('\\x1e[1, 2, 0.5, 30]'); print('\\x1e[2, 2, 0.25, 60]')"
    played(monkeypatch, f"{lines}; (folder / 'record.json').write_text({record(devices=2)!r})")
    told: list[Any] = []
    made = launch(job, PLAN, None, lambda *step: told.append(step))
    assert told == [(1, 2, 0.5, 30), (2, 2, 0.25, 60)]
    assert made == TypeAdapter(TrainingRecord).validate_json(record(devices=2))


@pytest.mark.parametrize(
    ("notes", "output", "kind", "message"),
    [
        ([("bug", "RuntimeError: Connection closed by peer"), ("ModelError", "the loss is not a number at step 3")], "", ModelError, "^the loss is not a number at step 3$"),
        ([("StoreError", "disk full")], "", StoreError, "^disk full$"),
        ([("DataError", "no row")], "", DataError, "^no row$"),
        ([("bug", "RuntimeError: Connection closed by peer"), ("MemoryError", "CUDA out of memory")], "", MemoryError, "^CUDA out of memory$"),
        ([("bug", "RuntimeError: Connection closed")], "exitcode  : -15 (pid: 1)\n  exitcode  : -9 (pid: 2)\n", ModelError, r"^training on 2 devices stopped: a process was ended by signal 9 \(when memory runs out"),
        ([("bug", "KeyError: 'x'")], "noise\n", ModelError, r"stopped: KeyError: 'x'; see .*output\.txt; the same command continues"),
        ([], "one\n\ntwo\nNo module named accelerate\n", ModelError, r"stopped: one \| two \| No module named accelerate; see"),
        ([], "", ModelError, "no process gave a reason"),
    ],
    ids=str,
)  # fmt: skip
def test_a_failure_is_told_by_its_cause(
    notes: Any, output: str, kind: type[Exception], message: str, tmp_path: Path
) -> None:
    for rank, (name, text) in enumerate(notes):
        (tmp_path / f"error-{rank}.json").write_text(json.dumps({"kind": name, "message": text}))
    (tmp_path / OUTPUT).write_text(output)
    with pytest.raises(kind, match=message):
        raise _failure(tmp_path, 2)


SLEEPER = """
if os.fork() == 0:  # a grandchild, as torchrun's workers are, in a session of its own
    os.setsid()
    print('\\x1e[1, 9, 0.5, 1]', flush=True)
    (folder.parent / 'pid').write_text(str(os.getpid()))
    sys.stdin.read()
    os._exit(0)
time.sleep(600)
"""


def gone(pid: int) -> bool:
    """Whether a process has ended; one whose parent has not asked for it counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_no_process_is_left_when_the_caller_stops(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, SLEEPER)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(job, PLAN, None, stop)
    pid = int((job.work / "pid").read_text())
    while not gone(pid):  # it has closed its stdout and is about to end; the time limit of all tests holds
        time.sleep(0.01)


def test_a_process_ends_when_the_one_that_asked_is_killed(tmp_path: Path) -> None:
    script = "from adapters.training.distributed import _end_with_parent; print('up', flush=True); _end_with_parent()"
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    child.stdin.close()
    assert child.wait(60) == 1
    child.stdout.close()


def test_out_of_memory_on_a_device_halves_the_batch_of_all(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first go fails for memory, the second, with half the rows at a time, ends: 8 rows on two devices, 4 → 2."""
    script = f"""
plan = json.loads((folder / 'job.json').read_text())['plan']
if plan['batch_size'] > 2:
    (folder / 'error-1.json').write_text(json.dumps({{'kind': 'MemoryError', 'message': 'CUDA out of memory'}}))
    sys.exit(1)
(folder.parent / 'result').mkdir()
record = json.loads({record(devices=2)!r})
(folder / 'record.json').write_text(json.dumps(record | {{'batch_size': plan['batch_size'], 'accumulation': plan['accumulation']}}))
"""
    played(monkeypatch, script)
    with caplog.at_level("INFO", "harness"):
        made = go(base, tmp_path / "a", Recipe(batch_size=8, devices=2))
    assert (made.batch_size, made.accumulation) == (2, 2)
    assert "out of memory: batch size 4 → 2, accumulation 1 → 2" in caplog.messages
    assert not (tmp_path / "a.partial").exists()


# -- whole ------------------------------------------------------------------------------------------------------------------

# 15 rows: a step of 8 and one of 7 an epoch; each of two devices has 4 rows in the first, 3 or 4 in the second.
SHARED = Recipe(epochs=5, batch_size=4, accumulation=2, learning_rate=1e-2, evaluate_every=2, devices=2)


def workers() -> list[int]:
    """The processes of adapters.training.distributed whose ancestor this process is, launchers not counted."""
    import psutil

    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            line = child.cmdline()
            if "adapters.training.distributed" in line and not any("torch.distributed.run" in part for part in line):
                found.append(child.pid)
    return found


@pytest.mark.slow
def test_two_processes_train_as_one_and_go_on_when_one_is_killed(base: HuggingFace, tmp_path: Path) -> None:
    """Killed at step 5 of 10, behind the checkpoint of step 4: what is done again is the same."""
    rows = LEARN[:15]
    one = go(base, tmp_path / "one", SHARED.model_copy(update={"devices": 1}), examples=rows, validation=LEARN[:5])
    seen: list[int] = []

    def kill(done: int, *_: Any) -> None:
        seen.append(done)
        if done == 5:
            os.kill(max(workers()), signal.SIGKILL)

    with pytest.raises(
        ModelError, match=r"training on 2 devices stopped: a process was ended by signal 9 .* continues"
    ):
        go(base, tmp_path / "two", SHARED, examples=rows, validation=LEARN[:5], progress=kill)
    assert seen[:5] == [1, 2, 3, 4, 5]
    assert not (tmp_path / "two").exists()
    assert workers() == []
    again: list[int] = []
    two = go(
        base, tmp_path / "two", SHARED, examples=rows, validation=LEARN[:5],
        progress=lambda done, *_: again.append(done),
    )  # fmt: skip
    assert 5 <= again[0] <= 7  # the others may have gone on a moment
    assert again == list(range(again[0], 11))
    assert (two.devices, two.batch_size, two.accumulation) == (2, 4, 1)
    assert (one.devices, one.batch_size, one.accumulation) == (1, 4, 2)
    for name in ("inputs", "steps", "epochs", "rows", "examples", "tokens", "labelled_tokens", "best_step", "recipe"):
        assert getattr(two, name) == getattr(one, name), name
    assert [loss for _, loss, _ in two.loss] == pytest.approx([loss for _, loss, _ in one.loss], rel=1e-5)
    assert dict(two.validation) == pytest.approx(dict(one.validation), rel=1e-5)
    assert close(tmp_path / "one", tmp_path / "two")
    assert go(base, tmp_path / "one", SHARED, examples=rows, validation=LEARN[:5]) == one  # the same training: no other


CONFIGURED = {
    "compute_environment": "LOCAL_MACHINE", "distributed_type": "MULTI_GPU", "num_machines": 1, "num_processes": 4,
    "mixed_precision": "no", "use_cpu": False,
}  # fmt: skip


@pytest.mark.slow
def test_what_fails_in_the_processes_is_told_as_in_one(base: HuggingFace, tmp_path: Path) -> None:
    """Through accelerate's launcher: a loss that is no number, and a configuration that starts too few processes."""
    diverging = Recipe(
        epochs=9, batch_size=4, learning_rate=1e30, warmup=0, max_grad_norm=1e9, schedule="constant", devices=2
    )
    (tmp_path / "many.yaml").write_text(yaml.safe_dump(CONFIGURED))
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(CONFIGURED | {"distributed_type": "NO", "num_processes": 1}))
    for name, message in (
        ("many", r"^the loss is not a number at step \d+: .* set learning_rate below 1e\+30 "),
        ("one", r"^accelerate_config: .*one\.yaml starts 1 of 2 processes"),
    ):
        recipe = diverging.model_copy(update={"accelerate_config": str(tmp_path / f"{name}.yaml")})
        with pytest.raises(ModelError, match=message):
            go(base, tmp_path / name, recipe, Full())
        assert not (tmp_path / name).exists()
        assert workers() == []
