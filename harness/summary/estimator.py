"""What all figures of a task have in common, be they means over samples or figures of the whole corpus.

A figure has an interval, widened where its model was trained several times, and paired differences with a test. A mean
is the corpus figure of the counts (value, 1); it has exact tests and intervals, and so an estimator of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.records.figure_names import FigureName
from harness.records.figures import Comparison, Confusion, MetricInfo, Result, Seeds
from harness.statistics.groups import Groups
from harness.statistics.intervals import Interval, ValueRange, crossed, widest
from harness.statistics.power import Needed
from harness.statistics.resampling import Floats, differences_of
from harness.summary.score_columns import Rows, ScoreColumns
from harness.summary.score_table import Column

IntervalAt = Callable[[float], Interval]  # level → the interval at 1 − level, which agrees with the test at that level
Power = Callable[[float], tuple[float | None, Needed | None]]  # level → smallest detectable difference, items needed


@dataclass(frozen=True)
class Compared:
    """A comparison whose p is not yet corrected, and what follows once the level of its test is known."""

    comparison: Comparison
    interval: IntervalAt | None = None  # none where no sample is shared
    power: Power | None = None  # none with seeds: two or three trainings cannot tell how many more it takes


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure on the samples where it is known."""

    mean: float
    low: float | None  # None: nothing tells how wide the interval is
    high: float | None
    error: float  # standard error over items, clustered by group
    freedom: int  # its degrees: groups − 1
    seeds: Sequence[Floats]  # the figure of each seed [k], where there are several


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two variants on the samples that both have."""

    mean: float
    error: float  # standard error over items, clustered by group
    freedom: int  # its degrees: groups − 1
    p: float
    test: str
    gains: Floats  # [n] by how much the variant is better on each sample
    groups: Groups  # of these samples
    seeds: Sequence[Floats]  # the figure of each seed [k], of each side that has several
    interval: IntervalAt
    power: Power


class Estimator(ABC):
    """The figures of one or several metrics of a task."""

    def __init__(self, task: str, columns: ScoreColumns, metrics: Mapping[str, MetricInfo], seed: int) -> None:
        self.task = task
        self.columns = columns
        self.metrics = metrics
        self.seed = seed

    @property
    @abstractmethod
    def figures(self) -> Sequence[Column]:
        """The metric, with its part, and the variant of each figure, in the order of the summary."""

    @abstractmethod
    def at(self, rows: Rows, metrics: Collection[str]) -> "Estimator":
        """The figures of some metrics on some samples."""

    @abstractmethod
    def estimate(self, figure: Column) -> Estimate | None:
        """A figure; None where it is not defined, or no sample has a value."""

    @abstractmethod
    def difference(self, figure: Column, reference: str) -> Difference | None:
        """A figure against that of another variant; None where it is not defined, or no sample is shared."""

    @abstractmethod
    def seed_points(self, figure: Column) -> Mapping[str, float | None]:
        """The figure of each seed by its name; nothing for what was trained once."""

    def values(self, figure: Column) -> Floats:
        """The value of each sample that a figure rests on [n], NaN for unknown."""
        return self.columns.values[figure]

    def confusions(self) -> list[Confusion]:
        """How often each label was taken for which, by variant; none for most metrics."""
        return []

    def results(self) -> list[Result]:
        """All figures with their coverage."""
        return [self._result(figure) for figure in self.figures]

    def spread(self) -> list[Seeds]:
        """How far the seeds of each figure lie apart."""
        points = {figure: self.seed_points(figure) for figure in self.figures}
        return [
            Seeds(task=self.task, metric=metric, variant=variant, members=tuple(own.items()), deviation=_deviation(own))
            for (metric, variant), own in points.items()
            if own
        ]

    def compare(self, references: Mapping[str, str], metrics: Collection[str] | None = None) -> list[Compared]:
        """Each variant against its reference, where that was scored too, in all metrics or in those given."""
        present = set(self.figures)
        return [
            self._compared((metric, variant), references[variant])
            for metric, variant in self.figures
            if variant in references and (metric, references[variant]) in present
            if metrics is None or metric in metrics
        ]

    def info(self, figure: Column) -> MetricInfo:
        """How to read a figure."""
        return self.metrics[str(FigureName.within(self.task, figure[0]))]

    def gains(self, figure: Column, reference: str, shared: Rows) -> Floats:
        """By how much the variant is better than the reference on each shared sample [n]."""
        sign = -1 if self.info(figure).better == "lower" else 1
        return sign * differences_of(self.values(figure), self.values((figure[0], reference)))[shared]

    def _result(self, figure: Column) -> Result:
        values, estimate = self.values(figure), self.estimate(figure)
        metric, variant = figure
        known = int((~np.isnan(values)).sum())
        if estimate is None:
            return Result(
                task=self.task,
                variant=variant,
                metric=metric,
                samples=len(values),
                known=known,
                mean=None,
                low=None,
                high=None,
            )
        low, high = estimate.low, estimate.high
        if estimate.seeds and low is not None and high is not None:
            wider, _ = crossed(estimate.mean, estimate.error, estimate.freedom, estimate.seeds)
            both = self.scale(figure).cut(widest(Interval(estimate.mean, low, high), wider))
            low, high = both.low, both.high
        return Result(
            task=self.task,
            variant=variant,
            metric=metric,
            samples=len(values),
            known=known,
            mean=estimate.mean,
            low=low,
            high=high,
        )

    def _compared(self, figure: Column, reference: str) -> Compared:
        difference = self.difference(figure, reference)
        metric, variant = figure
        if difference is None:
            return Compared(Comparison(task=self.task, metric=metric, variant=variant, reference=reference, samples=0))
        p, test, n = difference.p, difference.test, len(difference.gains)
        if difference.seeds:
            _, p_seeds = crossed(difference.mean, difference.error, difference.freedom, difference.seeds)
            p, test = max(p, p_seeds), f"{test}, and items crossed with seeds"
        wins, losses = int((difference.gains > 0).sum()), int((difference.gains < 0).sum())
        comparison = Comparison(
            task=self.task,
            metric=metric,
            variant=variant,
            reference=reference,
            samples=n,
            groups=None if difference.groups.are_items else difference.groups.count,
            difference=difference.mean,
            p=p,
            test=test,
            wins=wins,
            losses=losses,
            ties=n - wins - losses,
        )
        scale = self.scale(figure).of_differences

        def interval(level: float) -> Interval:
            own = difference.interval(level)
            if difference.seeds:
                wider, _ = crossed(difference.mean, difference.error, difference.freedom, difference.seeds, level)
                own = widest(own, wider)
            return scale.cut(own)

        return Compared(comparison, interval, None if difference.seeds else difference.power)

    def scale(self, figure: Column) -> ValueRange:
        """The lowest and the highest value that an item, or a figure of all items, can have."""
        info = self.info(figure)
        return ValueRange(info.low, info.high)


def _deviation(points: Mapping[str, float | None]) -> float | None:
    values = [point for point in points.values() if point is not None]
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
