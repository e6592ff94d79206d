"""What was trained: from how many rows, by which method, how fast, and in how much memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records.inputs import JSON
from reports.charts import losses
from reports.charts.curves import Chart
from reports.facts import numbers, recipe
from reports.facts.stages import Stage, count, method, stages


@dataclass(frozen=True, slots=True)
class Row:
    """One training; a model that was trained in stages has several."""

    model: str
    entry: str | None  # in the suite file, where the name does not tell
    span: int  # rows of the same model from here on; 0 after the first
    stage: str
    method: str
    reused: bool
    rows: str
    dropped: str | None  # rows left out
    epochs: str
    steps: str
    trained: str  # parameters
    share: str | None
    tokens: str
    speed: tuple[str, str]  # examples and tokens a second
    time: str
    peak: str
    estimated: str | None
    best: str


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything else about one training."""

    stage: str
    method: str
    losses: Chart | None
    rates: Chart | None
    sentence: str | None
    shares: tuple[recipe.Share, ...]
    notices: tuple[recipe.Notice, ...]
    groups: tuple[recipe.Group, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """All trainings of a run."""

    rows: tuple[Row, ...]
    staged: bool  # whether any is not plain fine-tuning, so that the stage must be named
    reused: bool
    overview: losses.Overview | None
    models: Mapping[str, tuple[Detail, ...]]


def section(run: Mapping[str, JSON]) -> Section | None:
    """The trainings, or None where nothing was trained."""
    every = stages(run)
    if not every:
        return None
    by_model: dict[str, list[Stage]] = {}
    for stage in every:
        by_model.setdefault(stage.model, []).append(stage)
    return Section(
        tuple(row for some in by_model.values() for row in _rows(some)),
        any(len(some) > 1 or some[0].name != "fine-tuning" for some in by_model.values()),
        any(stage.reused for stage in every),
        losses.overview(every),
        {model: tuple(_detail(stage) for stage in some) for model, some in by_model.items()},
    )


def _rows(some: Sequence[Stage]) -> list[Row]:
    return [_row(stage, 0 if place else len(some)) for place, stage in enumerate(some)]


def _row(stage: Stage, span: int) -> Row:
    trained, total = count(stage, "trainable_parameters"), count(stage, "total_parameters")
    steps, epochs, best = count(stage, "steps"), count(stage, "epochs"), count(stage, "best_step")
    dropped, seconds, peak = count(stage, "rows_dropped"), count(stage, "seconds"), count(stage, "peak_memory")
    return Row(
        stage.model,
        None if stage.model.startswith(stage.entry) else stage.entry,
        span,
        stage.name,
        method(stage),
        stage.reused,
        _told(count(stage, "rows")),
        f"{dropped:,.0f} left out" if dropped else None,
        "–" if epochs is None else f"{epochs:g}",
        _told(steps),
        "–" if trained is None else numbers.short(trained),
        _share(trained, total) if trained and total else None,
        "–" if (tokens := count(stage, "tokens")) is None else numbers.short(tokens),
        (_told(count(stage, "examples_per_second"), decimals=True), _told(count(stage, "tokens_per_second"))),
        "–" if seconds is None else numbers.duration(seconds),
        "–" if not peak else numbers.memory(peak),
        _estimated(stage, peak),
        "the last" if best is None else f"step {best:,.0f}",
    )


def _share(trained: float, total: float) -> str:
    """Of the whole model, with as many digits as a small share needs."""
    percent = 100 * trained / total
    digits = 0 if percent >= 99.95 else 1 if percent >= 10 else 2 if percent >= 0.1 else 4
    return f"{percent:.{digits}f} % of {numbers.short(total)}"


def _estimated(stage: Stage, peak: float | None) -> str | None:
    total = recipe.estimated(stage)
    if not total:
        return None
    ratio = f"{peak / total:.2f} × " if peak else ""
    return f"{ratio}{numbers.memory(total)}"


def _told(value: float | None, decimals: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value:.{1 if value < 100 else 0}f}" if decimals else f"{value:,.0f}"


def _detail(stage: Stage) -> Detail:
    return Detail(
        stage.name,
        method(stage),
        losses.losses(stage),
        losses.learning_rates(stage),
        recipe.sentence(stage),
        recipe.composition(stage),
        recipe.notices(stage),
        recipe.groups(stage),
    )
