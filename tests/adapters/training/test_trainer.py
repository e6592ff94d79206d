"""A training ends in a whole folder or none, goes on where it stopped, and fails with a remedy."""

import gc
import json
import math
import multiprocessing
import signal
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import adapters.training.session
import adapters.training.trainer
from adapters.export.merging import merge_weights
from adapters.methods.bottleneck import Bottleneck
from adapters.methods.full import Full
from adapters.methods.lora import Lora
from adapters.methods.prefix import Prefix
from adapters.training.encoding import Example
from adapters.training.session import LearningRows
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.trained_network import trained_network
from adapters.training.trainer import COMPLETE, Training, last_checkpoint
from adapters.training.training_run import read_record, train
from harness.errors import ModelError, StoreError
from harness.models.huggingface import HuggingFace
from tests.shared.paths import ROOT
from tests.shared.short_trainings import LORA, QUICK, RESUMED, close, go, weights
from tests.shared.training_rows import LEARN


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# -- the same whatever way --------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights_and_another_other_ones(base: HuggingFace, tmp_path: Path) -> None:
    first = go(base, tmp_path / "a")
    untimed = {
        "seconds": 0,
        "examples_per_second": 0,
        "tokens_per_second": 0,
        "peak_memory": 0,
        "observation_seconds": 0,
    }
    assert replace(go(base, tmp_path / "b"), **untimed) == replace(first, **untimed)
    assert same(tmp_path / "a", tmp_path / "b")
    go(base, tmp_path / "c", QUICK.model_copy(update={"seed": 5}))
    assert not same(tmp_path / "a", tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock" and path.name != "cache") == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    "change",
    [{"batch_size": 2, "accumulation": 2}, {"gradient_checkpointing": True}, {"batch_size": 1, "accumulation": 4}],
    ids=str,
)
def test_what_saves_memory_changes_nothing(change: dict[str, Any], base: HuggingFace, tmp_path: Path) -> None:
    """Rows with answers of different lengths: a mean of means would differ."""
    go(base, tmp_path / "a")
    go(base, tmp_path / "b", QUICK.model_copy(update=change))
    assert close(tmp_path / "a", tmp_path / "b")


def test_packed_rows_train_as_single_ones(base: HuggingFace, tmp_path: Path) -> None:
    """All rows in one step: the order does not matter then."""
    one = Recipe(max_steps=2, batch_size=16, learning_rate=1e-2, warmup=0)
    alone = go(base, tmp_path / "a", one)
    packed = go(base, tmp_path / "b", one.model_copy(update={"packing": True, "cutoff": 200}))
    assert close(tmp_path / "a", tmp_path / "b")
    assert (packed.tokens, packed.labelled_tokens, packed.examples) == (
        alone.tokens, alone.labelled_tokens, alone.examples,
    )  # fmt: skip


def test_texts_are_packed_and_learnt_whole(base: HuggingFace, tmp_path: Path) -> None:
    texts = ["肺炎 支气管炎 fever", "cough headache", "Which of the following is correct?"] * 4
    record = train(
        base,
        Full(),
        Recipe(epochs=6, cutoff=32, batch_size=2, learning_rate=3e-3),
        LearningRows(texts, texts[:3]),
        tmp_path / "a",
        0,
    )
    assert record.loss[-1][1] < 0.8 * record.loss[0][1]
    assert record.labelled_tokens == record.tokens - record.examples  # every token but the first of a row
    checkpoint = merge_weights(base, Full(), tmp_path / "a", tmp_path / "merged")
    assert HuggingFace(path=str(checkpoint), device="cpu").load()  # a model of its own


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_precision(precision: Any, base: HuggingFace, tmp_path: Path) -> None:
    for method in (LORA, Bottleneck(width=8)):
        recipe = QUICK.model_copy(update={"precision": precision, "epochs": 4})
        record = go(base, tmp_path / type(method).__name__, recipe, method)
        assert record.precision == precision
        assert record.loss[-1][1] < record.loss[0][1]
        assert {value.dtype for value in weights(tmp_path / type(method).__name__).values()} == {torch.float32}


def test_the_schedule_is_the_recipes(base: HuggingFace, tmp_path: Path) -> None:
    """8 steps of which 2 warm up; transformers logs the rate that the step used. Linear: 6 steps down from 1e-2."""
    recipe = Recipe(epochs=2, batch_size=4, learning_rate=6e-3, warmup=0.25, schedule="linear")
    rates = [rate for _, _, rate in go(base, tmp_path / "a", recipe).loss]
    assert rates == pytest.approx([0, 3e-3, 6e-3, 5e-3, 4e-3, 3e-3, 2e-3, 1e-3])


# -- going on ---------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from adapters.training.settings import Recipe
from adapters.training.session import LearningRows
from adapters.training.training_run import train
from adapters.methods.lora import Lora
from harness.models.huggingface import HuggingFace
from tests.shared.training_rows import LEARN
from tests.shared.short_trainings import RESUMED
torch.set_num_threads(1)
def stop(done, total, loss, tokens):
    if done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
base = HuggingFace(path=sys.argv[1], dtype="float32", device="cpu")
train(base, Lora(r=4, dropout=0.1), RESUMED, LearningRows(LEARN, LEARN[:4]), Path(sys.argv[2]), 0, stop)
"""


def test_killed_and_started_again_it_ends_with_the_same_weights(base: HuggingFace, tmp_path: Path) -> None:
    """Killed at step 7 of 12, in the second epoch, with dropout: bit for bit the weights of an undisturbed run."""
    method = Lora(r=4, dropout=0.1)
    whole = train(base, method, RESUMED, LearningRows(LEARN, LEARN[:4]), tmp_path / "whole", 0)
    command = [sys.executable, "-c", KILLED, base.path, str(tmp_path / "killed"), "7"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()
    assert not (tmp_path / "killed").exists()
    last = last_checkpoint(tmp_path / "killed.partial")
    assert last is not None
    assert last.name == "checkpoint-6"
    seen: list[int] = []
    resumed = train(
        base,
        method,
        RESUMED,
        LearningRows(LEARN, LEARN[:4]),
        tmp_path / "killed",
        0,
        lambda done, *_: seen.append(done),
    )
    assert seen == [7, 8, 9, 10, 11, 12]
    assert same(tmp_path / "whole", tmp_path / "killed")
    assert (resumed.loss, resumed.validation, resumed.tokens, resumed.examples) == (
        whole.loss, whole.validation, whole.tokens, whole.examples,
    )  # fmt: skip
    assert (resumed.before, resumed.samples) == (whole.before, whole.samples)  # seen before it was killed


def test_ctrl_c_keeps_the_last_checkpoint(base: HuggingFace, tmp_path: Path) -> None:
    def interrupt(done: int, *_: Any) -> None:
        if done == 6:
            raise KeyboardInterrupt

    recipe = QUICK.model_copy(update={"save_every": 2})
    with pytest.raises(KeyboardInterrupt):
        go(base, tmp_path / "a", recipe, progress=interrupt)
    assert not (tmp_path / "a").exists()
    seen: list[int] = []
    go(base, tmp_path / "a", recipe, progress=lambda done, *_: seen.append(done))
    assert seen == [5, 6, 7, 8]
    go(base, tmp_path / "b", recipe)
    assert same(tmp_path / "a", tmp_path / "b")


def test_a_checkpoint_that_was_cut_off_is_not_used(tmp_path: Path) -> None:
    for step, marked in ((2, True), (10, True), (12, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if marked:
            (tmp_path / f"checkpoint-{step}" / COMPLETE).write_text("{}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert not (tmp_path / "checkpoint-12").exists()


def test_checkpoints_of_another_training_are_not_used(base: HuggingFace, tmp_path: Path) -> None:
    def interrupt(done: int, *_: Any) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(base, tmp_path / "a", QUICK.model_copy(update={"save_every": 2}), progress=interrupt)
    go(base, tmp_path / "a")  # another recipe
    go(base, tmp_path / "b")
    assert same(tmp_path / "a", tmp_path / "b")


def test_what_is_there_is_not_trained_again(base: HuggingFace, tmp_path: Path) -> None:
    record = go(base, tmp_path / "a")
    before = (tmp_path / "a" / "adapter_model.safetensors").stat()
    assert go(base, tmp_path / "a") == record == read_record(tmp_path / "a")
    assert (tmp_path / "a" / "adapter_model.safetensors").stat() == before
    with pytest.raises(StoreError, match="holds another training"):
        go(base, tmp_path / "a", QUICK.model_copy(update={"epochs": 1}))


def _train_in_process(path: str, folder: Path, notes: Any) -> None:
    base = HuggingFace(path=path, dtype="float32", device="cpu")
    trained = []
    record = go(base, folder, progress=lambda done, *_: trained.append(done))
    notes.put((len(trained), record.loss))


def test_two_processes_train_a_folder_once(base: HuggingFace, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    notes = context.Queue()
    both = [context.Process(target=_train_in_process, args=(base.path, tmp_path / "a", notes)) for _ in range(2)]
    for process in both:
        process.start()
    (steps, loss), (other, same_loss) = sorted((notes.get(timeout=120) for _ in both), reverse=True)
    for process in both:
        process.join()
    assert (steps, other) == (8, 0)
    assert loss == same_loss


# -- validation -------------------------------------------------------------------------------------------------------


def test_the_best_weights_are_kept_and_a_hopeless_training_ends(base: HuggingFace, tmp_path: Path) -> None:
    """At a rate this high the validation loss gets worse soon: the best look's weights are what is saved."""
    recipe = Recipe(
        epochs=20, batch_size=4, learning_rate=0.08, evaluate_every=2, patience=2, warmup=0, schedule="constant"
    )
    record = go(base, tmp_path / "a", recipe, validation=[Example(LEARN[0].prompt, "headache B"), *LEARN[2:4]])
    losses = dict(record.validation)
    best = min(losses, key=losses.__getitem__)
    assert record.best_step == best < record.steps < 80
    assert record.steps == best + 2 * 2  # two looks without a better one
    once = go(base, tmp_path / "b", recipe.model_copy(update={"max_steps": best, "patience": None}))
    assert once.steps == best
    assert same(tmp_path / "a", tmp_path / "b")


def test_without_validation_the_last_weights_are_kept(base: HuggingFace, tmp_path: Path) -> None:
    assert go(base, tmp_path / "a").best_step is None


# -- failing ----------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_names_step_and_remedy(base: HuggingFace, tmp_path: Path) -> None:
    recipe = Recipe(epochs=9, batch_size=4, learning_rate=1e30, warmup=0, max_grad_norm=1e9, schedule="constant")
    with pytest.raises(ModelError, match=r"not a number at step \d+: .* set learning_rate below 1e\+30"):
        go(base, tmp_path / "a", recipe, Full())
    assert not (tmp_path / "a").exists()


def out_of_memory_above(rows: int, monkeypatch: pytest.MonkeyPatch, until: int = 99) -> None:
    whole = Training.compute_loss

    def compute(self: Training, model: Any, inputs: dict[str, Any], *more: Any, **named: Any) -> Any:
        if inputs["counts"][0, 0] > rows and self.state.global_step < until:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return whole(self, model, inputs, *more, **named)

    monkeypatch.setattr(Training, "compute_loss", compute)


def test_out_of_memory_halves_the_batch_and_keeps_the_step(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go(base, tmp_path / "a")
    out_of_memory_above(1, monkeypatch)
    with caplog.at_level("INFO", "harness"):
        record = go(base, tmp_path / "b")
    assert (record.batch_size, record.accumulation, record.steps) == (1, 4, 8)
    assert "out of memory: batch size 4 → 2, accumulation 1 → 2" in caplog.messages
    assert close(tmp_path / "a", tmp_path / "b")


def test_too_big_for_one_row_says_what_would_help(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    out_of_memory_above(0, monkeypatch)
    message = r"one row of \d+ tokens at a time: more than \d.* GiB of .* are needed; set "
    with (
        caplog.at_level("INFO", "harness"),
        pytest.raises(ModelError, match=f"{message}a lower cutoff, the method qlora"),
    ):
        go(base, tmp_path / "a")
    assert caplog.messages[-1] == "out of memory: activations are computed twice from now on"
    with pytest.raises(ModelError, match=f"{message}gradient_checkpointing: true, a lower cutoff"):
        go(base, tmp_path / "b", QUICK.model_copy(update={"gradient_checkpointing": False}))


def test_a_full_disk_is_told_with_the_remedy(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing fails as it does on a full disk, at the second checkpoint; the first is whole and is gone on from."""
    written, whole = [], adapters.training.trainer.save_trained

    def full(network: Any, file: Path) -> None:
        written.append(file)
        if len(written) == 2:
            file.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        whole(network, file)

    recipe = QUICK.model_copy(update={"save_every": 2})
    monkeypatch.setattr(adapters.training.trainer, "save_trained", full)
    with pytest.raises(StoreError, match="No space left on device; free some space and run the same command again"):
        go(base, tmp_path / "a", recipe)
    monkeypatch.setattr(adapters.training.trainer, "save_trained", whole)
    seen: list[int] = []
    go(base, tmp_path / "a", recipe, progress=lambda done, *_: seen.append(done))
    assert seen[0] == 3


def test_a_bug_is_not_taken_for_a_full_disk(base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters.training.trainer, "save_trained", lambda *_: {}["missing"])
    with pytest.raises(KeyError):
        go(base, tmp_path / "a")


@pytest.mark.parametrize("change", [{"packing": True}, {"gradient_checkpointing": True}])
def test_a_virtual_prefix_cannot_be_packed_or_recomputed(
    change: dict[str, Any], base: HuggingFace, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="prefix puts tokens before the prompt"):
        go(base, tmp_path / "a", QUICK.model_copy(update=change), Prefix())


# -- what is told -----------------------------------------------------------------------------------------------------


def test_progress_and_record_agree_and_nothing_is_printed(
    base: HuggingFace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[int, int, float, int]] = []
    capfd.readouterr()
    record = go(base, tmp_path / "a", progress=lambda *step: told.append(step), validation=LEARN[:2])
    printed = capfd.readouterr()
    assert printed.out == ""
    assert [line for line in printed.err.splitlines() if line.strip() and "Loading weights" not in line] == []
    assert [step for step, *_ in told] == [step for step, *_ in record.loss] == list(range(1, 9))
    assert {total for _, total, *_ in told} == {8}
    assert told[-1][3] == record.tokens
    assert record.labelled_tokens < record.tokens
    assert json.loads((tmp_path / "a" / "record.json").read_text())["method"] == {"lora": LORA.model_dump(mode="json")}
    assert record.peak_memory > 1 << 20
    assert math.isclose(record.tokens_per_second, record.tokens / record.seconds, rel_tol=0.01)


@pytest.mark.parametrize(
    ("recipe", "items", "steps", "save"),
    [
        (Recipe(epochs=3, batch_size=4), 16, 12, 2),  # ten checkpoints at least
        (Recipe(epochs=3, batch_size=4), 17, 15, 2),
        (Recipe(epochs=0.5, batch_size=4, accumulation=2), 16, 1, 1),
        (Recipe(epochs=3, batch_size=4, max_steps=5), 16, 5, 1),
        (Recipe(epochs=30, batch_size=4, save_every=7), 16, 120, 7),
    ],
)
def test_the_steps_of_a_training(recipe: Recipe, items: int, steps: int, save: int) -> None:
    plan = StepPlan.of(recipe, items, False)
    assert (plan.steps, plan.save_every) == (steps, save)
    assert plan.halve().batch_size * plan.halve().accumulation == plan.batch_size * plan.accumulation


@pytest.mark.parametrize(
    ("rows", "batch", "expected"), [(16, 16, (8, 2)), (3, 3, (1, 3)), (6, 6, (3, 2)), (10, 5, (2, 5)), (5, 5, (1, 5))]
)
def test_fewer_rows_at_a_time_are_as_many_a_step(rows: int, batch: int, expected: tuple[int, int]) -> None:
    plan = StepPlan(
        rows=rows, batch_size=batch, accumulation=rows // batch, steps=10, evaluate_every=5, save_every=5
    ).halve()
    assert (plan.batch_size, plan.accumulation, plan.rows) == (*expected, rows)


@pytest.mark.parametrize("stop", [5, 7, None], ids=["in the middle", "before the last look", "while it is written"])
def test_patience_goes_on_counting_after_a_kill(
    stop: int | None, base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def progress(done: int, total: int, loss: float, tokens: int) -> None:
        if stop is not None and done > stop:
            raise KilledError

    def failing(*_: Any) -> None:
        raise KilledError

    watched = [Example(one.prompt, one.answer[::-1] + "zz") for one in LEARN[:4]]  # gets worse as the rest is learnt
    recipe = Recipe(epochs=10, learning_rate=0.02, batch_size=8, patience=3, evaluate_every=2)
    whole = go(base, tmp_path / "a", recipe, validation=watched)
    assert whole.best_step is not None
    assert whole.steps == whole.best_step + 6  # three looks later
    with monkeypatch.context() as patch:
        if stop is None:
            patch.setattr(type(LORA), "save", failing)
        with pytest.raises(KilledError):
            go(base, tmp_path / "b", recipe, validation=watched, progress=progress)
    again = go(base, tmp_path / "b", recipe, validation=watched)
    assert (again.steps, again.best_step, again.validation) == (whole.steps, whole.best_step, whole.validation)
    assert all(torch.equal(value, weights(tmp_path / "b")[name]) for name, value in weights(tmp_path / "a").items())


def test_a_folder_without_a_record_is_no_training(base: HuggingFace, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "left.txt").write_text("something")
    assert go(base, tmp_path / "a").steps
    assert not (tmp_path / "a" / "left.txt").exists()


def test_a_finished_training_is_read_where_nothing_can_be_written(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = go(base, tmp_path / "a")

    def locked(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("adapters.training.training_run.FileLock", locked)
    assert go(base, tmp_path / "a") == record


# -- afterwards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [LORA, Full()], ids=["lora", "full"])
def test_nothing_that_was_trained_stays_in_memory(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Any
) -> None:
    """A command looks for circles of references so rarely that gigabytes would stay: they are gone without that."""
    loaded = []

    def load(*arguments: Any) -> Any:
        network = trained_network(*arguments)
        loaded.append(weakref.ref(network))
        return network

    monkeypatch.setattr(adapters.training.session, "trained_network", load)
    gc.disable()
    try:
        go(base, tmp_path / "a", method=method)
    finally:
        gc.enable()
    assert [network() for network in loaded] == [None]
