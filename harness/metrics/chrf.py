"""chrF of a whole corpus by sacrebleu: n-grams of characters, so it needs no words and bears inflected languages."""

from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, computed_field

from harness.components.metric import Mark, Metric, Scale
from harness.metrics.support.token_overlap import reference_count, sample_without_reference
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.components.task import Task

_COUNTS = ("given", "wanted", "common")


class Chrf(Metric):
    """Corpus chrF, 0 to 100; higher is better. A sample's value is its own chrF, no share of the figure.

    F-score of character n-grams up to `char_order`, with recall weighing `beta` times as much as precision, equal to
    sacrebleu's corpus_score. `word_order: 2` makes it chrF++; words are what stands between spaces, so this is for
    languages with spaces. Of several references the one with the best F counts. Spaces are overlooked, case and width
    are not. An empty answer scores 0. Source: Popović 2015, 2017; Post 2018.
    """

    scale: ClassVar[Scale] = Scale(0.0, 100.0)
    answers: ClassVar[tuple[str, ...]] = ("text",)
    corpus: ClassVar[bool] = True

    char_order: int = Field(6, ge=1)
    """Longest character n-grams."""
    word_order: int = Field(0, ge=0)
    """Longest word n-grams; 0: chrF, 2: chrF++, for languages with spaces."""
    beta: int = Field(2, ge=1)
    """How many times as much recall weighs as precision."""
    lowercase: bool = False
    """Whether case is overlooked."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def signature(self) -> str:
        """The settings as sacrebleu writes them, but for the number of references."""
        case = "lc" if self.lowercase else "mixed"
        orders = f"nc:{self.char_order}|nw:{self.word_order}"
        return f"case:{case}|eff:yes|{orders}|space:no|version:{metadata.version('sacrebleu')}"

    def check_task(self, task: "Task") -> str | None:
        return sample_without_reference(task.data.test, str.split)

    def resolved(self, task: "Task") -> dict[str, JSON]:
        """sacrebleu's whole signature on a task."""
        return {"signature": f"nrefs:{reference_count(task.data.test) or 'var'}|{self.signature}"}

    def score(self, sample: Sample, prediction: Prediction) -> Mark:
        """The sample's chrF with its counts; no answer counts as an empty one."""
        from sacrebleu.metrics.chrf import CHRF

        answer, why = prediction.reading.answer, prediction.reading.reason
        if answer is not None and not answer.strip():
            why = "the answer is empty"
        scorer = CHRF(self.char_order, self.word_order, self.beta, self.lowercase)
        # sacrebleu's own counts, for which it has no public name; the tests hold them to corpus_score
        counts = scorer._extract_corpus_statistics([answer or ""], [[target] for target in sample.targets])[0]
        names = [f"{count} {order}" for order in range(1, self._orders + 1) for count in _COUNTS]
        own = scorer.sentence_score(answer or "", list(sample.targets))
        return Mark(own.score, why, dict(zip(names, map(float, counts), strict=True)))

    def aggregate(self, totals: "Mapping[str, NDArray[np.float64]]") -> "Mapping[str, NDArray[np.float64]]":
        """chrF [m]; NaN where no character of a reference is counted."""
        import numpy as np

        answer_size, reference_size, common = (
            np.stack([np.round(totals[f"{count} {order}"], 9) for order in range(1, self._orders + 1)])
            for count in _COUNTS
        )
        used = (answer_size > 0) & (reference_size > 0)  # an order that one side is too short for is left out
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(used, common / answer_size, 0.0).sum(axis=0) / used.sum(axis=0)
            recall = np.where(used, common / reference_size, 0.0).sum(axis=0) / used.sum(axis=0)
            weight = self.beta**2
            f_score = 100 * (1 + weight) * precision * recall / (weight * precision + recall)
        f_score = np.where(common.sum(axis=0) == 0, 0.0, f_score)
        return {"": np.where(reference_size.sum(axis=0) == 0, np.nan, f_score)}

    @property
    def _orders(self) -> int:
        return self.char_order + self.word_order
