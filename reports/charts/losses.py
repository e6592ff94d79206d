"""How the losses fell: each training by itself, and the models beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.charts.curves import STYLES, Chart, Curve, Frame, Value, chart, scale
from reports.charts.whiskers import Axis
from reports.facts.stages import Stage, count, series

WIDE = 20.0  # from such a ratio on, losses are drawn on a logarithmic axis


@dataclass(frozen=True, slots=True)
class Overview:
    """The models' losses in one picture, and what to know before reading it."""

    chart: Chart
    note: str


def overview(every: Sequence[Stage]) -> Overview | None:
    """One curve a model, or one an entry where they are too many; the loss on validation rows where all have one."""
    final = [stage for stage in every if stage.is_last and len(series(stage, "loss")) > 1]
    chosen = final if len(final) <= STYLES else _largest(final)[:STYLES]
    if len(chosen) < 2:
        return None
    validated = all(len(series(stage, "validation")) > 1 for stage in chosen)
    which = "validation" if validated else "loss"
    title = f"Loss on {'the validation rows' if validated else 'the training rows'}"
    curves = [
        Curve(stage.model, f"s{place}", _values(stage, which, _epochs(stage)), dotted=validated)
        for place, stage in enumerate(chosen, 1)
    ]
    about = f"{title} by epoch. " + "; ".join(
        f"{c.name}: from {c.values[0].y:.3g} to {c.values[-1].y:.3g}" for c in curves
    )  # fmt: skip
    note = "Losses can be compared only between models that learn from the same rows in the same way."
    if len(chosen) < len(final):
        note += f" {len(chosen)} of {len(final)} models are shown here, of each entry the one with most rows."
    return Overview(_drawn(title, about, "epochs", curves), note)


def losses(stage: Stage) -> Chart | None:
    """Training and validation loss by step, the best step marked."""
    curves = [
        Curve("training", "training", _values(stage, "loss")),
        Curve("validation", "validation", _values(stage, "validation"), dotted=True),
    ]
    curves = [curve for curve in curves if curve.values]
    if not curves:
        return None
    told = "; ".join(f"{c.name}: from {c.values[0].y:.3g} to {c.values[-1].y:.3g}" for c in curves)
    drawn = _drawn("Loss", f"Loss of {stage.model} by step. {told}", "steps", curves)
    best = count(stage, "best_step")
    return drawn if best is None else replace(drawn, mark=(_from_zero(curves).place(best), f"kept: step {best:,.0f}"))


def learning_rates(stage: Stage) -> Chart | None:
    """The learning rate by step, on the same axis as the losses."""
    found = [Value(step, rate) for step, rate in series(stage, "loss", 2)]
    if len(found) < 2:
        return None
    peak = max(value.y for value in found)
    curve = Curve("learning rate", "rate", found)
    steps = _from_zero([curve, Curve("", "", _values(stage, "validation"))])
    frame = Frame(steps, scale([0.0, peak], float("inf")), [], [(0.0, "0"), (peak, f"{peak:.2g}")], 4.5)
    about = f"Learning rate of {stage.model} by step: at most {peak:.2g}, {found[-1].y:.2g} at the end"
    return chart("Learning rate", about, "", frame, [curve])


def _drawn(title: str, about: str, x_title: str, curves: Sequence[Curve]) -> Chart:
    x = _from_zero(curves)
    y = scale([value.y for curve in curves for value in curve.values], WIDE)
    frame = Frame(x, y, [(tick, f"{tick:,g}") for tick in x.ticks()], [(tick, f"{tick:.3g}") for tick in y.ticks()])
    return chart(title, about, x_title, frame, curves)


def _from_zero(curves: Sequence[Curve]) -> Axis:
    return Axis(0.0, max((value.x for curve in curves for value in curve.values), default=1.0) or 1.0)


def _values(stage: Stage, key: str, per_step: float = 1.0) -> list[Value]:
    return [Value(step * per_step, loss, told=f"step {step:,}: {loss:.4g}") for step, loss in series(stage, key)]


def _epochs(stage: Stage) -> float:
    """Epochs a step."""
    return (count(stage, "epochs") or 1.0) / (count(stage, "steps") or 1.0)


def _largest(some: Sequence[Stage]) -> list[Stage]:
    found: dict[str, Stage] = {}
    for stage in some:
        held = found.get(stage.entry)
        if held is None or (count(stage, "rows") or 0) > (count(held, "rows") or 0):
            found[stage.entry] = stage
    return list(found.values())
