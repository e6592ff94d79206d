"""Figures of a whole corpus, such as F1 and BLEU: made of sums over samples, so a bootstrap resamples the samples."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache

import numpy as np

from harness.components.metric import Metric
from harness.records.figure_names import FigureName
from harness.records.figures import Confusion, MetricInfo
from harness.statistics.intervals import Interval, difference_interval, wilson
from harness.statistics.power import detectable_at, needed_at
from harness.statistics.resampling import Floats, coin_tosses, differences_of, percentiles, resamples
from harness.summary.estimator import Difference, Estimate, Estimator
from harness.summary.score_columns import Column, Rows, ScoreColumns

ENDLESS = 1e9  # the high end of a scale that has none, e.g. of perplexity: JSON has no infinity
ROUNDING = 1e-10  # relative to a figure: what sums in another order may differ by
Parts = Mapping[str, Floats]  # part → one figure a resample, or a seed [m]


class CorpusFigures(Estimator):
    """The figures of one corpus metric: of each variant its own value and its parts.

    The interval of a difference is a paired bootstrap over samples, p an approximate randomisation: under no difference
    the two variants' answers to a sample may change places (Riezler & Maxwell 2005).
    """

    def __init__(
        self, task: str, name: str, metric: Metric, columns: ScoreColumns, metrics: Mapping[str, MetricInfo], seed: int
    ) -> None:
        super().__init__(task, columns, metrics, seed)
        self.name = name
        self.metric = metric
        self._points = cache(self._points_on)  # by variant and samples
        self._resampled = cache(self._resampled_on)
        self._randomised = cache(self._randomised_on)

    @property
    def figures(self) -> Sequence[Column]:
        parts = ("", *(self.metric.parts() or ()))
        return [(self._full(part), variant) for _, variant in self.columns.values for part in parts]

    def at(self, rows: Rows, metrics: Collection[str]) -> "CorpusFigures":
        columns = self.columns.at(rows, [self.name])
        return CorpusFigures(self.task, self.name, self.metric, columns, self.metrics, self.seed)

    def values(self, figure: Column) -> Floats:
        return self.columns.values[self.name, figure[1]]

    def estimate(self, figure: Column) -> Estimate | None:
        rows = ~np.isnan(self.values(figure))
        points = self._points(figure[1], rows.tobytes())[self._part(figure)]
        mean = float(points.mean())
        if not rows.any() or np.isnan(mean):
            return None
        figures = self._resampled((figure[1],), rows.tobytes())[0][self._part(figure)]
        low, high = self._interval(figure, mean, figures, int(rows.sum()))
        seeds = [points] if len(points) > 1 else []
        variance = float(np.nanvar(figures, ddof=1)) if seeds else 0.0
        return Estimate(mean=mean, low=low, high=high, variance=variance, seeds=seeds)

    def difference(self, figure: Column, reference: str) -> Difference | None:
        part, pair = self._part(figure), (figure[1], reference)
        shared = ~np.isnan(self.values(figure)) & ~np.isnan(self.values((figure[0], reference)))
        rows, n = shared.tobytes(), int(shared.sum())
        points = [self._points(variant, rows)[part] for variant in pair]
        difference = float(differences_of(points[0].mean(), points[1].mean()))
        if not n or np.isnan(difference):
            return None
        ours, theirs = (figures[part] for figures in self._resampled(pair, rows))
        differences, error = ours - theirs, float(np.nanstd(ours - theirs, ddof=1))
        if _is_steady(differences):
            span = self._span(figure, [self.values((self.name, variant))[shared] for variant in pair], difference)
            interval, error = difference_interval(np.full(n, difference), differences, span), 0.0
        else:
            interval = Interval(difference, *percentiles(differences))
        return Difference(
            interval=interval,
            variance=error**2,
            p=self._randomised(pair, rows)[part],
            test="approximate randomisation",
            gains=self.gains(figure, reference, shared),
            seeds=[own for own in points if len(own) > 1],
            power=lambda level: (detectable_at(error, level), needed_at(difference, error, n, level)),
        )

    def seed_points(self, figure: Column) -> Mapping[str, float | None]:
        rows = ~np.isnan(self.values(figure))
        points = self._points(figure[1], rows.tobytes())[self._part(figure)]
        named = {f"{figure[1]} {i}": None if np.isnan(point) else float(point) for i, point in enumerate(points, 1)}
        return named if len(points) > 1 else {}

    def confusions(self) -> list[Confusion]:
        confusions = []
        for (_, variant), members in self.columns.counts.items() if self.columns.kinds else ():
            totals = np.nansum(np.concatenate(members), axis=0)
            matrix = self.metric.confusion(dict(zip(self.columns.kinds, totals.tolist(), strict=True)))
            if matrix is not None:
                confusions.append(
                    Confusion(
                        task=self.task, metric=self.name, variant=variant, labels=matrix.labels, counts=matrix.counts
                    )
                )
        return confusions

    def within_scale(self, figure: Column, interval: Interval) -> Interval:
        info = self.info(figure)
        if info.high >= ENDLESS:
            return interval
        span = info.high - info.low
        return Interval(interval.mean, max(-span, interval.low), min(span, interval.high))

    def _interval(self, figure: Column, mean: float, figures: Floats, known: int) -> tuple[float | None, float | None]:
        """A bootstrap of equal figures would claim certainty: there Wilson's interval takes its place."""
        info = self.info(figure)
        if not _is_steady(figures):
            return percentiles(figures)
        if info.high >= ENDLESS:
            return None, None
        span = info.high - info.low
        low, high = (info.low + end * span for end in wilson((mean - info.low) / span, known))
        return low, high

    def _span(self, figure: Column, values: Sequence[Floats], difference: float) -> float:
        """The most a sample may differ by; on a scale without end, as far as any sample here is from its good end."""
        info = self.info(figure)
        if info.high < ENDLESS:
            return info.high - info.low
        return max(1.0, abs(difference), float(np.max(values)) - info.low)

    def _members(self, variant: str, rows: bytes) -> list[Floats]:
        """The counts of each seed on some samples [n, kinds]."""
        chosen = np.frombuffer(rows, dtype=bool)
        return [member[chosen] for member in self.columns.counts[self.name, variant]]

    def _points_on(self, variant: str, rows: bytes) -> Parts:
        """The figures on some samples: of each part one for each seed."""
        return self._figures_of(np.stack([member.sum(axis=0) for member in self._members(variant, rows)]))

    def _resampled_on(self, variants: tuple[str, ...], rows: bytes) -> list[Parts]:
        """The figures of each variant over the same resamples of some samples; several seeds as their mean."""
        members = [self._members(variant, rows) for variant in variants]

        def figures(weights: Floats, seeds: Sequence[Floats]) -> Parts:
            of_seeds = [self._figures_of(weights @ member) for member in seeds]
            return {part: np.mean([own[part] for own in of_seeds], axis=0) for part in of_seeds[0]}

        n = len(members[0][0])
        chunks = [[figures(weights, seeds) for seeds in members] for weights in resamples(n, self.seed)]
        return [_joined([chunk[i] for chunk in chunks]) for i in range(len(variants))]

    def _randomised_on(self, pair: tuple[str, str], rows: bytes) -> dict[str, float]:
        """p of each part: how often a difference as large comes about when answers change places at random."""
        ours, theirs = (np.mean(self._members(variant, rows), axis=0) for variant in pair)
        figures = [self._figures_of(counts.sum(axis=0)[None]) for counts in (ours, theirs)]
        observed = _gaps(*figures)
        slack = {part: ROUNDING * max(1.0, *(abs(own[part][0]) for own in figures)) for part in observed}
        tossed = []
        for swaps in coin_tosses(len(ours), self.seed):
            moved = swaps @ (theirs - ours)
            swapped = (ours.sum(axis=0) + moved, theirs.sum(axis=0) - moved)
            tossed.append(_gaps(*map(self._figures_of, swapped)))
        gaps = _joined(tossed)
        hits = {part: int((own >= observed[part][0] - slack[part]).sum()) for part, own in gaps.items()}
        return {part: (hits[part] + 1) / (int((~np.isnan(gaps[part])).sum()) + 1) for part in gaps}

    def _figures_of(self, totals: Floats) -> Parts:
        """totals [m, kinds] → each part's figure [m]; none is defined where no sample has a value."""
        kinds = self.columns.kinds
        if not kinds:
            return {part: np.full(len(totals), np.nan) for part in ("", *(self.metric.parts() or ()))}
        return self.metric.aggregate({kind: totals[:, i] for i, kind in enumerate(kinds)})

    def _full(self, part: str) -> str:
        return FigureName(self.task, self.name, part).full_metric

    def _part(self, figure: Column) -> str:
        return FigureName.within(self.task, figure[0]).part


def _is_steady(figures: Floats) -> bool:
    """Whether resamples make no difference. Their deviation cannot tell: that of equal numbers may miss 0."""
    low, high = float(np.nanmin(figures)), float(np.nanmax(figures))
    return high - low <= ROUNDING * max(1.0, abs(high))


def _gaps(ours: Parts, theirs: Parts) -> dict[str, Floats]:
    return {part: np.abs(ours[part] - theirs[part]) for part in ours}


def _joined(chunks: Sequence[Parts]) -> dict[str, Floats]:
    return {part: np.concatenate([chunk[part] for chunk in chunks]) for part in chunks[0]}
