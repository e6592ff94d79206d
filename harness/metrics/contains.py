"""A lenient measure for wordy models: the right answer occurs somewhere in the reply."""

from typing import ClassVar, Literal

from harness.components.metric import Mark, Metric
from harness.metrics.support.normalisation import Normalisation
from harness.records.inputs import Sample
from harness.records.outputs import Prediction


class Contains(Normalisation, Metric):
    """1 if any target (`require: all`: every one) occurs in the answer after normalisation, else 0. Higher is better.

    Weak: it also counts a negated target ("不是胃炎"), a part of a longer word, and a reply that lists everything.
    Use it beside exact_match, not instead of it.
    """

    answers: ClassVar[tuple[str, ...]] = ("text",)

    require: Literal["any", "all"] = "any"
    """Whether any target has to stand in the answer, or every one."""

    def score(self, sample: Sample, prediction: Prediction) -> Mark:
        """1 or 0; a target that is empty after normalisation never occurs."""
        if prediction.reading.answer is None:
            return Mark(0.0, prediction.reading.reason)
        answer = self.normal(prediction.reading.answer)
        missing = [target for target in sample.targets if not self._occurs(self.normal(target), answer)]
        allowed = 0 if self.require == "all" else len(sample.targets) - 1
        if len(missing) <= allowed:
            return Mark(1.0)
        return Mark(0.0, f"{'、'.join(f'“{target}”' for target in missing)} not in the answer")

    @staticmethod
    def _occurs(target: str, answer: str) -> bool:
        return target != "" and target in answer
