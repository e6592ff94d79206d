"""The plainest measure of a right answer: it is a target, after differences without meaning are overlooked."""

from typing import ClassVar

from harness.components.metric import Mark, Metric
from harness.metrics.support.normalisation import Normalisation
from harness.records.inputs import Sample
from harness.records.outputs import Prediction


class ExactMatch(Normalisation, Metric):
    """1 if the answer equals any target after normalisation, else 0. Higher is better.

    Source: exact match of SQuAD (Rajpurkar et al. 2016, section 6.1), with CJK punctuation instead of English articles.
    """

    answers: ClassVar[tuple[str, ...]] = ("text",)

    def score(self, sample: Sample, prediction: Prediction) -> Mark:
        """1 or 0; a reply without an answer is 0 with the reason why none was read."""
        if prediction.reading.answer is None:
            return Mark(0.0, prediction.reading.reason)
        answer = self.normal(prediction.reading.answer)
        targets = [self.normal(target) for target in sample.targets]
        if answer in targets:
            return Mark(1.0)
        return Mark(0.0, f"“{answer}” is not {' or '.join(f'“{target}”' for target in targets)}")
