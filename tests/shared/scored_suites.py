"""Summaries of suites whose scores are written out: one metric "m" a task, a mean or a figure of the corpus."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from harness.components.metric import Metric
from harness.records.figures import MetricInfo
from harness.records.inputs import Sample
from harness.records.outputs import Score
from harness.records.summary import Summary
from harness.summary.comparison_plan import ComparisonPlan
from tests.shared.summaries import summary_of

Values = Mapping[str, Sequence[float | None]]  # by variant
SHARE = MetricInfo(component="Score", settings={}, low=0.0, high=1.0, better="higher")


class Rate(Metric):
    """Right per given."""

    corpus: ClassVar[bool] = True

    def aggregate(self, totals: Mapping[str, Any]) -> Mapping[str, Any]:
        given = totals["given"]
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"": np.where(given > 0, totals.get("right", 0 * given) / given, np.nan)}


def summary(
    tasks: Mapping[str, Values],
    info: Mapping[str, MetricInfo] | None = None,
    group: int = 1,
    cycle: int = 3,
    headline: Sequence[str] | None = None,
    **design: Any,
) -> Summary:
    """Of tasks with one metric "m" each, by task and variant; a corpus counts its items 1 to `cycle` times."""
    metrics = {f"{task}.m": SHARE for task in tasks} | dict(info or {})
    corpora = {name: Rate() for name, own in metrics.items() if own.corpus}
    count = {task: len(next(iter(values.values()))) for task, values in tasks.items()}
    samples = [
        Sample(id=str(i), task=task, input=f"q{i}", targets=("a",), group=str(i // group) if group > 1 else None)
        for task in tasks
        for i in range(count[task])
    ]
    scores = [
        Score(
            sample_id=str(i), task=task, variant=variant, metric="m", value=value, error=None if value is not None else "gone",
            counts={"right": value * (1 + i % cycle), "given": 1.0 + i % cycle} if f"{task}.m" in corpora and value is not None else None,
        )
        for task, values in tasks.items() for variant, column in values.items() for i, value in enumerate(column)
    ]  # fmt: skip
    plan = ComparisonPlan(
        name="s", seed=1, headline=list(metrics) if headline is None else headline, corpora=corpora, **{"reference": None, **design}
    )  # fmt: skip
    return summary_of(plan, metrics, samples, [], scores)
