"""The figure that settings are chosen by: the task's headline, computed on the rows of a search."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.components.calls import Calls
from harness.components.metric import Mark, Marks, Metric, scoring_phase
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.components.variant import Resources
from harness.records.figure_names import FigureName
from harness.records.inputs import Sample
from harness.records.outputs import Prediction


@dataclass(frozen=True, kw_only=True)
class SelectionFigure:
    """A metric of a task, or a part of it, that asks no model."""

    name: FigureName
    metric: Metric

    @property
    def sign(self) -> float:
        """1 where higher values are better, -1 where lower ones are."""
        return -1.0 if self.metric.scale_of(self.name.part).better == "lower" else 1.0

    @property
    def worst(self) -> float:
        """What counts where nothing is known."""
        scale = self.metric.scale_of(self.name.part)
        return scale.high if self.sign < 0 else scale.low

    @property
    def best(self) -> float:
        """The good end of the scale."""
        scale = self.metric.scale_of(self.name.part)
        return scale.low if self.sign < 0 else scale.high

    def marks(
        self, task: Task, rows: Sequence[Sample], predictions: Sequence[Prediction], calls: Calls
    ) -> list[Mark | None]:
        """What each answer comes to; Mark(None) where that is unknown, None where the figure does not concern a row."""
        answered = [i for i, prediction in enumerate(predictions) if prediction.error is None]
        scoring = Scoring(metric=self.name.metric, task=task, context=calls, seed=calls.seed)
        scored = self.metric.score_batch([rows[i] for i in answered], [predictions[i] for i in answered], scoring)
        by_row = {i: self._own(marks) for i, marks in zip(answered, scored, strict=True)}
        return [
            by_row.get(i, Mark(None)) if self.metric.applies(prediction) else None
            for i, prediction in enumerate(predictions)
        ]

    def value(self, marks: Sequence[Mark | None]) -> float:
        """The figure over some rows. What is unknown counts as the worst, and so does a figure that is not defined."""
        concerned = [mark for mark in marks if mark is not None]
        valued = [mark for mark in concerned if mark.value is not None and math.isfinite(mark.value)]
        if not valued:
            return self.worst
        figure = (
            self._corpus(valued) if self.metric.corpus else math.fsum(_number(mark) for mark in valued) / len(valued)
        )
        if not math.isfinite(figure):
            return self.worst
        unknown = len(concerned) - len(valued)
        return (len(valued) * figure + unknown * self.worst) / len(concerned) if unknown else figure

    def is_wrong(self, mark: Mark | None) -> bool:
        """Whether an answer could be better."""
        if mark is None:
            return False
        return mark.value is None or not math.isfinite(mark.value) or self.sign * (self.best - mark.value) > 1e-9

    def _corpus(self, marks: Sequence[Mark]) -> float:
        """A figure that is no mean: made from the sums of the rows' counts."""
        import numpy as np

        kinds = {kind for mark in marks for kind in mark.counts or ()}
        totals = {kind: np.array([math.fsum((m.counts or {}).get(kind, 0.0) for m in marks)]) for kind in kinds}
        parts = self.metric.aggregate(totals)
        return float(parts[self.name.part][0]) if self.name.part in parts else math.nan

    def _own(self, marks: Marks) -> Mark | None:
        """The mark of the figure; of a corpus metric that of the whole, which has the counts."""
        if isinstance(marks, Mapping):
            return marks.get("" if self.metric.corpus else self.name.part)
        return marks if isinstance(marks, Mark) else Mark(float(marks))


def _number(mark: Mark) -> float:
    return 0.0 if mark.value is None else mark.value


def selection_figure(task: str, resources: Resources) -> SelectionFigure | None:
    """The suite's headline figure of a task if it asks no model, else the first metric that asks none, if any."""
    metrics = resources.metrics[task]
    plain = [name for name, metric in metrics.items() if not scoring_phase(metric)]
    headline = FigureName.within(task, resources.headlines.get(task, ""))
    if headline.metric in plain:
        return SelectionFigure(name=headline, metric=metrics[headline.metric])
    return SelectionFigure(name=FigureName(task, plain[0]), metric=metrics[plain[0]]) if plain else None
