"""Answers that are several terms: how many of the right terms are there, in whatever order, and how many others."""

from typing import ClassVar

from pydantic import Field

from harness.components.metric import Mark, Metric
from harness.metrics.support.normalisation import Normalisation
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.text.normalise import compatible


class TermSet(Normalisation, Metric):
    """F1 between the set of terms in the answer and in the target, in [0, 1]; higher is better.

    Parts: precision, recall, exact (1 if the sets are equal). Of alternative targets the one with the best F1 counts.
    Source: set-based precision and recall (van Rijsbergen 1979, chapter 7), averaged over samples.
    """

    answers: ClassVar[tuple[str, ...]] = ("text",)

    separator: str = Field(default="##", min_length=1)
    """What stands between the terms of an answer and of a target."""

    def parts(self) -> tuple[str, ...]:
        return ("precision", "recall", "exact")

    def score(self, sample: Sample, prediction: Prediction) -> dict[str, Mark]:
        """The four marks; all 0 with a reason when the answer names no term."""
        if prediction.reading.answer is None:
            return _marks(0.0, 0.0, 0.0, prediction.reading.reason)
        answer = self._terms(prediction.reading.answer)
        if not answer:
            return _marks(0.0, 0.0, 0.0, "the answer names no term")
        return max((_compare(answer, self._terms(target)) for target in sample.targets), key=_f1)

    def _terms(self, text: str) -> frozenset[str]:
        """The terms, split before normalisation, which could remove the separator."""
        separator = self.separator
        if self.nfkc:
            text, separator = compatible(text), compatible(separator)
        return frozenset(term for term in map(self.normal, text.split(separator)) if term)


def _f1(marks: dict[str, Mark]) -> float:
    return marks[""].value or 0.0


def _compare(answer: frozenset[str], target: frozenset[str]) -> dict[str, Mark]:
    common = answer & target
    precision = len(common) / len(answer)
    recall = len(common) / len(target) if target else 0.0
    if answer == target:
        return _marks(precision, recall, 1.0, None)
    differences = {"missing": sorted(target - answer), "not wanted": sorted(answer - target)}
    reason = "; ".join(f"{name}: {'、'.join(terms)}" for name, terms in differences.items() if terms)
    return _marks(precision, recall, 0.0, reason)


def _marks(precision: float, recall: float, exact: float, reason: str | None) -> dict[str, Mark]:
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {
        "": Mark(f1, reason),
        "precision": Mark(precision, reason),
        "recall": Mark(recall, reason),
        "exact": Mark(exact, reason),
    }
