"""Paired differences between two variants on shared items, tested, corrected for many, and with their power."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from harness import stats
from harness.stats import Floats
from harness.types import Comparison, MetricInfo

Table = Mapping[tuple[str, str], Floats]  # (metric, variant) → one value a sample, NaN for unknown


def against_floors(
    task: str, table: Table, floors: Sequence[str], metrics: Mapping[str, MetricInfo], seed: int
) -> tuple[list[Comparison], list[Floats]]:
    """Each variant that asks a model against the best that asks none, per metric; with the paired differences.

    The best floor is chosen by its mean on the same items, which favours the floor a little.
    """
    found: list[Comparison] = []
    observed: list[Floats] = []
    for metric in dict.fromkeys(metric for metric, _ in table):
        info = metrics[f"{task}.{metric}"]
        sign = -1.0 if info.better == "lower" else 1.0
        means = {
            floor: sign * float(np.nanmean(table[metric, floor]))
            for floor in floors
            if (metric, floor) in table and not np.isnan(table[metric, floor]).all()
        }
        if not means or info.better == "neither":
            continue
        best = max(means, key=lambda floor: means[floor])
        for variant in [variant for name, variant in table if name == metric and variant not in floors]:
            differences = table[metric, variant] - table[metric, best]
            resampled = stats.bootstrap_means(differences[:, None], seed)[:, 0]
            found.append(compare(task, (metric, variant), best, table, resampled, info, seed))
            observed.append(differences[~np.isnan(differences)])
    return found, observed


def compare(
    task: str, pair: tuple[str, str], reference: str, table: Table, means: Floats, info: MetricInfo, seed: int
) -> Comparison:
    """One variant against the reference on the items where both are known; p is not yet corrected."""
    metric, variant = pair
    ours, theirs = table[pair], table[metric, reference]
    shared = ~np.isnan(ours) & ~np.isnan(theirs)
    ours, theirs = ours[shared], theirs[shared]
    differences = ours - theirs
    n = len(differences)
    if n == 0:
        return Comparison(
            task, metric, variant, reference, 0, None, None, None, None, None, "none", 0, 0, 0, "inconclusive", None,
            None,
        )  # fmt: skip
    sign = -1 if info.better == "lower" else 1
    wins, losses = int((sign * differences > 0).sum()), int((sign * differences < 0).sum())
    interval = stats.difference_interval(differences, means, info.high - info.low)
    binary = stats.is_binary(ours) and stats.is_binary(theirs)
    p = stats.mcnemar(wins, losses) if binary else stats.sign_flip(differences, seed)
    return Comparison(
        task, metric, variant, reference, n, interval.mean, interval.low, interval.high, p, None,
        "exact McNemar" if binary else "paired permutation", wins, losses, n - wins - losses, "inconclusive",
        None, None,
    )  # fmt: skip


def corrected(
    comparisons: Sequence[Comparison],
    observed: Sequence[Floats],
    headline: Sequence[str],
    metrics: Mapping[str, MetricInfo],
    bounds: Sequence[str] = (),
) -> list[Comparison]:
    """Holm over all headline comparisons together; other metrics each over their own variants.

    Upper bounds are families of their own: nobody chooses among them, so they make no other verdict weaker.

    Power is stated at the level that the smallest p of a family has to reach.
    """
    families: dict[str, list[int]] = {}
    for i, comparison in enumerate(comparisons):
        figure = f"{comparison.task}.{comparison.metric}"
        if comparison.p is not None:
            family = "headline" if figure in headline else figure
            families.setdefault(f"bound {family}" if comparison.variant in bounds else family, []).append(i)
    judged = list(comparisons)
    for members in families.values():
        level = stats.ALPHA / len(members)
        for i, p in zip(members, stats.holm([comparisons[i].p or 0.0 for i in members]), strict=True):
            better = metrics[f"{comparisons[i].task}.{comparisons[i].metric}"].better
            verdict, needed = _verdict(comparisons[i], p, better), stats.needed(observed[i], level)
            if needed is not None and verdict == "inconclusive":  # so many were not enough, whatever the formula says
                needed = max(needed, comparisons[i].samples + 1)
            judged[i] = replace(
                comparisons[i],
                p_adjusted=p,
                verdict=verdict,
                detectable=stats.detectable(observed[i], level),
                needed=needed,
            )
    return judged


def _verdict(comparison: Comparison, p: float, better: str) -> Literal["better", "worse", "inconclusive"]:
    if p >= stats.ALPHA or better == "neither" or not comparison.difference:
        return "inconclusive"
    return "better" if (comparison.difference > 0) == (better == "higher") else "worse"
