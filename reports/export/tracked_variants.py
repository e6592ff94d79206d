"""What an experiment tracker is told of a run: for each variant its figures, its settings, and where it comes from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.run_scopes import LIMITED, scope_in


@dataclass(frozen=True, kw_only=True)
class TrackedVariant:
    """One variant as a run of a tracker."""

    name: str
    metrics: Mapping[str, float]  # task.metric with .ci_low and .ci_high (95 %), tokens, seconds
    params: Mapping[str, str]
    tags: Mapping[str, str]


def run_identity(finished: FinishedRun) -> str:
    """By which a tracker knows that it has this run already."""
    return f"{finished.run['suite']['name']} {finished.run['started']}"


def limit_tag(finished: FinishedRun) -> dict[str, str]:
    """By which a tracker tells a limited run from a whole one."""
    limits = scope_in(finished.run).words()
    return {f"harness.{LIMITED}": limits} if limits else {}


def tracked_variants(finished: FinishedRun) -> list[TrackedVariant]:
    """Each variant of a run, in the order of the run."""
    names = dict.fromkeys(result.variant for result in finished.summary.results)
    return [
        TrackedVariant(
            name=name, metrics=dict(_metrics(finished, name)), params=dict(_params(finished.run, name)),
            tags=_tags(finished, name),
        )
        for name in names
    ]  # fmt: skip


def _metrics(finished: FinishedRun, variant: str) -> Iterator[tuple[str, float]]:
    for result in finished.summary.results:
        figure = str(FigureName.of(result))
        values = {"": result.mean, ".ci_low": result.low, ".ci_high": result.high, ".known": result.known}
        if result.variant == variant:
            yield from ((figure + ending, value) for ending, value in values.items() if value is not None)
    for comparison in finished.summary.comparisons:
        if comparison.variant == variant and comparison.difference is not None:
            figure = f"{FigureName.of(comparison)}.difference"
            values = {"": comparison.difference, ".ci_low": comparison.low, ".ci_high": comparison.high}
            yield from ((figure + ending, value) for ending, value in values.items() if value is not None)
    for usage in finished.summary.usage:
        if usage.variant == variant:
            for name in ("tokens_in", "tokens_out", "seconds", "failed", "unread", "truncated"):
                yield f"{usage.task}.usage.{name}", float(getattr(usage, name))


def _params(run: Mapping[str, JSON], variant: str) -> Iterator[tuple[str, str]]:
    described = run.get("variants", {}).get(variant, {})
    yield "component", str(described.get("component"))
    yield "seed", str(run.get("seed"))
    for name, value in described.get("settings", {}).items():
        if value is not None:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tags(finished: FinishedRun, variant: str) -> dict[str, str]:
    summary = finished.summary
    role = "reference" if variant == summary.reference else "floor" if variant in summary.unaided else "variant"
    return {
        "harness.suite": summary.name, "harness.run": run_identity(finished), "harness.variant": variant,
        "harness.version": str(finished.run.get("harness")), "harness.role": role,
        "harness.headline": ", ".join(summary.headline), **limit_tag(finished),
    }  # fmt: skip
