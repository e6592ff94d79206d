"""All pairs of the variants that are neither floor nor upper bound, on every headline figure: one family.

The family is corrected by its largest statistic under the same tosses (max-T), or by Holm's method where the suite asks
for the tests of each pair by itself, which are exact for right-or-wrong values. Both keep the chance of any false
verdict at α, whatever pair is looked at afterwards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.records.figures import Comparison
from harness.statistics.intervals import Interval, widest
from harness.statistics.joint_tosses import JointTosses
from harness.statistics.max_t import MaxT
from harness.statistics.resampling import ALPHA
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.comparisons import Correction, corrected, settled
from harness.summary.contested_figures import ContestedFigure
from harness.summary.corpus_figures import CorpusFigures
from harness.summary.paired_corpora import PairedCorpora
from harness.summary.paired_figure import PairedFigure, Threshold
from harness.summary.paired_means import PairedMeans


def all_pairs(headline: Sequence[ContestedFigure], plan: ComparisonPlan) -> tuple[Comparison, ...]:
    """Each unordered pair once, in the order of the figures and of their variants."""
    if plan.terms.correction == "holm":
        return tuple(_by_holm(headline, plan))
    return tuple(_by_largest([_paired(figure) for figure in headline if len(figure.variants) > 1], plan))


def _paired(figure: ContestedFigure) -> PairedFigure:
    if isinstance(figure.estimator, CorpusFigures):
        return PairedCorpora(figure.estimator, figure.metric, figure.variants)
    return PairedMeans(figure.estimator, figure.metric, figure.variants)


def _by_holm(headline: Sequence[ContestedFigure], plan: ComparisonPlan) -> list[Comparison]:
    """Each pair by the test that it has by itself."""
    compared = [
        pair
        for figure in headline
        for place, variant in enumerate(figure.variants)
        for rival in figure.variants[place + 1 :]
        for pair in figure.estimator.compare({variant: rival}, [figure.metric])
    ]
    metrics = {name: info for figure in headline for name, info in figure.estimator.metrics.items()}
    return corrected(compared, plan.headline, metrics)


def _by_largest(figures: Sequence[PairedFigure], plan: ComparisonPlan) -> Iterator[Comparison]:
    """Each pair by its statistic among those of the family. Westfall & Young 1993."""
    tasks = {figure.estimator.task: figure.groups.count for figure in figures}
    family = MaxT(JointTosses(list(tasks.values()), plan.seed))
    for figure in figures:
        figure.join(family, list(tasks).index(figure.estimator.task))
    valued = [[place for place in range(len(own.pairs)) if own.is_defined(place)] for own in figures]
    size = sum(map(len, valued))
    if not size:
        yield from (own.empty(place) for own in figures for place in range(len(own.pairs)))
        return
    threshold = Threshold(critical=family.critical, family=size)
    for figure, places in zip(figures, valued, strict=True):
        intervals = dict(zip(places, figure.intervals(places, threshold), strict=True))
        adjusted = family.p(figure.bars)
        for place in range(len(figure.pairs)):
            if place in intervals:
                yield _decided(figure, place, intervals[place], float(adjusted[place]), threshold)
            else:
                yield figure.empty(place)


def _decided(figure: PairedFigure, place: int, interval: Interval, p: float, threshold: Threshold) -> Comparison:
    """Where a model was trained several times, chance of its seeds has to be ruled out as well: by Bonferroni."""
    comparison, (column, _), power = figure.comparison(place), figure.columns(place), None
    crossing, level = figure.crossing(place), ALPHA / threshold.family
    if crossing is None:
        power = figure.power(place, threshold)
    else:
        wider, p_seeds = crossing(level)
        interval, p = widest(interval, wider), max(p, min(1.0, threshold.family * p_seeds))
        test = f"{comparison.test}, and items crossed with seeds"
        comparison = replace(comparison, p=max(comparison.p or 0.0, p_seeds), test=test)
    interval = figure.estimator.scale(column).of_differences.cut(interval)
    correction = Correction(p, level, threshold.family)
    return settled(comparison, correction, interval, power or (None, None), figure.estimator.info(column).better)
