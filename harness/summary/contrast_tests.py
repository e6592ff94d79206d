"""Weighted sums of variants, such as the effects of a grid: tested together as one family, with intervals that hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.records.figures import ENDLESS
from harness.statistics.exchanges import ResampledDifference, is_steady
from harness.statistics.flipped_sums import FlipMoments, FlippedSums, group_sums
from harness.statistics.intervals import (
    Interval,
    ValueRange,
    bounded_differences,
    crossed,
    reconciled,
    widest,
)
from harness.statistics.joint_tosses import JointTosses
from harness.statistics.max_t import MaxT, marginal_level
from harness.statistics.resampling import ALPHA, NOTHING, Floats
from harness.summary.corpus_figures import CorpusFigures
from harness.summary.estimator import Estimator
from harness.summary.score_columns import Rows


@dataclass(frozen=True)
class WeightedSum:
    """What is added up, and how many spans of the scale the sum may reach."""

    weights: Mapping[str, float]  # by variant
    spans: float


@dataclass(frozen=True)
class TestedContrast:
    """A contrast on the items that all its variants have; None where there are none."""

    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_adjusted: float | None = None


def mean_contrasts(estimator: Estimator, metric: str, contrasts: Sequence[WeightedSum]) -> list[TestedContrast]:
    """Contrasts of means: the sums over groups of items change signs together, as one family (max-T)."""
    if not contrasts:
        return []
    groups, count = estimator.columns.groups, len(contrasts)
    columns = np.column_stack([_contrast_values(estimator, metric, own) for own in contrasts])
    sums, sizes = group_sums(columns, groups)
    moments = FlipMoments.of(sums, sizes)
    family = MaxT(JointTosses([groups.count], estimator.seed))
    statistics = FlippedSums.of(sums, np.arange(count), None, moments)
    family.join(0, statistics)
    adjusted = family.p(statistics.observed - statistics.slack)
    scales = [_scale(estimator, metric, own) for own in contrasts]
    bounded = bounded_differences(columns, groups, scales, estimator.seed)
    size = int((moments.items > 0).sum())
    tested = []
    for i, contrast in enumerate(contrasts):
        if not moments.items[i]:
            tested.append(TestedContrast())
            continue
        level = marginal_level(family.critical, int(moments.groups[i]), size)
        inverted = moments.open_differences(i, family.critical + float(statistics.slack[i]))
        interval, p = reconciled(bounded[i].interval(level), inverted), float(adjusted[i])
        seeds = _mean_seeds(estimator, metric, contrast, ~np.isnan(columns[:, i]))
        if seeds:
            freedom = int(moments.groups[i]) - 1
            wider, p_seeds = crossed(interval.mean, float(moments.errors[i]), freedom, seeds, ALPHA / size)
            interval, p = widest(interval, wider), max(p, min(1.0, size * p_seeds))
        tested.append(_tested(scales[i].cut(interval), p))
    return tested


def corpus_contrasts(corpus: CorpusFigures, metric: str, contrasts: Sequence[WeightedSum]) -> list[TestedContrast]:
    """Contrasts of figures of the corpus: Student's t by the bootstrap's standard error, corrected by Bonferroni.

    No exchange of answers leaves a difference of differences as it would be under none, since the figure is not linear.
    """
    resampled = [corpus.contrast(metric, own.weights) for own in contrasts]
    family = sum(own is not None for own in resampled)
    return [
        TestedContrast() if own is None else _corpus_contrast(corpus, metric, contrast, own, family)
        for contrast, own in zip(contrasts, resampled, strict=True)
    ]


def _corpus_contrast(
    corpus: CorpusFigures, metric: str, contrast: WeightedSum, resampled: ResampledDifference, family: int
) -> TestedContrast:
    level, groups, mean = ALPHA / family, resampled.groups.count, resampled.mean
    seeds = corpus.weighted_seeds(metric, contrast.weights)
    interval, p = crossed(mean, resampled.error, groups - 1, seeds, level)
    if is_steady(resampled.resampled):  # a share of the groups that was not seen may still differ
        interval, p = (
            widest(interval, resampled.estimated(level)),
            max(p, 2 * max(0.0, 1 - abs(mean) / resampled.span) ** groups),
        )
    return _tested(_scale(corpus, metric, contrast).cut(interval), min(1.0, family * p))


def _tested(interval: Interval, p: float) -> TestedContrast:
    return TestedContrast(interval.mean, interval.low, interval.high, p)


def _scale(estimator: Estimator, metric: str, contrast: WeightedSum) -> ValueRange:
    span = estimator.scale((metric, "")).of_differences.high
    span = span if span >= ENDLESS else span * contrast.spans
    return ValueRange(-span, span)


def _contrast_values(estimator: Estimator, metric: str, contrast: WeightedSum) -> Floats:
    """The weighted sum of each item [n], NaN where any variant is unknown; 0 where nothing but rounding is left."""
    terms = np.array([weight * estimator.values((metric, own)) for own, weight in contrast.weights.items()])
    terms[:, ~np.isfinite(terms).all(axis=0)] = np.nan
    sums = terms.sum(axis=0)
    return np.where(np.abs(sums) <= NOTHING * np.abs(terms).max(axis=0), 0.0, sums)


def _mean_seeds(estimator: Estimator, metric: str, contrast: WeightedSum, rows: Rows) -> list[Floats]:
    """The weighted means of each seed [k], of each variant with several."""
    weights = contrast.weights.items()
    return [weight * own for name, weight in weights for own in estimator.columns.seed_means((metric, name), rows)]
