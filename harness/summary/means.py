"""Means over samples: exact tests or flips of groups, and intervals that cover at small sizes too."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import numpy as np

from harness.records.figures import MetricInfo
from harness.statistics.groups import error_of_mean
from harness.statistics.intervals import BoundedMean, bounded_differences, bounded_means, mean_interval
from harness.statistics.paired import PairedDifference
from harness.statistics.resampling import Floats, differences_of
from harness.summary.estimator import Difference, Estimate, Estimator
from harness.summary.score_columns import Rows, ScoreColumns
from harness.summary.score_table import Column


class Means(Estimator):
    """The means of a task's metrics. Differences to the reference are resampled together with the means."""

    def __init__(
        self,
        task: str,
        columns: ScoreColumns,
        metrics: Mapping[str, MetricInfo],
        seed: int,
        reference: str | None = None,
    ) -> None:
        super().__init__(task, columns, metrics, seed)
        self.reference = reference

    @property
    def figures(self) -> Sequence[Column]:
        return list(self.columns.values)

    def at(self, rows: Rows, metrics: Collection[str]) -> "Means":
        return Means(self.task, self.columns.at(rows, metrics), self.metrics, self.seed)

    def rival_of(self, variant: str) -> str | None:
        """The variant whose difference to this one is resampled together with the others; None: there is none."""
        return self.reference if variant != self.reference else None

    def estimate(self, figure: Column) -> Estimate | None:
        values = self.values(figure)
        rows = ~np.isnan(values)
        if not rows.any():
            return None
        own, groups = values[rows], self.columns.groups.at(rows)
        interval = mean_interval(own, groups, self._bounded_values[figure])
        return Estimate(
            mean=interval.mean,
            low=interval.low,
            high=interval.high,
            error=error_of_mean(own, groups),
            freedom=groups.count - 1,
            seeds=self.columns.seed_means(figure, rows),
        )

    def difference(self, figure: Column, reference: str) -> Difference | None:
        metric, variant = figure
        sides = ((metric, variant), (metric, reference))
        pairs = differences_of(self.values(figure), self.values(sides[1]))
        shared = ~np.isnan(pairs)
        if not shared.any():
            return None
        bounded = self._bounded_gaps.get(figure) if reference == self.rival_of(variant) else None
        if bounded is None:
            bounded = self._bounded_differences([figure], pairs[:, None])[0]
        groups = self.columns.groups.at(shared)
        ours, theirs = (self.values(side)[shared] for side in sides)
        paired = PairedDifference(ours, theirs, groups, bounded, self.seed)
        return Difference(
            mean=bounded.mean,
            error=bounded.error,
            freedom=bounded.freedom,
            p=paired.p,
            test=paired.test,
            gains=self.gains(figure, reference, shared),
            groups=groups,
            seeds=[points for side in sides for points in self.columns.seed_means(side, shared)],
            interval=paired.interval,
            power=lambda level: (paired.detectable(level), paired.needed(level)),
        )

    def seed_points(self, figure: Column) -> Mapping[str, float | None]:
        members = self.columns.seeds.get(figure, {})
        return {name: None if np.isnan(values).all() else float(np.nanmean(values)) for name, values in members.items()}

    @cached_property
    def _bounded_values(self) -> dict[Column, BoundedMean]:
        """The means of all columns."""
        values = self.columns.values
        scales, whole = [self.scale(column) for column in values], [1.0] * len(values)
        means = bounded_means(np.column_stack(list(values.values())), self.columns.groups, scales, whole, self.seed)
        return dict(zip(values, means, strict=True))

    @cached_property
    def _bounded_gaps(self) -> dict[Column, BoundedMean]:
        """The means of their differences to their rivals."""
        values = self.columns.values
        rivals = {column: (column[0], self.rival_of(column[1]) or "") for column in values}
        pairs = [column for column in values if rivals[column] in values]
        differences = [differences_of(values[column], values[rivals[column]]) for column in pairs]
        bounded = self._bounded_differences(pairs, np.column_stack(differences)) if pairs else []
        return dict(zip(pairs, bounded, strict=True))

    def _bounded_differences(self, figures: Sequence[Column], columns: Floats) -> list[BoundedMean]:
        scales = [self.scale(figure).of_differences for figure in figures]
        return bounded_differences(columns, self.columns.groups, scales, self.seed)
