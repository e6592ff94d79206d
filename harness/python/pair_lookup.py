"""Two variants on one figure: the comparison of the run where it made one, else the same statistics for this pair."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from harness.components.metric import Metric
from harness.components.registry import components
from harness.errors import HarnessError, nearest
from harness.records.figure_names import FigureName
from harness.records.figures import Comparison, MetricInfo, Result
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from harness.statistics.groups import Groups
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.comparisons import corrected
from harness.summary.decision_figures import swapped
from harness.summary.score_table import TaskScores
from harness.summary.task_figures import TaskItems, estimators_of


@dataclass(frozen=True, kw_only=True)
class NamedPair:
    """One variant against another on a figure, with what each reached."""

    comparison: Comparison  # seen from the variant
    result: Result  # of the variant
    rival: Result
    info: MetricInfo
    is_of_run: bool  # whether the run made this comparison, corrected in its family; else it stands by itself


def named_pair(finished: FinishedRun, variant: str, reference: str, figure: str) -> NamedPair:
    """The pair by names. Raises HarnessError for a name that the run lacks, or a figure without a better end."""
    summary = finished.summary
    info = summary.metrics.get(figure)
    if info is None:
        raise HarnessError(f"the run has no figure '{figure}' ({nearest(figure, summary.metrics)})")
    if info.better == "neither":
        raise HarnessError(f"of {figure} neither end is better, so that nothing can be asserted of it")
    results = {own.variant: own for own in summary.results if str(FigureName.of(own)) == figure}
    for name in (variant, reference):
        if name not in results:
            raise HarnessError(f"the run has no variant '{name}' with {figure} ({nearest(name, results)})")
    if variant == reference:
        raise HarnessError(f"'{variant}' is to be compared with itself; name two variants")
    own = _of_run(summary, variant, reference, figure)
    return NamedPair(
        comparison=own or _computed(finished, variant, reference, FigureName.parse(figure)),
        result=results[variant],
        rival=results[reference],
        info=info,
        is_of_run=own is not None,
    )


def _of_run(summary: Summary, variant: str, reference: str, figure: str) -> Comparison | None:
    """As the results show it, corrected by Holm's method; else as the table of all pairs does."""
    families: Iterable[Comparison] = (
        *summary.comparisons, *summary.leaders, *summary.floors, *summary.decisions.pairs
    )  # fmt: skip
    for comparison in families:
        ends = (comparison.variant, comparison.reference)
        if str(FigureName.of(comparison)) == figure and {variant, reference} == {*ends}:
            return comparison if ends == (variant, reference) else swapped(comparison)
    return None


def _computed(finished: FinishedRun, variant: str, reference: str, name: FigureName) -> Comparison:
    summary = finished.summary
    whole = str(name.whole)
    plan = ComparisonPlan(
        name=summary.name,
        seed=int(finished.run.get("seed") or 0),
        reference=None,
        headline=(),
        pools={own.variant: tuple(member for member, _ in own.members) for own in summary.seeds},
        corpora={whole: _metric(finished, name)} if summary.metrics[str(name)].corpus else {},
    )
    samples = [sample for sample in finished.samples if sample.task == name.task]
    items = TaskItems(
        task=name.task,
        ids=[sample.id for sample in samples],
        groups=Groups.of([sample.group for sample in samples]),
        unseen=np.ones(len(samples), dtype=bool),
    )
    scores = TaskScores(items.ids, is_counted=lambda metric: True)
    for score in finished.scores:
        if score.task == name.task and FigureName.of(score).metric == name.metric:
            scores.add(score)
    for estimator in estimators_of(items, scores, plan, summary.metrics):
        if compared := estimator.compare({variant: reference}, [name.full_metric]):
            return corrected(compared, (), summary.metrics)[0]
    return Comparison(task=name.task, metric=name.full_metric, variant=variant, reference=reference, samples=0)


def _metric(finished: FinishedRun, name: FigureName) -> Metric:
    """The metric of a corpus figure, made again from what run.json says of it. Raises HarnessError for a user's own."""
    tasks: Mapping[str, Mapping[str, Mapping[str, Mapping[str, object]]]] = finished.run.get("tasks") or {}
    written = tasks.get(name.task, {}).get("metrics", {}).get(name.metric, {})
    kinds = {kind.__name__: kind for _, kind in components("metric")}
    kind = kinds.get(str(written.get("component")))
    if kind is None:
        raise HarnessError(
            f"{name} is a figure of all items together by a metric of your own, which only a run can compare: name it "
            "in compare.headline"
        )
    return cast(Metric, kind.model_validate(written.get("settings") or {}))
