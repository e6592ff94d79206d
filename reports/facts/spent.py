"""What training a variant's model cost, so that it can stand beside the quality it bought."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.figures import Summary
from harness.records.inputs import JSON
from reports.facts import numbers
from reports.facts.columns import variants
from reports.facts.stages import Stage, count, stages


@dataclass(frozen=True, slots=True)
class Spent:
    """Of all trainings behind one variant: their time together, the highest memory."""

    time: str
    memory: str | None
    trainings: int


def spent(run: Mapping[str, JSON], summary: Summary) -> dict[str, Spent]:
    """By variant, where a trained model answers."""
    every = stages(run)
    found = {variant: _behind(every, models_behind(run, summary, variant)) for variant in variants(summary)}
    return {variant: _spent(some) for variant, some in found.items() if some}


def models_behind(run: Mapping[str, JSON], summary: Summary, variant: str) -> set[str]:
    """The models that a variant asks: its own, those of its seeds, those of a cascade's steps."""
    members = {name for seeds in summary.seeds if seeds.variant == variant for name, _ in seeds.members}
    steps = {step.step for step in summary.routed if step.variant == variant}
    described = run.get("variants") or {}
    settings = ((described.get(name) or {}).get("settings") or {} for name in (variant, *members, *steps))
    return {str(some["model"]) for some in settings if some.get("model")}


def _behind(every: tuple[Stage, ...], models: set[str]) -> list[Stage]:
    """Their stages, each once though several models share it; an entry's name stands for all models made from it."""
    named = {stage.model for stage in every}
    chosen = [s for s in every if s.model in models or (s.entry in models and s.entry not in named)]
    return list({stage.record.get("inputs") or (stage.model, stage.name): stage for stage in chosen}.values())


def _spent(some: list[Stage]) -> Spent:
    peak = max(count(stage, "peak_memory") or 0.0 for stage in some)
    seconds = sum(count(stage, "seconds") or 0.0 for stage in some)
    return Spent(numbers.duration(seconds), numbers.memory(peak) if peak else None, len(some))
