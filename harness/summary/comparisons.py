"""Which comparisons a summary makes, and how their p is corrected for all of a family."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from harness.records.figure_names import FigureName
from harness.records.figures import Comparison, MetricInfo, Result
from harness.statistics.resampling import ALPHA
from harness.statistics.tests import holm
from harness.summary.estimator import Compared, Estimator


def against_floors(
    estimator: Estimator,
    results: Sequence[Result],
    headline: Sequence[str],
    floors: Sequence[str],
    bounds: Sequence[str],
) -> Iterator[Compared]:
    """Each variant that asks a model against the best that asks none, in each headline figure.

    The best floor is chosen by its figure on the same items, which favours the floor a little.
    """
    for metric in dict.fromkeys(result.metric for result in results):
        better = estimator.info((metric, "")).better
        if str(FigureName.within(estimator.task, metric)) not in headline or better == "neither":
            continue
        sign = -1.0 if better == "lower" else 1.0
        own = [result for result in results if result.metric == metric and result.variant not in bounds]
        figures = {r.variant: sign * r.mean for r in own if r.variant in floors and r.mean is not None}
        if figures:
            best = max(figures, key=figures.__getitem__)
            contenders = {result.variant: best for result in own if result.variant not in floors}
            yield from estimator.compare(contenders, [metric])


def corrected(
    compared: Sequence[Compared],
    headline: Sequence[str],
    metrics: Mapping[str, MetricInfo],
    bounds: Sequence[str] = (),
) -> list[Comparison]:
    """Holm over all headline comparisons together; other metrics each over their own variants.

    Upper bounds are families of their own: nobody chooses among them, so they make no other verdict weaker. Power is
    stated at the level that the smallest p of a family has to reach.
    """
    comparisons = [entry.comparison for entry in compared]
    families: dict[str, list[int]] = {}
    for i, comparison in enumerate(comparisons):
        figure = str(FigureName.of(comparison))
        if comparison.p is not None:
            family = "headline" if figure in headline else figure
            families.setdefault(f"bound {family}" if comparison.variant in bounds else family, []).append(i)
    for members in families.values():
        adjusted = holm([comparisons[i].p or 0.0 for i in members])
        for i, p in zip(members, adjusted, strict=True):
            better = metrics[str(FigureName.of(comparisons[i]))].better
            comparisons[i] = _decided(compared[i], p, better, ALPHA / len(members))
    return comparisons


def _decided(compared: Compared, p: float, better: str, level: float) -> Comparison:
    comparison = compared.comparison
    verdict = _verdict(comparison, p, better)
    detectable, needed = compared.power(level) if compared.power else (None, None)
    if needed is not None and verdict == "inconclusive":  # so many were not enough, whatever the formula says
        needed = max(needed, comparison.samples + 1)
    return replace(comparison, p_adjusted=p, verdict=verdict, detectable=detectable, needed=needed)


def _verdict(comparison: Comparison, p: float, better: str) -> Literal["better", "worse", "inconclusive"]:
    if p >= ALPHA or better == "neither" or not comparison.difference:
        return "inconclusive"
    return "better" if (comparison.difference > 0) == (better == "higher") else "worse"
