"""How the losses fell: each training by itself, and the models beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.charts.curves import STYLES, Chart, ChartFrame, Curve, CurvePoint, axis_scale, chart
from reports.charts.whiskers import Axis
from reports.facts.training_stages import TrainingStage
from reports.wording import say

WIDE = 20.0  # from such a ratio on, losses are drawn on a logarithmic axis


@dataclass(frozen=True, slots=True)
class LossOverview:
    """The models' losses in one picture, and what to know before reading it."""

    chart: Chart
    note: str


def loss_overview(stages: Sequence[TrainingStage]) -> LossOverview | None:
    """One curve a model, or one an entry where they are too many; the loss on validation rows where all have one."""
    final = [stage for stage in stages if stage.is_last and len(stage.series("loss")) > 1]
    chosen = final if len(final) <= STYLES else _largest(final)[:STYLES]
    if len(chosen) < 2:
        return None
    is_validated = all(len(stage.series("validation")) > 1 for stage in chosen)
    key = "validation" if is_validated else "loss"
    title = say("loss_curves.validation_loss" if is_validated else "loss_curves.training_loss")
    curves = [
        Curve(
            name=stage.model, style=f"s{place}", points=_points(stage, key, _epochs(stage)), is_dotted=is_validated
        )
        for place, stage in enumerate(chosen, 1)
    ]  # fmt: skip
    key = "loss_curves.note_shown" if len(chosen) < len(final) else "loss_curves.note"
    note = say(key, shown=len(chosen), models=len(final))
    description = say("loss_curves.by_epoch", title=title, curves=_ends(curves))
    return LossOverview(_loss_chart(title, description, say("loss_curves.epochs"), curves), note)


def loss_chart(stage: TrainingStage) -> Chart | None:
    """Training and validation loss by step, the best step marked."""
    curves = [
        Curve(name=say("loss_curves.training"), style="training", points=_points(stage, "loss")),
        Curve(
            name=say("loss_curves.validation"), style="validation", points=_points(stage, "validation"), is_dotted=True
        ),
    ]
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return None
    description = say("loss_curves.by_step", model=stage.model, curves=_ends(curves))
    picture = _loss_chart(say("loss_curves.loss"), description, say("loss_curves.steps"), curves)
    best = stage.number("best_step")
    if best is None:
        return picture
    return replace(picture, mark=(_steps(curves).place(best), say("loss_curves.kept", step=f"{best:,.0f}")))


def learning_rate_chart(stage: TrainingStage) -> Chart | None:
    """The learning rate by step, on the same axis as the losses."""
    points = [CurvePoint(x=step, y=rate) for step, rate in stage.series("loss", 2)]
    if len(points) < 2:
        return None
    peak = max(point.y for point in points)
    curve = Curve(name=say("loss_curves.rate"), style="rate", points=points)
    steps = _steps([curve, Curve(name="", style="", points=_points(stage, "validation"))])
    scale = axis_scale([0.0, peak], float("inf"))
    frame = ChartFrame(x=steps, y=scale, x_ticks=[], y_ticks=[(0.0, "0"), (peak, f"{peak:.2g}")], height=4.5)
    description = say("loss_curves.rate_by_step", model=stage.model, peak=f"{peak:.2g}", last=f"{points[-1].y:.2g}")
    return chart(say("loss_curves.rate_title"), description, "", frame, [curve])


def _ends(curves: Sequence[Curve]) -> str:
    """From where to where each loss went, in words."""
    return say("nouns.semicolon").join(
        say("loss_curves.curve", name=c.name, first=f"{c.points[0].y:.3g}", last=f"{c.points[-1].y:.3g}")
        for c in curves
    )


def _loss_chart(title: str, description: str, x_title: str, curves: Sequence[Curve]) -> Chart:
    x = _steps(curves)
    y = axis_scale([point.y for curve in curves for point in curve.points], WIDE)
    x_ticks, y_ticks = [(tick, f"{tick:,g}") for tick in x.ticks()], [(tick, f"{tick:.3g}") for tick in y.ticks()]
    return chart(title, description, x_title, ChartFrame(x=x, y=y, x_ticks=x_ticks, y_ticks=y_ticks), curves)


def _steps(curves: Sequence[Curve]) -> Axis:
    """From zero to the last step of any curve."""
    return Axis(0.0, max((point.x for curve in curves for point in curve.points), default=1.0) or 1.0)


def _points(stage: TrainingStage, key: str, per_step: float = 1.0) -> list[CurvePoint]:
    """From before the first step on, where that was computed."""
    before = (stage.record.get("before") or {}).get("train" if key == "loss" else key)
    return [
        CurvePoint(x=step * per_step, y=loss, hint=say("loss_curves.hint", step=f"{step:,}", loss=f"{loss:.4g}"))
        for step, loss in [*([(0, before)] if before is not None else []), *stage.series(key)]
    ]


def _epochs(stage: TrainingStage) -> float:
    """Epochs a step."""
    return (stage.number("epochs") or 1.0) / (stage.number("steps") or 1.0)


def _largest(stages: Sequence[TrainingStage]) -> list[TrainingStage]:
    """Of each entry the stage with the most rows."""
    by_entry: dict[str, TrainingStage] = {}
    for stage in stages:
        largest = by_entry.get(stage.entry)
        if largest is None or (stage.number("rows") or 0) > (largest.number("rows") or 0):
            by_entry[stage.entry] = stage
    return list(by_entry.values())
