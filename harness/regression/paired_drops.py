"""By how much each item of a cell is worse than in the baseline, on the items that both have."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.records.figures import ENDLESS
from harness.records.run_evidence import RunEvidence
from harness.regression.paired_runs import AFTER, BEFORE, paired_estimators, shared_items
from harness.statistics.groups import Groups, error_of_mean
from harness.statistics.intervals import score_interval, student_interval
from harness.statistics.resampling import NOTHING, Floats, differences_of, is_binary
from harness.summary.corpus_figures import CorpusFigures
from harness.summary.estimator import Estimator

CellName = tuple[str, str, str]  # task, variant, metric with its part


@dataclass(frozen=True, kw_only=True)
class PairedDrops:
    """One figure of one variant: of each shared item how much it lost, in the metric's own units."""

    ids: tuple[str, ...]
    drops: Floats  # baseline − now, better direction accounted for [n]; NaN where a value is unknown
    groups: Groups  # of the items
    is_counted: bool  # whether both runs have right-or-wrong values of independent items
    range: float | None  # from the lowest to the highest value of an item; None: no end, or a figure of the corpus

    @property
    def complete(self) -> "PairedDrops":
        """On the items that have a value in both."""
        rows = ~np.isnan(self.drops)
        return PairedDrops(
            ids=tuple(own for own, has_value in zip(self.ids, rows, strict=True) if has_value),
            drops=self.drops[rows],
            groups=self.groups.at(rows),
            is_counted=self.is_counted,
            range=self.range,
        )

    def highest(self, confidence: float) -> float:
        """Upper end of the one-sided interval of the mean drop: Tango's of right-or-wrong values, else Student's t.

        Where no item differs there is nothing to infer: the question is what the system says on these very items.
        """
        ups, downs = int((self.drops < 0).sum()), int((self.drops > 0).sum())
        if not ups + downs:
            return 0.0
        level = 2 * (1 - confidence)
        if self.is_counted:
            return -score_interval(ups, downs, len(self.drops), level).low
        mean, error = float(self.drops.mean()), error_of_mean(self.drops, self.groups)
        return student_interval(mean, error, self.groups.count - 1, level).high

    def by_group(self) -> Floats:
        """What a sign may be given to: the sum over each group [G]."""
        return self.groups.sums(self.drops)


def paired_drops(before: RunEvidence, after: RunEvidence) -> dict[CellName, PairedDrops]:
    """Of all cells that both runs have and whose metric has a better end."""
    items = shared_items(before, after)
    return {
        name: own
        for estimator in paired_estimators(before, after, items)
        for name, own in _of_estimator(estimator, tuple(items[estimator.task]))
    }


def _of_estimator(estimator: Estimator, ids: tuple[str, ...]) -> Iterator[tuple[CellName, PairedDrops]]:
    figures = set(estimator.figures)
    for metric, sided in estimator.figures:
        variant = sided.removeprefix(AFTER)
        figure, earlier = (metric, sided), (metric, BEFORE + variant)
        info = estimator.info(figure)
        if not sided.startswith(AFTER) or earlier not in figures or info.better == "neither":
            continue
        sign = -1.0 if info.better == "lower" else 1.0
        scale = estimator.scale(figure)
        is_corpus = isinstance(estimator, CorpusFigures)
        if isinstance(estimator, CorpusFigures):
            drops, is_counted = _shares_of_corpus(estimator, metric, variant), False
        else:
            sides = [estimator.values(own) for own in (earlier, figure)]
            drops = differences_of(*sides)
            both = ~np.isnan(drops)
            is_counted = all(is_binary(own[both]) for own in sides)
        groups = estimator.columns.groups
        yield (
            (estimator.task, variant, metric),
            PairedDrops(
                ids=ids,
                drops=sign * drops + 0.0,
                groups=groups,
                is_counted=is_counted and groups.at(~np.isnan(drops)).are_items,
                range=None if is_corpus or scale.high >= ENDLESS or scale.low <= -ENDLESS else scale.high - scale.low,
            ),
        )


def _shares_of_corpus(estimator: CorpusFigures, metric: str, variant: str) -> Floats:
    """Of each item its share in the drop of a figure of the corpus [n]; their mean is the drop.

    Pseudo-values of the jackknife (Tukey 1958; Efron 1982, chapter 3): n θ − (n − 1) θ without the item, shifted so
    that their mean is the drop itself; 0 everywhere where no item counts otherwise than before.
    """
    part, name = estimator.part_of((metric, "")), estimator.name
    shared = estimator.shared_by(metric, (AFTER + variant, BEFORE + variant))
    n = int(shared.sum())
    drops = np.full(len(shared), np.nan)
    if not n:
        return drops
    counts = [
        np.mean([member[shared] for member in estimator.columns.counts[name, side + variant]], axis=0)
        for side in (BEFORE, AFTER)
    ]
    if np.allclose(counts[0], counts[1], rtol=NOTHING, atol=NOTHING):
        drops[shared] = 0.0
        return drops
    points, shares = [], []
    for own in counts:
        total = own.sum(axis=0)
        points.append(float(estimator.figures_of(total[None])[part][0]))
        shares.append(n * points[-1] - (n - 1) * estimator.figures_of(total - own)[part])
    pseudo = shares[0] - shares[1]
    pseudo = np.where(np.isfinite(pseudo), pseudo, 0.0)
    drops[shared] = pseudo - pseudo.mean() + (points[0] - points[1])
    return drops
