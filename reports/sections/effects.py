"""What each factor of a grid of variants does, and how factors depend on each other."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.decisions import Effect
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts.contrasts import ContrastScale, DrawnDifference, contrast_scale
from reports.facts.metric_columns import column_of
from reports.facts.numbers import probability
from reports.section import Section
from reports.wording import say


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """A main effect, or an interaction of two factors."""

    title: str
    step: str  # from which level to which
    effect: Effect
    contrast: DrawnDifference
    explanation: str
    p: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTable:
    """All effects of one grid on one figure."""

    grid: str
    scale: ContrastScale
    rows: tuple[EffectRow, ...]


class Effects(Section):
    order = 50

    def build(self, finished: FinishedRun) -> tuple[EffectTable, ...]:
        """Empty where no variants form a grid."""
        return tuple(_tables(finished.summary))


def _tables(summary: Summary) -> Iterator[EffectTable]:
    grids: dict[tuple[str, str, str], list[Effect]] = {}
    for effect in summary.decisions.effects:
        grids.setdefault((effect.grid, effect.task, effect.metric), []).append(effect)
    for (grid, task, metric), effects in grids.items():
        scale = contrast_scale(column_of(summary, task, metric), effects)
        rows = tuple(_row(effect, scale) for effect in sorted(effects, key=lambda effect: len(effect.factors)))
        yield EffectTable(grid=grid, scale=scale, rows=rows)


def _row(effect: Effect, scale: ContrastScale) -> EffectRow:
    steps = [say("effects.step", first=first, last=last) for first, last in effect.levels]
    contrast = scale.contrast(effect)
    return EffectRow(
        title=" × ".join(effect.factors),
        step=say("nouns.separator").join(steps),
        effect=effect,
        contrast=contrast,
        explanation=_explanation(effect, steps, contrast),
        p=None if effect.p_adjusted is None else probability(say("nouns.adjusted_p"), effect.p_adjusted),
    )


def _explanation(effect: Effect, steps: list[str], contrast: DrawnDifference) -> str:
    if len(effect.factors) < 2 or len(steps) < 2:
        return say("effects.main_explained", factor=effect.factors[0], step=steps[0], cells=effect.cells)
    first, second = effect.factors[:2]
    return say("effects.interaction_explained", factor=first, step=steps[0], other=second, condition=steps[1])
