"""What run.json says of the trainings: one record a stage, read with care, since older runs record less."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.inputs import JSON
from reports.facts import numbers
from reports.wording import say

STAGE_NAMES = {"sft": "training_stages.fine_tuning", "pretrain": "training_stages.continued_pretraining"}
METHOD_NAMES = {  # in short; what is missing here is called by its own name
    "lora": "training_stages.lora",
    "qlora": "training_stages.qlora",
    "bottleneck": "training_stages.bottleneck",
    "freeze": "training_stages.freeze",
    "full": "training_stages.full",
    "ia3": "training_stages.ia3",
    "prefix": "training_stages.prefix",
    "prompt": "training_stages.prompt",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStage:
    """One training of one model."""

    model: str
    entry: str  # in the suite file; several models come from one entry with sizes or seeds
    base: str
    name: str  # in words
    is_last: bool  # of its model: what the variants ask
    is_reused: bool  # the weights were there already
    record: Mapping[str, JSON]
    composition: tuple[Mapping[str, JSON], ...]
    estimate: Mapping[str, JSON]  # bytes by what they hold; empty where nothing was estimated
    search: Mapping[str, JSON] = field(default_factory=dict)  # among settings; empty where all were given

    def number(self, key: str) -> float | None:
        """A figure of the record; None where it is missing or no number."""
        value = self.record.get(key)
        return value if isinstance(value, int | float) and math.isfinite(value) else None

    def series(self, key: str, column: int = 1) -> list[tuple[float, float]]:
        """(step, value) of the record's loss, its learning rate (column 2) or its validation, numbers only."""
        rows = [(row[0], row[column]) for row in self.record.get(key) or () if len(row) > column]
        return [(step, value) for step, value in rows if isinstance(value, int | float) and math.isfinite(value)]

    def search_seconds(self) -> float:
        """What the trials took that were not chosen."""
        return float(self.search.get("seconds") or 0.0)

    def method(self) -> tuple[str, Mapping[str, JSON]]:
        """The method's name and its parameters."""
        for name, settings in (self.record.get("method") or {}).items():
            return str(name), settings or {}
        return say("training_stages.unknown_method"), {}

    def method_in_words(self) -> str:
        """In short, e.g. "LoRA r 8 on all-linear"."""
        name, settings = self.method()
        values = {key: ", ".join(map(str, v)) if isinstance(v, list) else v for key, v in settings.items()}
        try:
            text = say(METHOD_NAMES[name], **values) if name in METHOD_NAMES else name.rpartition(".")[2]
        except KeyError:  # of an older version, without a value that is named
            text = name
        return text.replace("LoRA", "DoRA") if settings.get("dora") else text

    def parameter_share(self) -> str | None:
        """The trained share of the whole model, with as many digits as a small share needs."""
        trained, total = self.number("trainable_parameters"), self.number("total_parameters")
        if not trained or not total:
            return None
        percent = 100 * trained / total
        digits = 0 if percent >= 99.95 else 1 if percent >= 10 else 2 if percent >= 0.1 else 4
        return say("trainings.share_of", percent=f"{percent:.{digits}f}", total=numbers.short(total))

    def estimated_bytes(self) -> float:
        """All parts of the estimate together; 0 where nothing was estimated."""
        return float(sum(value for value in self.estimate.values() if isinstance(value, int | float)))


def training_stages(run: Mapping[str, JSON]) -> tuple[TrainingStage, ...]:
    """All stages that have a record, model by model."""
    stages = []
    for model, training in (run.get("training") or {}).items():
        recorded = [stage for stage in training.get("stages") or () if stage.get("record")]
        for stage in recorded:
            name = str(stage.get("stage") or "sft")
            stages.append(
                TrainingStage(
                    model=model,
                    entry=str(training.get("entry") or model),
                    base=str(training.get("base") or stage["record"].get("base") or ""),
                    name=say(STAGE_NAMES[name]) if name in STAGE_NAMES else name,
                    is_last=stage is recorded[-1],
                    is_reused=bool(stage.get("reused")),
                    record=stage["record"],
                    composition=tuple(stage.get("composition") or ()),
                    estimate=stage.get("estimate") or {},
                    search=stage.get("search") or {},
                )
            )
    return tuple(stages)
