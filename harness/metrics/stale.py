"""Whether an answer still states what has ceased to hold: the memory of a model against changed knowledge."""

from typing import ClassVar

from harness.components.metric import Mark, Metric, Scale
from harness.metrics.support.normalisation import Normalisation
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.text.normalise import as_text


class Stale(Normalisation, Metric):
    """1 if the answer equals an answer that no longer holds, else 0; lower is better. For the freshness probe.

    The answers that no longer hold stand in the sample's column `stale`.
    """

    scale: ClassVar[Scale] = Scale(better="lower")

    def score(self, sample: Sample, prediction: Prediction) -> Mark:
        """1 or 0; a reply without an answer states nothing."""
        if prediction.reading.answer is None:
            return Mark(0.0, prediction.reading.reason)
        answer = self.normal(as_text(prediction.reading.answer))
        old = [self.normal(text) for text in sample.meta.get("stale", ())]
        return Mark(1.0, "the answer before the change") if answer in old else Mark(0.0)
