"""Accuracy of multiple choice, strict and lenient side by side, so that a reader sees what extraction alone changes."""

from typing import ClassVar

from harness.components.metric import Mark, Metric
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.text.normalise import option_letters


class Choice(Metric):
    """1 if the strictly read letters are a target's letters, in any order, else 0. Higher is better.

    Parts: lenient (the same for the lenient reading), read (1 if there is a strict reading). For options scored by
    log-likelihood all readings are the best option. Several letters are right only as a whole set.
    """

    answers: ClassVar[tuple[str, ...]] = ("choice",)

    def parts(self) -> tuple[str, ...]:
        return ("lenient", "read")

    def score(self, sample: Sample, prediction: Prediction) -> dict[str, Mark]:
        """The three marks; a reply that could not be read is wrong with the reason."""
        reading, targets = prediction.reading, [option_letters(target) for target in sample.targets]
        return {
            "": _mark(reading.answer, targets, reading.reason),
            "lenient": _mark(reading.lenient, targets, reading.reason),
            "read": Mark(1.0) if reading.answer is not None else Mark(0.0, reading.reason),
        }


def _mark(letters: str | None, targets: list[str], reason: str | None) -> Mark:
    if letters is None:
        return Mark(0.0, reason)
    if option_letters(letters) in targets:
        return Mark(1.0)
    return Mark(0.0, f"read {letters}, right is {' or '.join(targets)}")
