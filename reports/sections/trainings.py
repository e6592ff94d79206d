"""What was trained: from how many rows, by which method, how fast, and in how much memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records.finished_run import FinishedRun
from reports.charts.curves import Chart
from reports.charts.loss_curves import LossOverview, learning_rate_chart, loss_chart, loss_overview
from reports.charts.whiskers import Segment
from reports.facts import numbers
from reports.facts.record_text import FactGroup
from reports.facts.training_recipe import (
    RowNotice,
    composition_bar,
    composition_sentence,
    recipe_groups,
    row_notices,
)
from reports.facts.training_stages import TrainingStage, training_stages
from reports.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """One training; a model that was trained in stages has several."""

    model: str
    entry: str | None  # in the suite file, where the name does not show it
    span: int  # rows of the same model from here on; 0 after the first
    stage: str
    method: str
    is_reused: bool
    rows: str
    dropped: str | None  # rows left out
    epochs: str
    steps: str
    trained: str  # parameters
    share: str | None
    tokens: str
    examples_per_second: str
    tokens_per_second: str
    time: str
    peak: str
    estimated: str | None
    best: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingDetail:
    """Everything else about one training."""

    stage: str
    method: str
    losses: Chart | None
    rates: Chart | None
    sentence: str | None
    composition: tuple[Segment, ...]
    notices: tuple[RowNotice, ...]
    groups: tuple[FactGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFacts:
    """All trainings of a run."""

    rows: tuple[TrainingRow, ...]
    has_stages: bool  # whether any is not plain fine-tuning, so that the stage must be named
    has_reused: bool
    overview: LossOverview | None
    models: Mapping[str, tuple[TrainingDetail, ...]]


class Trainings(Section):
    title = "Training"
    heading = "Training: what was learnt from, and at what price"
    order = 90

    def build(self, finished: FinishedRun) -> TrainingFacts | None:
        """The trainings, or None where nothing was trained."""
        stages = training_stages(finished.run)
        if not stages:
            return None
        by_model: dict[str, list[TrainingStage]] = {}
        for stage in stages:
            by_model.setdefault(stage.model, []).append(stage)
        return TrainingFacts(
            rows=tuple(row for group in by_model.values() for row in _rows(group)),
            has_stages=any(len(group) > 1 or group[0].name != "fine-tuning" for group in by_model.values()),
            has_reused=any(stage.is_reused for stage in stages),
            overview=loss_overview(stages),
            models={model: tuple(map(_detail, group)) for model, group in by_model.items()},
        )


def _rows(stages: Sequence[TrainingStage]) -> list[TrainingRow]:
    return [_row(stage, 0 if place else len(stages)) for place, stage in enumerate(stages)]


def _row(stage: TrainingStage, span: int) -> TrainingRow:
    trained, total = stage.number("trainable_parameters"), stage.number("total_parameters")
    epochs, best, dropped = stage.number("epochs"), stage.number("best_step"), stage.number("rows_dropped")
    tokens, seconds, peak = stage.number("tokens"), stage.number("seconds"), stage.number("peak_memory")
    return TrainingRow(
        model=stage.model,
        entry=None if stage.model.startswith(stage.entry) else stage.entry,
        span=span,
        stage=stage.name,
        method=stage.method_in_words(),
        is_reused=stage.is_reused,
        rows=_count(stage.number("rows")),
        dropped=f"{dropped:,.0f} left out" if dropped else None,
        epochs="–" if epochs is None else f"{epochs:g}",
        steps=_count(stage.number("steps")),
        trained="–" if trained is None else numbers.short(trained),
        share=_parameter_share(trained, total) if trained and total else None,
        tokens="–" if tokens is None else numbers.short(tokens),
        examples_per_second=_rate(stage.number("examples_per_second")),
        tokens_per_second=_count(stage.number("tokens_per_second")),
        time="–" if seconds is None else numbers.duration(seconds),
        peak="–" if not peak else numbers.memory(peak),
        estimated=_estimate(stage, peak),
        best="the last" if best is None else f"step {best:,.0f}",
    )


def _parameter_share(trained: float, total: float) -> str:
    """Of the whole model, with as many digits as a small share needs."""
    percent = 100 * trained / total
    digits = 0 if percent >= 99.95 else 1 if percent >= 10 else 2 if percent >= 0.1 else 4
    return f"{percent:.{digits}f} % of {numbers.short(total)}"


def _estimate(stage: TrainingStage, peak: float | None) -> str | None:
    total = stage.estimated_bytes()
    if not total:
        return None
    ratio = f"{peak / total:.2f} × " if peak else ""
    return f"{ratio}{numbers.memory(total)}"


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.{1 if value < 100 else 0}f}"


def _detail(stage: TrainingStage) -> TrainingDetail:
    return TrainingDetail(
        stage=stage.name,
        method=stage.method_in_words(),
        losses=loss_chart(stage),
        rates=learning_rate_chart(stage),
        sentence=composition_sentence(stage),
        composition=composition_bar(stage),
        notices=row_notices(stage),
        groups=recipe_groups(stage),
    )
