"""What run.json says of the trainings: one record a stage, read with care, since older runs know less."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.inputs import JSON

NAMES = {"sft": "fine-tuning", "pretrain": "continued pretraining"}
METHODS = {  # in short; what is missing here is called by its own name
    "lora": "LoRA r {r} on {targets}",
    "qlora": "QLoRA r {r} on {targets}",
    "bottleneck": "bottleneck adapters of width {width}",
    "freeze": "the last {last} layers",
    "full": "all weights",
    "ia3": "IA³ on {targets}",
    "prefix": "prefix of {tokens} tokens",
    "prompt": "prompt of {tokens} tokens",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One training of one model."""

    model: str
    entry: str  # in the suite file; several models come from one entry with sizes or seeds
    base: str
    name: str  # in words
    is_last: bool  # of its model: what the variants ask
    reused: bool  # the weights were there already
    record: Mapping[str, JSON]
    composition: tuple[Mapping[str, JSON], ...]
    estimate: Mapping[str, JSON]  # bytes by what they hold; empty where nothing was estimated


def stages(run: Mapping[str, JSON]) -> tuple[Stage, ...]:
    """All stages that have a record, model by model."""
    found = []
    for model, training in (run.get("training") or {}).items():
        recorded = [stage for stage in training.get("stages") or () if stage.get("record")]
        for stage in recorded:
            name = str(stage.get("stage") or "sft")
            found.append(
                Stage(
                    model,
                    str(training.get("entry") or model),
                    str(training.get("base") or stage["record"].get("base") or ""),
                    NAMES.get(name, name),
                    stage is recorded[-1],
                    bool(stage.get("reused")),
                    stage["record"],
                    tuple(stage.get("composition") or ()),
                    stage.get("estimate") or {},
                )
            )
    return tuple(found)


def count(stage: Stage, key: str) -> float | None:
    """A figure of the record; None where it is missing or no number."""
    value = stage.record.get(key)
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def series(stage: Stage, key: str, column: int = 1) -> list[tuple[float, float]]:
    """(step, value) of the record's loss, its learning rate (column 2) or its validation, without what is no number."""
    rows = [(row[0], row[column]) for row in stage.record.get(key) or () if len(row) > column]
    return [(step, value) for step, value in rows if isinstance(value, int | float) and math.isfinite(value)]


def named_settings(stage: Stage) -> tuple[str, Mapping[str, JSON]]:
    """The method's name and its parameters."""
    for name, settings in (stage.record.get("method") or {}).items():
        return str(name), settings or {}
    return "unknown method", {}


def method(stage: Stage) -> str:
    """In short, e.g. "LoRA r 8 on all-linear"."""
    name, settings = named_settings(stage)
    said = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in settings.items()}
    try:
        text = METHODS.get(name, name.rpartition(".")[2]).format(**said)
    except KeyError:
        text = name
    return text.replace("LoRA", "DoRA") if settings.get("dora") else text
