"""All pairs of variants on a mean: their sums over groups of items change signs together."""

from collections.abc import Iterator, Sequence

import numpy as np

from harness.records.figures import Comparison
from harness.statistics.flipped_sums import FlipMoments, FlippedSums, Places, group_sums
from harness.statistics.groups import merged
from harness.statistics.intervals import Interval, bounded_differences, crossed, reconciled, score_interval
from harness.statistics.max_t import marginal_level
from harness.statistics.power import Needed, detectable_at, detectable_share, needed_at, needed_share
from harness.statistics.resampling import Floats, differences_of, is_binary
from harness.summary.estimator import Estimator
from harness.summary.paired_figure import Draw, PairedFigure, SeedCrossing, Threshold

WIDTH = 4_000_000  # numbers of a block of differences: bounds memory, not results
EXACT_UP_TO = 1000  # pairs; of more the smallest difference that is found follows a formula: exact power takes a minute
BATCH = 250  # pairs whose intervals are resampled together


class PairedMeans(PairedFigure):
    """Means over items, each variant against each other."""

    def __init__(self, estimator: Estimator, metric: str, variants: Sequence[str]) -> None:
        super().__init__(estimator, metric, variants)
        own = [estimator.values((metric, variant)) for variant in variants]
        self.units, columns = merged(estimator.columns.groups, *(np.where(np.isfinite(c), c, np.nan) for c in own))
        self.values = np.column_stack(columns)  # [n, V]
        self.copies = len(own[0]) // len(self.values)  # of each item, where it stands several times
        self.binary = [is_binary(column[~np.isnan(column)]) for column in columns]
        sides = np.array(self.pairs, dtype=np.intp).reshape(-1, 2)
        self.left, self.right = sides[:, 0], sides[:, 1]
        parts = [self._moments(places) for places in self._blocks(np.arange(len(self.pairs)))]
        self.moments = FlipMoments.joined([part for part, _, _ in parts])
        self.means, self.errors = self.moments.means, self.moments.errors
        self.ups, self.downs = (np.concatenate([part[i] for part in parts]) for i in (1, 2))

    def statistics(self, draw: Draw) -> Iterator[tuple[Places, FlippedSums]]:
        """Variants with the same unknown items share columns; all other pairs have a column each."""
        has_value = ~np.isnan(self.values)
        _, patterns = np.unique(has_value, axis=1, return_inverse=True)
        patterns = patterns.reshape(-1)
        is_alike = patterns[self.left] == patterns[self.right]
        alike, apart = np.flatnonzero(is_alike), np.flatnonzero(~is_alike)
        if len(alike):
            centred = np.where(has_value, self.values, 0.0) - _medians(self.values)[:, None]
            columns, _ = group_sums(np.where(has_value, centred, np.nan), self.units)
            yield alike, FlippedSums.of(columns, self.left[alike], self.right[alike], self.moments.at(alike))
        for places in self._blocks(apart):
            sums, _ = group_sums(self._differences(places), self.units)
            yield places, FlippedSums.of(sums, np.arange(len(places)), None, self.moments.at(places))

    def is_defined(self, place: int) -> bool:
        return bool(self.moments.items[place])

    def comparison(self, place: int) -> Comparison:
        (metric, variant), reference = self.columns(place)
        samples, groups = int(self.moments.items[place]) * self.copies, int(self.moments.groups[place])
        gains, losses = int(self.ups[place]) * self.copies, int(self.downs[place]) * self.copies
        if self.estimator.info((metric, variant)).better == "lower":
            gains, losses = losses, gains
        return Comparison(
            task=self.estimator.task,
            metric=metric,
            variant=variant,
            reference=reference,
            samples=samples,
            groups=None if groups == samples else groups,
            difference=float(self.means[place]),
            p=float(self.p[place]),
            test="max-T of sign flips",
            wins=gains,
            losses=losses,
            ties=samples - gains - losses,
        )

    def intervals(self, places: Sequence[int], threshold: Threshold) -> list[Interval]:
        counted = [place for place in places if self._is_counted(place)]
        estimated = {place: self._score_interval(place, self._level(place, threshold)) for place in counted}
        uncounted = np.array([place for place in places if not self._is_counted(place)], dtype=np.intp)
        for start in range(0, len(uncounted), BATCH):
            batch = uncounted[start : start + BATCH]
            scales = [self.estimator.scale(self.columns(place)[0]).of_differences for place in batch]
            bounded = bounded_differences(self._differences(batch), self.units, scales, self.estimator.seed)
            for place, own in zip(batch.tolist(), bounded, strict=True):
                estimated[place] = own.interval(self._level(place, threshold))
        inverted = [self.moments.open_differences(place, threshold.critical + self.slack[place]) for place in places]
        return [reconciled(estimated[place], own) for place, own in zip(places, inverted, strict=True)]

    def power(self, place: int, threshold: Threshold) -> tuple[float | None, Needed | None]:
        level, n = self._level(place, threshold), int(self.moments.items[place])
        ups, downs = int(self.ups[place]), int(self.downs[place])
        error, groups = float(self.errors[place]), int(self.moments.groups[place])
        if self._is_counted(place):
            number = needed_share(ups, downs, n, level)
            if threshold.family <= EXACT_UP_TO:
                return detectable_share(n, (ups + downs) / n, level), number and number.times(self.copies)
            return detectable_at(error, groups, level, smallest_p=0.0), number and number.times(self.copies)
        differing, mean = float(self.moments.differing[place]), float(self.means[place])
        number = needed_at(mean, error, n, level, n / differing, smallest_p=0.0) if differing else None
        return detectable_at(error, groups, level, smallest_p=0.0), number and number.times(self.copies)

    def crossing(self, place: int) -> SeedCrossing | None:
        (metric, variant), reference = self.columns(place)
        sides = [(metric, variant), (metric, reference)]
        if not any(side in self.estimator.columns.seeds for side in sides):
            return None
        shared = ~np.isnan(differences_of(*(self.estimator.values(side) for side in sides)))
        seeds = [points for side in sides for points in self.estimator.columns.seed_means(side, shared)]
        mean, error = float(self.means[place]), float(self.errors[place])
        freedom = int(self.moments.groups[place]) - 1
        return lambda level: crossed(mean, error, freedom, seeds, level)

    def _is_counted(self, place: int) -> bool:
        """Whether both are right or wrong on independent items."""
        first, second = self.pairs[place]
        return self.units.are_items and self.binary[first] and self.binary[second]

    def _score_interval(self, place: int, level: float) -> Interval:
        ups, downs, items = (int(own[place]) for own in (self.ups, self.downs, self.moments.items))
        return score_interval(ups, downs, items, level)

    def _level(self, place: int, threshold: Threshold) -> float:
        return marginal_level(threshold.critical, int(self.moments.groups[place]), threshold.family)

    def _blocks(self, places: Places) -> list[Places]:
        size = max(1, WIDTH // len(self.values))
        return [places[start : start + size] for start in range(0, len(places), size)]

    def _differences(self, places: Places) -> Floats:
        return differences_of(self.values[:, self.left[places]], self.values[:, self.right[places]])

    def _moments(self, places: Places) -> tuple[FlipMoments, Floats, Floats]:
        """What a block of differences comes to, and how many of them are above and below 0."""
        differences = self._differences(places)
        ups, downs = ((side > 0).sum(axis=0).astype(np.float64) for side in (differences, -differences))
        return FlipMoments.of(*group_sums(differences, self.units)), ups, downs


def _medians(values: Floats) -> Floats:
    """The median of each row [n]; 0 where all is unknown: taken off, lest large values swallow differences."""
    has_value = ~np.isnan(values).all(axis=1)
    medians = np.zeros(len(values))
    medians[has_value] = np.nanmedian(values[has_value], axis=1)
    return medians
