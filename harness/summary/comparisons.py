"""Paired differences between two variants on shared items, tested, corrected for many, and with their power."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.records.figures import Comparison, MetricInfo
from harness.statistics.intervals import Interval, crossed, difference_interval
from harness.statistics.power import detectable, needed
from harness.statistics.resampling import ALPHA, Floats, bootstrap_means, is_binary
from harness.statistics.tests import holm, mcnemar, sign_flip

Column = tuple[str, str]  # metric, variant
Power = Callable[[float], tuple[float | None, int | None]]  # level → smallest detectable difference, items needed


class Table(dict[Column, Floats]):
    """One value a sample for each metric and variant, NaN for unknown.

    A variant whose model was trained several times has the mean over its seeds, known where all are; `seeds` holds the
    values of each.
    """

    def __init__(self, columns: Mapping[Column, Floats], seeds: Mapping[Column, Mapping[str, Floats]]) -> None:
        super().__init__(columns)
        self.seeds = seeds

    def only(self, wanted: Callable[[Column], bool]) -> "Table":
        """Some of the columns."""
        return Table({column: values for column, values in self.items() if wanted(column)}, self.seeds)

    def seed_means(self, column: Column, rows: NDArray[np.bool_]) -> list[Floats]:
        """The means over some rows of each seed [k]; nothing for what was trained once."""
        members = self.seeds.get(column)
        return [np.array([values[rows].mean() for values in members.values()])] if members else []


def pooled(columns: Mapping[Column, Floats], pools: Mapping[str, Sequence[str]]) -> Table:
    """The columns with one in place of those of several seeds."""
    member_of = {member: pool for pool, members in pools.items() for member in members}
    kept: dict[Column, Floats] = {}
    seeds: dict[Column, dict[str, Floats]] = {}
    for (metric, variant), values in columns.items():
        pool = member_of.get(variant)
        if pool is None:
            kept[metric, variant] = values
        else:
            seeds.setdefault((metric, pool), {})[variant] = values
            kept[metric, pool] = np.mean(list(seeds[metric, pool].values()), axis=0)
    for (metric, pool), some in seeds.items():
        if len(some) < len(pools[pool]):  # a part that only some of them have is not known of the whole
            kept[metric, pool] = np.full_like(kept[metric, pool], np.nan)
    return Table(kept, seeds)


@dataclass(frozen=True)
class Compared:
    """A comparison with what its power rests on."""

    comparison: Comparison
    power: Power | None = None  # none with seeds: how many more trainings it takes, two or three of them cannot tell


def against_floors(
    task: str, table: Table, floors: Sequence[str], metrics: Mapping[str, MetricInfo], seed: int
) -> list[Compared]:
    """Each variant that asks a model against the best that asks none, per metric; with the paired differences.

    The best floor is chosen by its mean on the same items, which favours the floor a little.
    """
    found: list[Compared] = []
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
            resampled = bootstrap_means(differences[:, None], seed)[:, 0]
            found.append(compare(task, (metric, variant), best, table, resampled, info, seed))
    return found


def compare(
    task: str, pair: tuple[str, str], reference: str, table: Table, means: Floats, info: MetricInfo, seed: int
) -> Compared:
    """One variant against the reference on the items where both are known; p is not yet corrected."""
    metric, variant = pair
    ours, theirs = table[pair], table[metric, reference]
    shared = ~np.isnan(ours) & ~np.isnan(theirs)
    ours, theirs = ours[shared], theirs[shared]
    differences = ours - theirs
    n = len(differences)
    if n == 0:
        return untested(task, metric, variant, reference)
    sign = -1 if info.better == "lower" else 1
    wins, losses = int((sign * differences > 0).sum()), int((sign * differences < 0).sum())
    interval = difference_interval(differences, means, info.high - info.low)
    binary = is_binary(ours) and is_binary(theirs)
    p = mcnemar(wins, losses) if binary else sign_flip(differences, seed)
    test = "exact McNemar" if binary else "paired permutation"
    if seeds := [*table.seed_means(pair, shared), *table.seed_means((metric, reference), shared)]:
        wider, p_seeds = crossed(differences, seeds)
        interval = Interval(interval.mean, min(interval.low, wider.low), max(interval.high, wider.high))
        p, test = max(p, p_seeds), f"{test}, and items crossed with seeds"
    made = Comparison(
        task, metric, variant, reference, n, interval.mean, interval.low, interval.high, p, None, test, wins, losses,
        n - wins - losses, "inconclusive", None, None,
    )  # fmt: skip

    def power(level: float) -> tuple[float | None, int | None]:
        return detectable(differences, level), needed(differences, level)

    return Compared(made, None if seeds else power)


def untested(task: str, metric: str, variant: str, reference: str) -> Compared:
    """Two variants without an item where both are known."""
    return Compared(
        Comparison(
            task, metric, variant, reference, 0, None, None, None, None, None, "none", 0, 0, 0, "inconclusive", None,
            None,
        )
    )  # fmt: skip


def corrected(
    made: Sequence[Compared],
    headline: Sequence[str],
    metrics: Mapping[str, MetricInfo],
    bounds: Sequence[str] = (),
) -> list[Comparison]:
    """Holm over all headline comparisons together; other metrics each over their own variants.

    Upper bounds are families of their own: nobody chooses among them, so they make no other verdict weaker.

    Power is stated at the level that the smallest p of a family has to reach.
    """
    comparisons = [one.comparison for one in made]
    families: dict[str, list[int]] = {}
    for i, comparison in enumerate(comparisons):
        figure = f"{comparison.task}.{comparison.metric}"
        if comparison.p is not None:
            family = "headline" if figure in headline else figure
            families.setdefault(f"bound {family}" if comparison.variant in bounds else family, []).append(i)
    judged = list(comparisons)
    for members in families.values():
        level = ALPHA / len(members)
        for i, p in zip(members, holm([comparisons[i].p or 0.0 for i in members]), strict=True):
            better = metrics[f"{comparisons[i].task}.{comparisons[i].metric}"].better
            verdict = _verdict(comparisons[i], p, better)
            power = made[i].power
            detectable, needed = power(level) if power else (None, None)
            if needed is not None and verdict == "inconclusive":  # so many were not enough, whatever the formula says
                needed = max(needed, comparisons[i].samples + 1)
            judged[i] = replace(
                comparisons[i],
                p_adjusted=p,
                verdict=verdict,
                detectable=detectable,
                needed=needed,
            )
    return judged


def _verdict(comparison: Comparison, p: float, better: str) -> Literal["better", "worse", "inconclusive"]:
    if p >= ALPHA or better == "neither" or not comparison.difference:
        return "inconclusive"
    return "better" if (comparison.difference > 0) == (better == "higher") else "worse"
