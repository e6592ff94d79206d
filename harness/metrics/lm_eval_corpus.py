"""Metrics of lm-eval tasks that are made of all items at once, from what each item counts: perplexity, F1, BLEU."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from harness.components.metric import Mark, Scale
from harness.metrics.lm_eval import LmEval
from harness.metrics.support.lm_eval_aggregations import AGGREGATIONS
from harness.records.inputs import Sample
from harness.records.outputs import Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class LmEvalCorpus(LmEval):
    """A metric of an lm-eval task that is no mean of items: perplexities, f1, mcc, bleu, chrf, ter.

    Its figure is lm-eval's own, made of the sums of what each item counts, so that it can be resampled.
    An item's own value is the figure of that item alone.
    """

    aggregations: ClassVar[tuple[str, ...]] = tuple(AGGREGATIONS)
    corpus: ClassVar[bool] = True

    aggregation: str
    """How lm-eval makes one figure of all items, e.g. perplexity, f1, bleu."""

    def scale_of(self, part: str) -> Scale:
        return AGGREGATIONS[self.aggregation].scale

    def score(self, sample: Sample, prediction: Prediction) -> Mark:
        """The item's own figure with what it counts."""
        value = self.outcome(sample, prediction)
        return value if isinstance(value, Mark) else AGGREGATIONS[self.aggregation].mark(value)

    def aggregate(self, totals: "Mapping[str, NDArray[np.float64]]") -> "Mapping[str, NDArray[np.float64]]":
        return {"": AGGREGATIONS[self.aggregation].figure(totals)}
