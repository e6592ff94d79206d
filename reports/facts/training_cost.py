"""What training a variant's model cost, so that it can stand beside the quality it bought."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.records.inputs import JSON
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import variant_names
from reports.facts.training_stages import TrainingStage, training_stages


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """Of all trainings behind one variant: their time together, the highest memory."""

    time: str
    memory: str | None
    trainings: int


def training_costs(run: Mapping[str, JSON], summary: Summary) -> dict[str, TrainingCost]:
    """By variant, where a trained model answers."""
    stages = training_stages(run)
    by_variant = {name: _stages_of(stages, models_behind(run, summary, name)) for name in variant_names(summary)}
    return {variant: _cost(behind) for variant, behind in by_variant.items() if behind}


def models_behind(run: Mapping[str, JSON], summary: Summary, variant: str) -> set[str]:
    """The models that a variant asks: its own, those of its seeds, those of a cascade's steps."""
    members = {name for seeds in summary.seeds if seeds.variant == variant for name, _ in seeds.members}
    steps = {step.step for step in summary.routed if step.variant == variant}
    variants = run.get("variants") or {}
    settings = ((variants.get(name) or {}).get("settings") or {} for name in (variant, *members, *steps))
    return {model for values in settings for model in _models_in(values)}


def _models_in(values: Mapping[str, JSON]) -> Iterator[str]:
    """The models that the settings of a variant name, or of the one whose settings are searched."""
    searched = values.get("of")
    inner = list(searched.values()) if isinstance(searched, dict) else []
    tried = values.get("over")
    levels = tried.get("model") or () if isinstance(tried, dict) else ()
    yield from map(str, filter(None, (*(own.get("model") for own in (values, *inner)), *levels)))


def _stages_of(stages: Sequence[TrainingStage], models: set[str]) -> list[TrainingStage]:
    """Their stages, each once though several models share it; an entry's name stands for all models made from it."""
    trained = {stage.model for stage in stages}
    behind = [s for s in stages if s.model in models or (s.entry in models and s.entry not in trained)]
    return list({stage.record.get("inputs") or (stage.model, stage.name): stage for stage in behind}.values())


def _cost(stages: Sequence[TrainingStage]) -> TrainingCost:
    peak = max(stage.number("peak_memory") or 0.0 for stage in stages)
    seconds = sum((stage.number("seconds") or 0.0) + stage.search_seconds() for stage in stages)
    return TrainingCost(numbers.duration(seconds), numbers.memory(peak) if peak else None, len(stages))
