"""Which comparisons a summary makes, and how their p is corrected for all of a family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.figure_names import FigureName
from harness.records.figures import Comparison, MetricInfo, Result
from harness.statistics.intervals import Interval
from harness.statistics.power import Needed
from harness.statistics.resampling import ALPHA
from harness.statistics.tests import holm, holm_levels
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.estimator import Compared, Estimator

Pair = tuple[str, str, frozenset[str]]  # task, metric, two variants


@dataclass(frozen=True, kw_only=True)
class Standings:
    """The figures of one metric of a task that may be compared, the best first."""

    metric: str
    sign: float  # −1 where lower is better
    variants: Sequence[str]

    @classmethod
    def of(cls, estimator: Estimator, results: Sequence[Result], plan: ComparisonPlan) -> "list[Standings]":
        """Of each metric with a better end. Upper bounds are left out: nobody can deploy them."""
        all_standings = []
        for metric in dict.fromkeys(result.metric for result in results):
            better = estimator.info((metric, "")).better
            sign = -1.0 if better == "lower" else 1.0
            means = {
                result.variant: sign * result.mean
                for result in results
                if result.metric == metric and result.mean is not None and result.variant not in plan.bounds
            }
            if better != "neither":
                ranked = sorted(means, key=means.__getitem__, reverse=True)
                all_standings.append(cls(metric=metric, sign=sign, variants=ranked))
        return all_standings


def against_floors(estimator: Estimator, standings: Sequence[Standings], plan: ComparisonPlan) -> list[Compared]:
    """Each variant that asks a model against each that asks none, in each headline figure.

    All floors are tested, because the best of them is known only from the same items: `best_floors` chooses later.
    """
    compared: list[Compared] = []
    for standing in standings:
        if str(FigureName.within(estimator.task, standing.metric)) in plan.headline:
            contenders = [variant for variant in standing.variants if variant not in plan.floors]
            for floor in (variant for variant in standing.variants if variant in plan.floors):
                compared += estimator.compare(dict.fromkeys(contenders, floor), [standing.metric])
    return compared


def against_runners_up(estimator: Estimator, standings: Sequence[Standings], plan: ComparisonPlan) -> list[Compared]:
    """The leader of each figure against the runner-up, unless one of them is the reference, where it is tested anyway.

    A two-sided test of these two at α keeps the chance of a false "best" at α, though both were chosen by their
    figures. Hung & Fithian 2019.
    """
    compared: list[Compared] = []
    for standing in standings:
        leader, runner_up, *_ = [*standing.variants, None, None]
        if leader and runner_up and plan.reference not in (leader, runner_up):
            compared += estimator.compare({leader: runner_up}, [standing.metric])
    return compared


def best_floors(
    floors: Sequence[Comparison], results: Sequence[Result], metrics: Mapping[str, MetricInfo]
) -> list[Comparison]:
    """Of the corrected comparisons with all floors, those with the best floor of each figure."""
    means = {(result.task, result.metric, result.variant): result.mean or 0.0 for result in results}
    best: dict[tuple[str, str], str] = {}
    for comparison in floors:
        figure = (comparison.task, comparison.metric)
        sign = -1.0 if metrics[str(FigureName.of(comparison))].better == "lower" else 1.0
        rival = best.setdefault(figure, comparison.reference)
        if sign * means[*figure, comparison.reference] > sign * means[*figure, rival]:
            best[figure] = comparison.reference
    return [comparison for comparison in floors if comparison.reference == best[comparison.task, comparison.metric]]


def corrected(
    compared: Sequence[Compared],
    headline: Sequence[str],
    metrics: Mapping[str, MetricInfo],
    bounds: Sequence[str] = (),
    floors: Sequence[Compared] = (),
) -> list[Comparison]:
    """Holm over all headline comparisons together; other metrics each over their own variants; floors by themselves.

    Upper bounds are families of their own: nobody chooses among them, so they make no other verdict weaker. Power is
    stated at the level that the smallest p of a family has to reach. Two variants that two families compare, as a
    reference with a floor, have one verdict: that of the stricter family.
    """
    entries = [*compared, *floors]
    families: dict[str, list[int]] = {}
    for i, entry in enumerate(entries):
        if entry.comparison.p is not None:
            figure = str(FigureName.of(entry.comparison))
            kind = "floor" if i >= len(compared) else "bound" if entry.comparison.variant in bounds else "own"
            families.setdefault(f"{kind} {'headline' if figure in headline else figure}", []).append(i)
    corrections: dict[int, Correction] = {}
    for members in families.values():
        adjusted = holm([entries[i].comparison.p or 0.0 for i in members])
        for i, p, level in zip(members, adjusted, holm_levels(adjusted), strict=True):
            corrections[i] = Correction(p, level, len(members))
    strictest: dict[Pair, Correction] = {}
    for i, correction in corrections.items():
        pair = _pair(entries[i].comparison)
        strictest[pair] = max(strictest.get(pair, correction), correction, key=lambda c: (c.p, -c.level))
    return [
        _decided(entry, strictest[_pair(entry.comparison)], metrics) if i in corrections else entry.comparison
        for i, entry in enumerate(entries)
    ]


@dataclass(frozen=True)
class Correction:
    """What a family makes of one p."""

    p: float  # adjusted
    level: float  # at which its interval agrees with it
    family: int  # comparisons that were corrected together


def _pair(comparison: Comparison) -> Pair:
    return comparison.task, comparison.metric, frozenset((comparison.variant, comparison.reference))


def _decided(compared: Compared, correction: Correction, metrics: Mapping[str, MetricInfo]) -> Comparison:
    better = metrics[str(FigureName.of(compared.comparison))].better
    interval = compared.interval(correction.level) if compared.interval else None
    power = compared.power(ALPHA / correction.family) if compared.power else (None, None)
    return settled(compared.comparison, correction, interval, power, better)


def settled(
    comparison: Comparison,
    correction: Correction,
    interval: Interval | None,
    power: tuple[float | None, Needed | None],
    better: str,
) -> Comparison:
    """A comparison with what its family makes of it: corrected p, interval and verdict, and its power."""
    verdict = _verdict(comparison, correction.p, better)
    detectable, needed = power
    if needed is not None and verdict == "inconclusive":  # so many were not enough, whatever the formula says
        needed = needed.at_least(comparison.samples + 1)
    return replace(
        comparison,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        p_adjusted=correction.p,
        family=correction.family,
        verdict=verdict,
        detectable=detectable,
        needed=needed.likely if needed else None,
        needed_low=needed.low if needed else None,
        needed_high=needed.high if needed else None,
    )


def _verdict(comparison: Comparison, p: float, better: str) -> Literal["better", "worse", "inconclusive"]:
    if p >= ALPHA or better == "neither" or not comparison.difference:
        return "inconclusive"
    return "better" if (comparison.difference > 0) == (better == "higher") else "worse"
