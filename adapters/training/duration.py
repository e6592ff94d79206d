"""How long a training will take, by the speed of the last one of that base and method on this machine."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from adapters.export.merging import MERGED
from adapters.training.device_count import devices_for
from adapters.training.record import FILE, TrainingRecord, hardware
from adapters.training.session import encode
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.training_data import TrainingData
from adapters.training.training_run import read_record
from harness.errors import DataError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import JSON

SAMPLE = 256  # rows that are tokenised to know the mean length of all


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What decides the tokens per second of a training, apart from its rows and the size of its batches."""

    base: str  # path of the weights at the end of the chain of bases
    method: str
    precision: str
    devices: int
    device: JSON
    device_name: JSON
    threads: JSON  # of the one process that trains on the CPU; else None

    @classmethod
    def planned(cls, base: HuggingFace, method: str, recipe: Recipe) -> "Circumstances":
        """Those of a training on this machine; `base` is the one at the end of the chain."""
        precision = recipe.precision_on(base.dtype_name)
        return cls._on(hardware(base.device_name), base.path, method, precision, devices_for(recipe, base))

    @classmethod
    def recorded(cls, record: TrainingRecord) -> "Circumstances":
        """Those of a finished training."""
        method = next(iter(record.method), "")
        return cls._on(record.hardware, first_base(record.base), method, record.precision, record.devices)

    @classmethod
    def _on(cls, machine: JSON, base: str, method: str, precision: str, devices: int) -> "Circumstances":
        device = machine.get("device")
        return cls(
            base=base,
            method=method,
            precision=precision,
            devices=devices,
            device=device,
            device_name=machine.get("name"),
            threads=machine.get("threads") if device == "cpu" and devices == 1 else None,
        )


def estimate_seconds(
    base: HuggingFace, method: str, recipe: Recipe, data: TrainingData, trained: Path
) -> float | None:  # fmt: skip
    """Seconds that a training will take; None where none in the folder `trained` was timed in these circumstances.

    Planned tokens by measured tokens per second. Both count the tokens of the rows that are processed: prompts and
    repetitions included, padding not, as `TrainingRecord.tokens` does. As in `TrainingRecord.seconds`, time for the
    validation rows is included, time to load the base and to tokenise is not. Loads no weights.
    """
    speed = last_speed(Circumstances.planned(base, method, recipe), trained)
    if speed is None:
        return None
    tokens = planned_tokens(base, recipe, data)
    return None if tokens is None else tokens / speed


def last_speed(circumstances: Circumstances, trained: Path) -> float | None:
    """Tokens per second of the last training in these circumstances; None before the first."""
    for record in _records(trained):
        if record.tokens > 0 and record.seconds > 0 and Circumstances.recorded(record) == circumstances:
            return record.tokens / record.seconds
    return None


def planned_tokens(base: HuggingFace, recipe: Recipe, data: TrainingData) -> float | None:
    """Tokens that a training will process, prompts and repetitions included, padding not; `patience` may end it before.

    The mean length is that of at most 256 rows from all over the data. The last step of an epoch has the rows that are
    left. Packed rows are expected to fill the cutoff. None where none of these rows fits the cutoff.
    """
    stride = math.ceil(len(data.examples) / SAMPLE)
    sample = data.examples[::stride]
    cutoff = min(recipe.cutoff, base.context_length() or recipe.cutoff)
    try:
        encoded = encode(base, sample, cutoff, recipe)
    except DataError:
        return None
    scale = len(data.examples) / len(sample)
    tokens = scale * sum(len(row.ids) for row in encoded.rows)  # of an epoch
    packed = recipe.packing or any(isinstance(row, str) for row in sample)
    items = math.ceil(tokens / cutoff) if packed else round(scale * len(encoded.rows))
    plan = StepPlan.of(recipe, items, bool(data.validation))
    epochs, steps = divmod(plan.steps, math.ceil(items / plan.rows))
    return tokens * (epochs + min(1.0, steps * plan.rows / items))


def first_base(base: str) -> str:
    """The path at the end of the chain of bases: merged weights lead to the training beside them and so to its base."""
    while base.endswith(MERGED):
        try:
            base = read_record(Path(base.removesuffix(MERGED))).base
        except (OSError, ValidationError):
            return base
    return base


def _records(trained: Path) -> Iterator[TrainingRecord]:
    """The records of finished trainings, the last written first; those that cannot be read are passed over."""
    files = []
    for file in trained.glob(f"*/{FILE}"):
        with suppress(OSError):  # removed meanwhile
            files.append((file.stat().st_mtime_ns, file))
    for _, file in sorted(files, reverse=True):
        try:
            record = read_record(file.parent)
        except (OSError, ValidationError):
            continue
        yield record
