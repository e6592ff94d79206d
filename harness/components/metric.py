"""What a metric owes: a value with its reason for each prediction, or counts for a figure of the whole corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from harness.components.component import Component, named
from harness.components.model import Model
from harness.records.figures import ENDLESS
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.components.model import Model
    from harness.components.scoring import Scoring
    from harness.components.task import Task
    from harness.records.figures import Confused


@dataclass(frozen=True, slots=True)
class Mark:
    """A value with the reason for it; value None means unknown."""

    value: float | None
    reason: str | None = None
    counts: Mapping[str, float] | None = None  # of a corpus metric: what the sample adds to the corpus's totals


LARGEST = 1e50  # of a value or an end of a scale: powers and sums of such values stay far within floating point
NARROWEST = 1e-9  # of a scale, relative to its ends


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of a metric's values and which end is good."""

    low: float = 0.0
    high: float = 1.0
    better: Literal["higher", "lower", "neither"] = "higher"

    @property
    def has_ends(self) -> bool:
        """Whether values have a lowest and a highest one, so that a part of the range means something."""
        return self.low > -ENDLESS and self.high < ENDLESS

    def mistake(self) -> str | None:
        """Why values on it could not be computed with; None if they can."""
        ends = max(abs(self.low), abs(self.high))
        if not ends <= LARGEST:
            return (
                f"the scale from {self.low:g} to {self.high:g} is too wide: both ends within ±{LARGEST:g} can be used"
            )
        if not self.high - self.low > max(NARROWEST * ends, 1 / LARGEST):
            return f"the scale from {self.low!r} to {self.high!r} is too narrow: low must be well below high"
        return None


Marks = float | Mark | Mapping[str, Mark]


class Metric(Component):
    """Measures how good an answer is. Its fields are settings, which the report shows.

    `score` returns a value, a Mark, or several Marks by part; the part "" is the metric's own value and the others are
    reported as `name.part`. A corpus metric, whose figure is no mean over samples (F1, BLEU), also gives the Mark of
    part "" its sample's counts, and makes the figures from their sums in `aggregate`.
    """

    scale: ClassVar[Scale] = Scale()
    part_scales: ClassVar[Mapping[str, Scale]] = {}  # parts whose scale differs
    answers: ClassVar[tuple[str, ...]] = ()  # the answer kinds it can score; empty: all
    corpus: ClassVar[bool] = False  # whether its figures are made by `aggregate`
    asks_answerers: ClassVar[bool] = False  # whether it asks the models that answered, e.g. for a likelihood

    @classmethod
    def missing_methods(cls) -> list[str]:
        owed = super().missing_methods()
        if cls.score is Metric.score and cls.score_batch is Metric.score_batch:
            owed.append("score or score_batch")
        if cls.corpus and cls.aggregate is Metric.aggregate:
            owed.append("aggregate")
        return owed

    def parts(self) -> tuple[str, ...] | None:
        """The names of its parts besides its own value; None when they depend on the data."""
        return ()

    def scale_of(self, part: str) -> Scale:
        """The scale of its own value (part "") or of a part."""
        return self.part_scales.get(part, self.scale)

    def for_task(self, task: "Task") -> "Metric":
        """The metric with everything settled that it leaves to a task, e.g. the language in which it asks a judge."""
        return self

    def resolved(self, task: "Task") -> dict[str, JSON]:
        """What it decides by a task's data, shown with its settings."""
        return {}

    def check(self) -> None:
        """Raise HarnessError if what it needs is not there, e.g. a package or a rubric; cheap."""

    def check_task(self, task: "Task") -> str | None:
        """What makes it impossible on a task, e.g. samples without a reference; None if nothing."""
        return None

    def check_models(self, task: "Task", models: "Mapping[str, Model]") -> str | None:
        """What keeps the models that it asks from scoring a task, e.g. too little context; None if nothing."""
        return None

    def applies(self, prediction: Prediction) -> bool:
        """Whether a prediction, failed or not, can have a value at all; e.g. retrieval where something was searched."""
        return True

    def score(self, sample: Sample, prediction: Prediction) -> Marks:
        """The value for one prediction that did not fail. An answer that could not be read is wrong, not unknown."""
        return self.score_batch([sample], [prediction])[0]

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[Marks]:
        """The values for the predictions of all variants of a task at once; by default `score` on each.

        `scoring` holds the task and the way to models. Without it a metric knows these samples only and asks no model.
        """
        return [self.score(sample, prediction) for sample, prediction in zip(samples, predictions, strict=True)]

    def aggregate(self, totals: "Mapping[str, NDArray[np.float64]]") -> "Mapping[str, NDArray[np.float64]]":
        """Of a corpus metric: the figure of each part [m] from the sums of its samples' counts [m], one a resample.

        NaN where a figure is not defined for those totals.
        """
        raise NotImplementedError

    def confusion(self, totals: Mapping[str, float]) -> "Confused | None":
        """Of a corpus metric over labels: how often each label was taken for which; None of others."""
        return None


def scoring_phase(metric: Metric) -> int:
    """When a metric scores: 0 if it asks no model, 1 if it asks the models that answered, 2 if it asks a judge."""
    return 2 if named(metric, "models") else int(metric.asks_answerers)
