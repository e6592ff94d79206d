"""How the losses fell: each training by itself, and the models beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.charts.curves import STYLES, Chart, ChartFrame, Curve, CurvePoint, axis_scale, chart
from reports.charts.whiskers import Axis
from reports.facts.training_stages import TrainingStage

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
    title = f"Loss on {'the validation rows' if is_validated else 'the training rows'}"
    curves = [
        Curve(
            name=stage.model, style=f"s{place}", points=_points(stage, key, _epochs(stage)), is_dotted=is_validated
        )
        for place, stage in enumerate(chosen, 1)
    ]  # fmt: skip
    note = "Losses can be compared only between models that learn from the same rows in the same way."
    if len(chosen) < len(final):
        note += f" {len(chosen)} of {len(final)} models are shown here: of each entry, the one with the most rows."
    return LossOverview(_loss_chart(title, f"{title} by epoch.", "epochs", curves), note)


def loss_chart(stage: TrainingStage) -> Chart | None:
    """Training and validation loss by step, the best step marked."""
    curves = [
        Curve(name="training", style="training", points=_points(stage, "loss")),
        Curve(name="validation", style="validation", points=_points(stage, "validation"), is_dotted=True),
    ]
    curves = [curve for curve in curves if curve.points]
    if not curves:
        return None
    picture = _loss_chart("Loss", f"Loss of {stage.model} by step.", "steps", curves)
    best = stage.number("best_step")
    return picture if best is None else replace(picture, mark=(_steps(curves).place(best), f"kept: step {best:,.0f}"))


def learning_rate_chart(stage: TrainingStage) -> Chart | None:
    """The learning rate by step, on the same axis as the losses."""
    points = [CurvePoint(x=step, y=rate) for step, rate in stage.series("loss", 2)]
    if len(points) < 2:
        return None
    peak = max(point.y for point in points)
    curve = Curve(name="learning rate", style="rate", points=points)
    steps = _steps([curve, Curve(name="", style="", points=_points(stage, "validation"))])
    scale = axis_scale([0.0, peak], float("inf"))
    frame = ChartFrame(x=steps, y=scale, x_ticks=[], y_ticks=[(0.0, "0"), (peak, f"{peak:.2g}")], height=4.5)
    description = f"Learning rate of {stage.model} by step: at most {peak:.2g}, {points[-1].y:.2g} at the end"
    return chart("Learning rate", description, "", frame, [curve])


def _loss_chart(title: str, opening: str, x_title: str, curves: Sequence[Curve]) -> Chart:
    ends = "; ".join(f"{c.name}: from {c.points[0].y:.3g} to {c.points[-1].y:.3g}" for c in curves)
    x = _steps(curves)
    y = axis_scale([point.y for curve in curves for point in curve.points], WIDE)
    x_ticks, y_ticks = [(tick, f"{tick:,g}") for tick in x.ticks()], [(tick, f"{tick:.3g}") for tick in y.ticks()]
    return chart(title, f"{opening} {ends}", x_title, ChartFrame(x=x, y=y, x_ticks=x_ticks, y_ticks=y_ticks), curves)


def _steps(curves: Sequence[Curve]) -> Axis:
    """From zero to the last step of any curve."""
    return Axis(0.0, max((point.x for curve in curves for point in curve.points), default=1.0) or 1.0)


def _points(stage: TrainingStage, key: str, per_step: float = 1.0) -> list[CurvePoint]:
    return [
        CurvePoint(x=step * per_step, y=loss, hint=f"step {step:,}: {loss:.4g}") for step, loss in stage.series(key)
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
