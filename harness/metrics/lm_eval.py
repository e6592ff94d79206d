"""A metric of an lm-eval task as lm-eval computes it: its filters, its `process_results`, one value an item."""

from typing import Annotated, Any, ClassVar, Literal

from harness.components.fields import LocalPath
from harness.components.metric import Mark, Metric, Scale
from harness.metrics.support.lm_eval_results import item_value, responses
from harness.readers.parsing.lm_eval_tasks import load_task
from harness.records.figures import ENDLESS
from harness.records.inputs import Sample
from harness.records.outputs import Prediction

_SHARES = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "em", "f1", "likelihood")


class LmEval(Metric):
    """A metric of an lm-eval task that is a mean of items (acc, acc_norm, exact_match, …), in lm-eval's own units."""

    imports: ClassVar[tuple[str, ...]] = ("lm_eval",)
    answers: ClassVar[tuple[str, ...]] = ("lmeval",)
    aggregations: ClassVar[tuple[str, ...]] = ("mean", "nanmean", "brier_score")

    task: str
    """The task, by lm-eval's name."""
    metric: str
    """The metric, as the task names it."""
    filter: str = "none"
    """The filter of the task through which replies go before they are scored; none: the task's plain one."""
    within: str | None = None
    """The group, tag or pattern that sets options of the task; null: the task by itself."""
    include_path: Annotated[str | None, LocalPath()] = None
    """A folder with .yaml files of tasks of your own; null: lm-eval's tasks only."""
    aggregation: str = "mean"
    """How lm-eval makes one figure of all items."""
    better: Literal["higher", "lower"] = "higher"
    """Whether higher or lower values are better."""

    def scale_of(self, part: str) -> Scale:
        """From 0 to 1 where lm-eval's metric is a share, to 2 for the Brier score; else it has no ends."""
        if self.aggregation == "brier_score":
            return Scale(0.0, 2.0, self.better)
        return Scale(0.0, 1.0, self.better) if self.metric in _SHARES else Scale(-ENDLESS, ENDLESS, self.better)

    def score(self, sample: Sample, prediction: Prediction) -> Mark:
        """lm-eval's value for the item; unknown where it gives none, or rests on what the model did not tell."""
        value = self.outcome(sample, prediction)
        if isinstance(value, Mark):
            return value
        if self.aggregation == "brier_score":
            right, shares = value
            value = sum((share - (place == right)) ** 2 for place, share in enumerate(shares))
        try:
            return Mark(float(value))
        except (TypeError, ValueError):
            return Mark(None, f"lm-eval gives no number for this item: {str(value)[:80]}")

    def outcome(self, sample: Sample, prediction: Prediction) -> Any:
        """What lm-eval's process_results gives for the item, or the Mark of an unknown value."""
        replies = responses(sample, prediction)
        if isinstance(replies, str):
            return Mark(None, replies)
        task = load_task(self.task, self.within or self.task, self.include_path)
        return item_value(task, sample, replies, self.filter, self.metric)
