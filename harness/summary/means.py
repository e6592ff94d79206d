"""Means over samples: exact McNemar or sign flips, Wilson or bootstrap, all columns resampled by the same samples."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import numpy as np

from harness.records.figures import MetricInfo
from harness.statistics.intervals import difference_interval, mean_interval
from harness.statistics.power import detectable, needed
from harness.statistics.resampling import Floats, bootstrap_means, differences_of, is_binary
from harness.statistics.tests import mcnemar, sign_flip
from harness.summary.estimator import Difference, Estimate, Estimator
from harness.summary.score_columns import Column, Rows, ScoreColumns


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

    def estimate(self, figure: Column) -> Estimate | None:
        values = self.values(figure)
        rows = ~np.isnan(values)
        if not rows.any():
            return None
        info, own = self.info(figure), values[rows]
        interval = mean_interval(own, self._resampled[figure], info.low, info.high)
        seeds = self.columns.seed_means(figure, rows)
        return Estimate(
            mean=interval.mean, low=interval.low, high=interval.high, variance=_variance_of_mean(own), seeds=seeds
        )

    def difference(self, figure: Column, reference: str) -> Difference | None:
        metric, variant = figure
        pairs = differences_of(self.values(figure), self.values((metric, reference)))
        shared = ~np.isnan(pairs)
        if not shared.any():
            return None
        ours, theirs = self.values(figure)[shared], self.values((metric, reference))[shared]
        differences, gains, info = pairs[shared], self.gains(figure, reference, shared), self.info(figure)
        means = self._resampled_differences.get(figure) if reference == self.reference else None
        if means is None:
            means = bootstrap_means(pairs[:, None], self.seed)[:, 0]
        exact = is_binary(ours) and is_binary(theirs)
        wins, losses = int((gains > 0).sum()), int((gains < 0).sum())
        sides = ((metric, variant), (metric, reference))
        return Difference(
            interval=difference_interval(differences, means, info.high - info.low),
            variance=_variance_of_mean(differences),
            p=mcnemar(wins, losses) if exact else sign_flip(differences, self.seed),
            test="exact McNemar" if exact else "paired permutation",
            gains=gains,
            seeds=[points for side in sides for points in self.columns.seed_means(side, shared)],
            power=lambda level: (detectable(differences, level), needed(differences, level)),
        )

    def seed_points(self, figure: Column) -> Mapping[str, float | None]:
        members = self.columns.seeds.get(figure, {})
        return {name: None if np.isnan(values).all() else float(np.nanmean(values)) for name, values in members.items()}

    @cached_property
    def _batch(self) -> tuple[dict[Column, Floats], dict[Column, Floats]]:
        """Resampled means of all columns, and of their differences to the reference."""
        values, reference = self.columns.values, self.reference or ""
        pairs = [column for column in values if reference not in ("", column[1]) and (column[0], reference) in values]
        differences = [differences_of(values[column], values[column[0], reference]) for column in pairs]
        means = bootstrap_means(np.column_stack([*values.values(), *differences]), self.seed).T
        return dict(zip(values, means, strict=False)), dict(zip(pairs, means[len(values) :], strict=True))

    @property
    def _resampled(self) -> Mapping[Column, Floats]:
        return self._batch[0]

    @property
    def _resampled_differences(self) -> Mapping[Column, Floats]:
        return self._batch[1]


def _variance_of_mean(values: Floats) -> float:
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.0
