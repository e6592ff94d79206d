"""Figures of a whole corpus, such as F1 and BLEU: made of sums over samples, so a bootstrap resamples the samples."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache

import numpy as np

from harness.components.metric import Metric
from harness.records.figure_names import FigureName
from harness.records.figures import ENDLESS, Confusion, MetricInfo
from harness.statistics.exchanges import (
    ROUNDING,
    Exchanges,
    ResampledDifference,
    bootstrap_interval,
    is_steady,
    standard_error,
)
from harness.statistics.groups import Groups
from harness.statistics.intervals import wilson
from harness.statistics.resampling import ALPHA, NOTHING, Floats, coin_tosses, resamples
from harness.summary.estimator import Difference, Estimate, Estimator
from harness.summary.score_columns import Rows, ScoreColumns
from harness.summary.score_table import Column

REMEMBERED = 1024  # resampled figures of a metric, RESAMPLES numbers each
Parts = Mapping[str, Floats]  # part → one figure a resample, or a seed [m]


class CorpusFigures(Estimator):
    """The figures of one corpus metric: of each variant its own value and its parts.

    The interval of a difference is a paired bootstrap over groups of samples, p an approximate randomisation: under no
    difference the two variants' answers to a group of samples may change places (Riezler & Maxwell 2005). What these
    exchanges make of the difference also tells which differences the test leaves open, and the interval agrees with it.
    """

    def __init__(
        self, task: str, name: str, metric: Metric, columns: ScoreColumns, metrics: Mapping[str, MetricInfo], seed: int
    ) -> None:
        super().__init__(task, columns, metrics, seed)
        self.name = name
        self.metric = metric
        self._points = cache(self._points_on)  # by variant and samples
        self._resampled = lru_cache(maxsize=REMEMBERED)(self._resampled_on)
        self._exchanged = lru_cache(maxsize=REMEMBERED)(self._exchanged_on)

    @property
    def figures(self) -> Sequence[Column]:
        parts = ("", *(self.metric.parts() or ()))
        return [(self._full(part), variant) for variant in self._variants for part in parts]

    @property
    def _variants(self) -> list[str]:
        return [variant for metric, variant in self.columns.values if metric == self.name]

    def at(self, rows: Rows, metrics: Collection[str]) -> "CorpusFigures":
        columns = self.columns.at(rows, {metric for metric, _ in self.columns.values})
        return CorpusFigures(self.task, self.name, self.metric, columns, self.metrics, self.seed)

    def values(self, figure: Column) -> Floats:
        """Those of the part, where each sample has one; else of the metric."""
        return self.columns.values.get(figure, self.columns.values[self.name, figure[1]])

    def estimate(self, figure: Column) -> Estimate | None:
        rows = ~np.isnan(self.values(figure))
        points = self._points(figure[1], rows.tobytes())[self.part_of(figure)]
        mean = float(points.mean())
        if not rows.any() or np.isnan(mean):
            return None
        figures = self._resampled(figure[1], rows.tobytes())[self.part_of(figure)]
        groups = self.columns.groups.at(rows)
        low, high = self._interval(figure, mean, figures, groups)
        return Estimate(
            mean=mean,
            low=low,
            high=high,
            error=standard_error(figures, groups),
            freedom=groups.count - 1,
            seeds=[points] if len(points) > 1 else [],
        )

    def difference(self, figure: Column, reference: str) -> Difference | None:
        resampled = self.resampled_difference(figure, reference)
        if resampled is None:
            return None
        shared = self.shared_by(figure[0], (figure[1], reference))
        groups, n = resampled.groups, int(shared.sum())
        exchanged = self._exchanged((figure[1], reference), shared.tobytes())[self.part_of(figure)]
        return Difference(
            mean=resampled.mean,
            error=resampled.error,
            freedom=groups.count - 1,
            p=exchanged.p,
            test="approximate randomisation" if groups.are_items else "approximate randomisation of groups",
            gains=self.gains(figure, reference, shared),
            groups=groups,
            seeds=self.weighted_seeds(figure[0], {figure[1]: 1.0, reference: 1.0}),
            interval=lambda level: resampled.interval(level, exchanged.reach(level)),
            power=lambda level: resampled.power(n, level),
        )

    def resampled_difference(self, figure: Column, reference: str) -> ResampledDifference | None:
        """The difference to another variant with its bootstrap; None where it is not defined, or no sample shared."""
        return self.contrast(figure[0], {figure[1]: 1.0, reference: -1.0})

    def contrast(self, metric: str, weights: Mapping[str, float]) -> ResampledDifference | None:
        """A sum of weighted variants, on the samples that all of them have; None as above."""
        part, shared = self.part_of((metric, "")), self.shared_by(metric, weights)
        rows = shared.tobytes()
        terms = [weight * self._points(variant, rows)[part].mean() for variant, weight in weights.items()]
        total = math.fsum(terms)
        if not shared.any() or np.isnan(total):
            return None
        total = 0.0 if abs(total) <= NOTHING * max(map(abs, terms)) else total
        span = self._span(metric, weights, shared, total)
        resampled = [weight * self._resampled(variant, rows)[part] for variant, weight in weights.items()]
        figures: Floats = np.sum(resampled, axis=0)
        return ResampledDifference(float(total), figures, self.columns.groups.at(shared), span)

    def shared_by(self, metric: str, variants: Iterable[str]) -> Rows:
        """The samples that all of some variants have [n]."""
        shared: Rows = np.all([~np.isnan(self.values((metric, variant))) for variant in variants], axis=0)
        return shared

    def weighted_seeds(self, metric: str, weights: Mapping[str, float]) -> list[Floats]:
        """The weighted figures of each seed, on the samples that all variants have [k], of each with several."""
        part, rows = self.part_of((metric, "")), self.shared_by(metric, weights).tobytes()
        points = [weight * self._points(variant, rows)[part] for variant, weight in weights.items()]
        return [own for own in points if len(own) > 1]

    def seed_points(self, figure: Column) -> Mapping[str, float | None]:
        rows = ~np.isnan(self.values(figure))
        points = self._points(figure[1], rows.tobytes())[self.part_of(figure)]
        named = {f"{figure[1]} {i}": None if np.isnan(point) else float(point) for i, point in enumerate(points, 1)}
        return named if len(points) > 1 else {}

    def confusions(self) -> list[Confusion]:
        confusions = []
        for variant in self._variants if self.columns.kinds else ():
            members = self.columns.counts[self.name, variant]
            totals = np.nansum(np.concatenate(members), axis=0)
            matrix = self.metric.confusion(dict(zip(self.columns.kinds, totals.tolist(), strict=True)))
            if matrix is not None:
                confusions.append(
                    Confusion(
                        task=self.task, metric=self.name, variant=variant, labels=matrix.labels, counts=matrix.counts
                    )
                )
        return confusions

    def _interval(
        self, figure: Column, mean: float, figures: Floats, groups: Groups
    ) -> tuple[float | None, float | None]:
        """A bootstrap of equal figures would claim certainty: there Wilson's interval takes its place."""
        scale = self.scale(figure)
        if not is_steady(figures):
            interval = scale.cut(bootstrap_interval(mean, figures, groups, ALPHA))
            return interval.low, interval.high
        if scale.high >= ENDLESS:
            return None, None
        span = scale.high - scale.low
        low, high = (scale.low + end * span for end in wilson((mean - scale.low) / span, groups.count))
        return low, high

    def _span(self, metric: str, weights: Mapping[str, float], shared: Rows, difference: float) -> float:
        """The most a sample may differ by; on a scale without end, as far as any sample here is from its good end."""
        scale, share = self.scale((metric, "")), sum(map(abs, weights.values())) / 2
        if scale.high < ENDLESS:
            return (scale.high - scale.low) * share
        largest = max(float(np.max(self.values((self.name, variant))[shared])) for variant in weights)
        return max(1.0, abs(difference), largest - scale.low) * share

    def _members(self, variant: str, rows: bytes) -> list[Floats]:
        """The counts of each seed, summed over each group of some samples [G, kinds]."""
        chosen = np.frombuffer(rows, dtype=bool)
        groups = self.columns.groups.at(chosen)
        return [groups.sums(member[chosen]) for member in self.columns.counts[self.name, variant]]

    def _points_on(self, variant: str, rows: bytes) -> Parts:
        """The figures on some samples: of each part one for each seed."""
        return self.figures_of(np.stack([member.sum(axis=0) for member in self._members(variant, rows)]))

    def _resampled_on(self, variant: str, rows: bytes) -> Parts:
        """The figures over resamples of groups of samples, the same for all variants; several seeds as their mean."""
        members = self._members(variant, rows)
        chunks = []
        for weights in resamples(len(members[0]), self.seed):
            of_seeds = [self.figures_of(weights @ member) for member in members]
            chunks.append({part: np.mean([own[part] for own in of_seeds], axis=0) for part in of_seeds[0]})
        return _joined(chunks)

    def group_counts(self, variant: str, rows: Rows) -> Floats:
        """The counts of some samples, summed over each group of all [G, kinds]; of several seeds their mean."""
        members = [np.where(rows[:, None], member, 0.0) for member in self.columns.counts[self.name, variant]]
        return self.columns.groups.sums(np.mean(members, axis=0))

    def _exchanged_on(self, pair: tuple[str, str], rows: bytes) -> dict[str, Exchanges]:
        """Of each part the differences that come about when answers change places at random."""
        ours, theirs = (np.mean(self._members(variant, rows), axis=0) for variant in pair)
        figures = [self.figures_of(counts.sum(axis=0)[None]) for counts in (ours, theirs)]
        observed = _gaps(*figures)
        tossed = []
        for swaps in coin_tosses(len(ours), self.seed):
            moved = swaps @ (theirs - ours)
            swapped = (ours.sum(axis=0) + moved, theirs.sum(axis=0) - moved)
            tossed.append(_gaps(*map(self.figures_of, swapped)))
        return {
            part: Exchanges(
                float(observed[part][0]), gaps, ROUNDING * max(1.0, *(abs(own[part][0]) for own in figures))
            )
            for part, gaps in _joined(tossed).items()
        }

    def figures_of(self, totals: Floats) -> Parts:
        """totals [m, kinds] → each part's figure [m]; none is defined where no sample has a value."""
        kinds = self.columns.kinds
        if not kinds:
            return {part: np.full(len(totals), np.nan) for part in ("", *(self.metric.parts() or ()))}
        return self.metric.aggregate({kind: totals[:, i] for i, kind in enumerate(kinds)})

    def _full(self, part: str) -> str:
        return FigureName(self.task, self.name, part).full_metric

    def part_of(self, figure: Column) -> str:
        """The part of the metric that a figure is."""
        return FigureName.within(self.task, figure[0]).part


def _gaps(ours: Parts, theirs: Parts) -> dict[str, Floats]:
    return {part: np.abs(ours[part] - theirs[part]) for part in ours}


def _joined(chunks: Sequence[Parts]) -> dict[str, Floats]:
    return {part: np.concatenate([chunk[part] for chunk in chunks]) for part in chunks[0]}
