"""The estimate of a training's time: planned tokens by hand, and whose speed is taken."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from adapters.training import duration
from adapters.training.duration import Circumstances, estimate_seconds, first_base, last_speed, planned_tokens
from adapters.training.encoding import Encoded, Example, TokenRow
from adapters.training.record import FILE, TrainingRecord, hardware
from adapters.training.settings import Recipe
from adapters.training.training_data import TrainingData
from harness.errors import DataError
from harness.models.huggingface import HuggingFace
from tests.shared.short_trainings import QUICK, go
from tests.shared.training_rows import LEARN

RECORD = TrainingRecord(
    inputs="sha256:0", method={"lora": {"r": 8}}, recipe={}, seed=0, base="org/model", precision="float32",
    learning_rate=1e-4, batch_size=4, accumulation=1, steps=10, epochs=1.0, rows=40, rows_cut=0, rows_dropped=0,
    rows_split=0, examples=40, tokens=3000, labelled_tokens=40, seconds=12.0, examples_per_second=3.333,
    tokens_per_second=250.0, peak_memory=1, trainable_parameters=1, total_parameters=2, loss=((1, 1.0, 1e-4),),
    validation=(), best_step=None, hardware={"device": "cpu", "name": "x86_64", "threads": 4}, packages={},
)  # fmt: skip
GPU = {"device": "cuda", "name": "made-up GPU", "threads": 8}


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row whose answer is "5" has 5 tokens; one that is longer than the cutoff is left out."""

    def encode(base: Any, rows: Sequence[Any], cutoff: int, recipe: Recipe) -> Encoded:
        counts = [int(row if isinstance(row, str) else row.answer) for row in rows]
        fitting = tuple(TokenRow((0,) * count, (0,) * count) for count in counts if count <= cutoff)
        if not fitting:
            raise DataError("no row fits")
        return Encoded(fitting, dropped=len(rows) - len(fitting))

    monkeypatch.setattr(duration, "encode", encode)


def rows(*counts: int) -> TrainingData:
    return TrainingData(examples=tuple(Example((), str(count)) for count in counts), composition=())


def write(folder: Path, record: TrainingRecord, seconds: int = 0) -> Path:
    """The record in a folder of its own, written so many seconds after another."""
    folder.mkdir(parents=True)
    file = folder / FILE
    file.write_bytes(TypeAdapter(TrainingRecord).dump_json(record))
    os.utime(file, (1_800_000_000 + seconds,) * 2)
    return file


@pytest.mark.parametrize(
    ("data", "settings", "expected"),
    [
        (rows(10, 20, 30), {"epochs": 2}, 120),  # 2 · (10 + 20 + 30)
        (rows(10, 20, 30), {"epochs": 2, "batch_size": 2}, 120),  # the second step of an epoch has one row
        (rows(*[10] * 10), {"epochs": 9, "batch_size": 4, "max_steps": 4}, 140),  # 10 rows in 3 steps, then 4 in one
        (rows(*[10] * 10), {"epochs": 0.5, "batch_size": 4}, 80),  # half of 3 steps, rounded up: 2 of 4 rows
        (rows(*[10] * 10), {"epochs": 1, "batch_size": 2, "accumulation": 2, "max_steps": 2}, 80),  # 2 · (2 · 2) rows
        (rows(10, 20, 200), {"epochs": 2, "cutoff": 100}, 60),  # the last does not fit: 2 · (10 + 20)
        (rows(10, 20, 300), {"epochs": 2}, 60),  # nor what the model cannot read: 256 tokens at most
        (rows(200), {"cutoff": 100}, None),
        # 12 rows of 20 tokens packed to 60 are 240 / 60 = 4 items: 2 steps of 2 an epoch
        (rows(*[20] * 12), {"epochs": 3, "packing": True, "cutoff": 60, "batch_size": 2}, 720),
        (
            rows(*[20] * 12),
            {"packing": True, "cutoff": 60, "batch_size": 2, "max_steps": 3},
            360,
        ),  # 3 of them: 1.5 · 240
        (TrainingData(examples=("20",) * 12, composition=()), {"cutoff": 60, "batch_size": 2, "max_steps": 3}, 360),
        # 512 rows: every second is counted, 256 · 10, and taken for 512
        (rows(*[10, 90] * 256), {"epochs": 1}, 5120),
    ],
)
@pytest.mark.usefixtures("lengths")
def test_planned_tokens(
    base: HuggingFace, data: TrainingData, settings: dict[str, Any], expected: float | None
) -> None:
    assert planned_tokens(base, Recipe(**settings), data) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 250.0),  # 3000 tokens in 12 s
        ({"tokens": 3000, "seconds": 1.5, "tokens_per_second": 0.0}, 2000.0),
        ({"method": {"lora": {"r": 2}}}, 250.0),  # settings of the method change little
        ({"method": {"full": {}}}, None),
        ({"base": "org/larger"}, None),
        ({"precision": "bfloat16"}, None),
        ({"devices": 2}, None),
        ({"hardware": GPU}, None),
        ({"hardware": {"device": "cpu", "name": "arm64", "threads": 4}}, None),
        ({"hardware": {"device": "cpu", "name": "x86_64", "threads": 8}}, None),
        ({"hardware": {}}, None),
        ({"seconds": 0.0}, None),
        ({"tokens": 0}, None),
    ],
)
def test_whose_speed_is_taken(tmp_path: Path, change: dict[str, Any], expected: float | None) -> None:
    circumstances = Circumstances.recorded(RECORD)
    assert last_speed(circumstances, tmp_path / "trained") is None
    write(tmp_path / "trained" / "a", replace(RECORD, **change))
    assert last_speed(circumstances, tmp_path / "trained") == expected


def test_threads_do_not_count_beside_an_accelerator() -> None:
    fewer = {**GPU, "threads": 2}
    assert Circumstances.recorded(replace(RECORD, hardware=GPU)) == Circumstances.recorded(
        replace(RECORD, hardware=fewer)
    )


def test_the_last_record_that_can_be_read_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "c", replace(RECORD, seconds=30.0), 0)  # 3000 / 30
    write(tmp_path / "b", replace(RECORD, seconds=20.0), 10)  # 3000 / 20
    write(tmp_path / "a", replace(RECORD, seconds=10.0, base="org/larger"), 20)
    for number, content in enumerate((b"", b"{", b"[]", b"\xff\xfe", b'{"seconds": 1}')):
        write(tmp_path / f"broken{number}", RECORD, 30 + number).write_bytes(content)
    (tmp_path / "folder" / FILE).mkdir(parents=True)
    write(tmp_path / "unfinished.partial" / "result", replace(RECORD, seconds=1.0), 40)
    assert last_speed(Circumstances.recorded(RECORD), tmp_path) == 150.0


def test_merged_weights_lead_to_the_base_that_they_were_made_of(tmp_path: Path) -> None:
    write(tmp_path / "first", RECORD)
    write(tmp_path / "second", replace(RECORD, base=str(tmp_path / "first.merged")))
    assert first_base(str(tmp_path / "second.merged")) == "org/model"
    assert first_base(str(tmp_path / "gone.merged")) == str(tmp_path / "gone.merged")
    assert first_base("org/model") == "org/model"


@pytest.mark.internals
def test_both_count_the_tokens_that_a_training_processes(base: HuggingFace, tmp_path: Path) -> None:
    data = TrainingData(examples=tuple(LEARN), composition=())
    trained = tmp_path / "trained"
    assert estimate_seconds(base, "lora", QUICK, data, trained) is None
    record = go(base, trained / "a")
    assert planned_tokens(base, QUICK, data) == record.tokens
    assert estimate_seconds(base, "lora", QUICK, data, trained) == pytest.approx(record.seconds)
    longer = QUICK.model_copy(update={"epochs": 6.0})  # instead of 2
    assert estimate_seconds(base, "lora", longer, data, trained) == pytest.approx(3 * record.seconds)
    assert estimate_seconds(base, "full", longer, data, trained) is None
    assert Circumstances.planned(base, "lora", QUICK) == Circumstances.recorded(record)
    assert record.hardware == hardware("cpu")
    torch.set_num_threads(2)  # as another machine would have
    assert estimate_seconds(base, "lora", longer, data, trained) is None
