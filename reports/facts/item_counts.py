"""How many items a run has, be they shown or not."""

from collections import Counter
from collections.abc import Mapping

from harness.records.finished_run import FinishedRun


def item_counts(finished: FinishedRun) -> Mapping[str, int]:
    """The items of each task, in the order of the tasks."""
    return finished.sizes or Counter(sample.task for sample in finished.samples)
