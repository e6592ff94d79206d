"""Whether a model's probabilities of options can be believed: of answers it is 80 % sure of, 80 % should be right."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from harness.answers.choice import Choice as ChoiceAnswer
from harness.components.metric import Mark, Metric, Scale
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.statistics.option_shares import option_shares
from harness.text.normalise import option_letters
from harness.text.templates import LETTERS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.components.task import Task

    Floats = NDArray[np.float64]

BRIER = "brier"


class ExpectedCalibrationError(Metric):
    """Expected calibration error of options chosen by their probability, in [0, 1]; lower is better.

    The probabilities are those of the options, renormalised over them. The chosen option's is the confidence; samples
    are put into `bins` of equal width by it, and the error is the mean over samples of how far a bin's share of right
    answers is from its mean confidence. A sample's own value is how far its confidence is from 1 if right, 0 if wrong.
    Part: brier, in [0, 2], lower is better: the mean of the sum over options of (probability − right)². It has no bins.

    Source: Guo et al. 2017, equation 3 (the bins are open below); Brier 1950, equation 2.
    """

    scale: ClassVar[Scale] = Scale(better="lower")
    part_scales: ClassVar[Mapping[str, Scale]] = {BRIER: Scale(0.0, 2.0, "lower")}
    answers: ClassVar[tuple[str, ...]] = ("choice",)
    corpus: ClassVar[bool] = True

    bins: int = Field(10, ge=1, le=100)
    """Ranges of equal width into which probabilities are sorted."""

    def parts(self) -> tuple[str, ...]:
        return (BRIER,)

    def check_task(self, task: "Task") -> str | None:
        if isinstance(task.answer, ChoiceAnswer) and task.answer.by == "generation":
            return "generated letters have no probabilities; use answer: {choice: {by: first_token}} or loglikelihood"
        return None

    def applies(self, prediction: Prediction) -> bool:
        """Floors have no probabilities; a failed answer would have had some."""
        return prediction.logprobs is not None or prediction.error is not None

    def score(self, sample: Sample, prediction: Prediction) -> dict[str, Mark]:
        if prediction.logprobs is None:
            return {part: Mark(None, "the answer has no probabilities of options") for part in ("", BRIER)}
        shares = option_shares(prediction.logprobs)
        probabilities = [math.exp(value) for value in shares.logprobs]
        right = {LETTERS.index(option_letters(target)) for target in sample.targets}
        confidence, hit = probabilities[shares.best], float(shares.best in right)
        target = shares.best if hit else min(right)  # of alternative targets the one that was met, else the first
        brier = math.fsum((share - (place == target)) ** 2 for place, share in enumerate(probabilities))
        place = min(max(math.ceil(confidence * self.bins - 1e-9), 1), self.bins)
        counts = {"samples": 1.0, BRIER: brier, f"{place} sure": confidence, f"{place} right": hit}
        reason = f"{'right' if hit else 'wrong'}, and {100 * confidence:.0f} % sure of {LETTERS[shares.best]}"
        return {"": Mark(abs(confidence - hit), reason, counts), BRIER: Mark(brier, reason)}

    def aggregate(self, totals: "Mapping[str, Floats]") -> "Mapping[str, Floats]":
        import numpy as np

        samples = totals["samples"]
        nothing = np.zeros_like(samples)
        gaps = sum(
            (
                np.abs(totals.get(f"{place} right", nothing) - totals.get(f"{place} sure", nothing))
                for place in range(1, self.bins + 1)
            ),
            start=nothing,
        )
        return {"": _mean(gaps, samples), BRIER: _mean(totals[BRIER], samples)}


def _mean(totals: "Floats", samples: "Floats") -> "Floats":
    """totals / samples, and NaN where there is no sample."""
    import numpy as np

    return np.divide(totals, samples, out=np.full_like(totals, np.nan), where=samples > 0)
