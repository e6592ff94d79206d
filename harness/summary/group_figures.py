"""Figures of groups of tasks, as the benchmark that groups them averages: by size, or each task once."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from harness.records.figure_names import FigureName
from harness.records.figures import Result
from harness.records.grouped_tasks import GroupFigure, TaskGroup
from harness.statistics.intervals import Interval, crossed, widest
from harness.statistics.resampling import Floats
from harness.summary.estimator import Estimate, Estimator

Cell = tuple[str, str, str]  # task, metric, variant


def group_figures(
    groups: Sequence[TaskGroup], estimators: Sequence[Estimator], figures: Sequence[Result]
) -> Iterator[GroupFigure]:
    """The figure of each group of each variant that has answered one of its tasks."""
    results = {(own.task, own.metric, own.variant): own for own in figures}
    sources = {cell: estimator for estimator in estimators for cell in _cells(estimator)}
    for group in groups:
        names = [FigureName.parse(figure) for figure in group.figures]
        keys = [(name.task, name.full_metric) for name in names]
        for variant in dict.fromkeys(own.variant for own in results.values() if (own.task, own.metric) in keys):
            yield _figure(group, variant, [(*key, variant) for key in keys], results, sources)


def _cells(estimator: Estimator) -> Iterator[Cell]:
    for metric, variant in estimator.figures:
        yield estimator.task, metric, variant


def _figure(
    group: TaskGroup,
    variant: str,
    cells: Sequence[Cell],
    results: Mapping[Cell, Result],
    sources: Mapping[Cell, Estimator],
) -> GroupFigure:
    """The mean of the tasks' figures; unknown where one of them is, since another mean would be of another group."""
    own = [results[cell] for cell in cells if cell in results]
    is_whole = len(own) == len(cells)
    interval = _interval(group, own, [sources[cell] for cell in cells]) if is_whole else None
    return GroupFigure(
        group=group,
        variant=variant,
        samples=sum(result.samples for result in own),
        known=sum(result.known for result in own),
        mean=None if interval is None else interval.mean,
        low=None if interval is None or math.isnan(interval.low) else interval.low,
        high=None if interval is None or math.isnan(interval.high) else interval.high,
    )


def _interval(group: TaskGroup, results: Sequence[Result], sources: Sequence[Estimator]) -> Interval | None:
    """The mean over tasks with its interval, as the tasks are independent of each other.

    The intervals of the tasks are joined by recovering their variances (Zou & Donner 2008): low = m − √Σ wᵢ² (mᵢ −
    lowᵢ)², high alike. So their protection near the ends of the scale is kept. Trainings with several seeds move all
    tasks together, so the spread of the whole figure over the seeds is looked at as well, and the wider interval taken.
    """
    means = np.array([np.nan if result.mean is None else result.mean for result in results])
    if np.isnan(means).any():
        return None
    sizes = np.array([result.samples if group.is_weighted else 1 for result in results], dtype=float)
    weights = sizes / sizes.sum()
    lows = np.array([np.nan if result.low is None else result.low for result in results])
    highs = np.array([np.nan if result.high is None else result.high for result in results])
    mean = float(weights @ means)
    joined = Interval(
        mean, mean - math.hypot(*(weights * (means - lows))), mean + math.hypot(*(weights * (highs - means)))
    )
    return _with_seeds(joined, weights, results, sources)


def _with_seeds(joined: Interval, weights: Floats, results: Sequence[Result], sources: Sequence[Estimator]) -> Interval:
    estimates = [
        estimate
        for result, source in zip(results, sources, strict=True)
        if (estimate := source.estimate((result.metric, result.variant))) is not None and estimate.seeds
    ]
    if len(estimates) < len(results) or len({_shape(estimate) for estimate in estimates}) > 1:
        return joined
    variances = [(weight * own.error) ** 2 for weight, own in zip(weights, estimates, strict=True)]
    freedom = _freedom(variances, [own.freedom for own in estimates])
    seeds = [
        np.sum([weight * own.seeds[side] for weight, own in zip(weights, estimates, strict=True)], axis=0)
        for side in range(len(estimates[0].seeds))
    ]
    wider, _ = crossed(joined.mean, math.sqrt(sum(variances)), freedom, seeds)
    return sources[0].scale((results[0].metric, results[0].variant)).cut(widest(joined, wider))


def _freedom(variances: Sequence[float], freedoms: Sequence[int]) -> int:
    """Degrees of freedom of a sum of independent estimates (Satterthwaite 1946), rounded down."""
    parts = [own**2 / freedom for own, freedom in zip(variances, freedoms, strict=True) if own and freedom > 0]
    return int(sum(variances) ** 2 / sum(parts)) if parts else sum(freedoms)


def _shape(estimate: Estimate) -> tuple[int, ...]:
    """How many seeds each side has."""
    return tuple(len(seeds) for seeds in estimate.seeds)
