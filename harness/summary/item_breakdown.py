"""Headline figures by the values of a column: what an average over all items hides, e.g. which subjects are known."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.records.figure_names import FigureName
from harness.records.figures import Breakdown
from harness.records.inputs import Sample
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.estimator import Estimator
from harness.text.normalise import column_value


def breakdowns(estimators: Sequence[Estimator], samples: Sequence[Sample], plan: ComparisonPlan) -> Iterator[Breakdown]:
    """The headline figures of each task on the samples of each value, values sorted, those without any last.

    A column that does not divide a task's samples is passed over. Intervals are those of the figure on these samples
    alone; they are not corrected for their number.
    """
    for estimator in estimators:
        items = [sample for sample in samples if sample.task == estimator.task]
        headline = {
            metric for metric, _ in estimator.figures if str(FigureName.within(estimator.task, metric)) in plan.headline
        }
        for column in plan.breakdowns.get(estimator.task, ()) if headline else ():
            labels = np.array([column_value(sample.meta, column) for sample in items])
            values = sorted(set(labels.tolist()), key=lambda value: (not value, value))
            for value in values if len(values) > 1 else ():
                for result in estimator.at(labels == value, headline).results():
                    if result.metric in headline:
                        yield Breakdown(column, value, result)
