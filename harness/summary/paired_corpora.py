"""All pairs of variants on a figure of the corpus: their answers to whole groups of items change places together."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from harness.records.figures import Comparison
from harness.statistics.exchanged_figures import ExchangedFigures, Sides
from harness.statistics.exchanges import ResampledDifference
from harness.statistics.flipped_sums import Places
from harness.statistics.intervals import Interval, crossed
from harness.statistics.max_t import marginal_level
from harness.statistics.power import Needed
from harness.statistics.resampling import Floats
from harness.summary.corpus_figures import CorpusFigures
from harness.summary.paired_figure import Draw, PairedFigure, SeedCrossing, Threshold
from harness.summary.score_columns import Rows

BLOCK = 2000  # pairs that are recomputed together, and
WIDTH = 20_000_000  # numbers of what they are made of: bounds memory, not results


class PairedCorpora(PairedFigure):
    """A figure of the corpus, each variant against each other."""

    def __init__(self, estimator: CorpusFigures, metric: str, variants: Sequence[str]) -> None:
        super().__init__(estimator, metric, variants)
        self.corpus = estimator
        self._difference = lru_cache(maxsize=64)(self._difference_of)  # each holds RESAMPLES numbers
        self._scales, self._observed = np.ones(len(self.pairs)), np.zeros(len(self.pairs))

    def statistics(self, draw: Draw) -> Iterator[tuple[Places, ExchangedFigures]]:
        defined = [place for place in range(len(self.pairs)) if self.is_defined(place)]
        for places in self._blocks(defined):
            keys: dict[tuple[str, bytes], int] = {}
            pairs = [Sides(*(keys.setdefault(side, len(keys)) for side in self._sides(place))) for place in places]
            counts = [self.corpus.group_counts(variant, _rows(shared)) for variant, shared in keys]
            block = ExchangedFigures(counts, pairs, self._figures, draw())
            self._scales[places], self._observed[places] = block.scales, block.observed
            yield np.array(places, dtype=np.intp), block

    def is_defined(self, place: int) -> bool:
        return self._difference(place) is not None

    def comparison(self, place: int) -> Comparison:
        figure, reference = self.columns(place)
        shared = self._shared(place)
        gains, groups = self.corpus.gains(figure, reference, shared), self._resampled(place).groups
        wins, losses = int((gains > 0).sum()), int((gains < 0).sum())
        return Comparison(
            task=self.estimator.task,
            metric=self.metric,
            variant=figure[1],
            reference=reference,
            samples=len(gains),
            groups=None if groups.are_items else groups.count,
            difference=self._resampled(place).mean,
            p=float(self.p[place]),
            test="max-T of exchanges",
            wins=wins,
            losses=losses,
            ties=len(gains) - wins - losses,
        )

    def intervals(self, places: Sequence[int], threshold: Threshold) -> list[Interval]:
        return [self._interval(place, threshold) for place in places]

    def power(self, place: int, threshold: Threshold) -> tuple[float | None, Needed | None]:
        shared = self._shared(place)
        return self._resampled(place).power(int(shared.sum()), self._level(place, threshold), smallest_p=0.0)

    def crossing(self, place: int) -> SeedCrossing | None:
        (metric, variant), reference = self.columns(place)
        seeds, resampled = self.corpus.weighted_seeds(metric, {variant: 1.0, reference: 1.0}), self._resampled(place)
        freedom = resampled.groups.count - 1
        return (lambda level: crossed(resampled.mean, resampled.error, freedom, seeds, level)) if seeds else None

    def _interval(self, place: int, threshold: Threshold) -> Interval:
        """It reaches as far from the difference as the statistic would have to be large; seeds share one exchange."""
        resampled, size = self._resampled(place), self._scales[place] * self._observed[place]
        reach = (threshold.critical + self.slack[place]) * self._scales[place]
        reach *= abs(resampled.mean) / size if size and resampled.mean else 1.0
        return resampled.interval(self._level(place, threshold), float(reach))

    def _level(self, place: int, threshold: Threshold) -> float:
        return marginal_level(threshold.critical, self._resampled(place).groups.count, threshold.family)

    def _shared(self, place: int) -> Rows:
        """The items that both variants have [n]."""
        (metric, variant), reference = self.columns(place)
        return self.corpus.shared_by(metric, (variant, reference))

    def _difference_of(self, place: int) -> ResampledDifference | None:
        return self.corpus.resampled_difference(*self.columns(place))

    def _resampled(self, place: int) -> ResampledDifference:
        resampled = self._difference(place)
        if resampled is None:
            raise ValueError(f"pair {place} has no difference")
        return resampled

    def _sides(self, place: int) -> list[tuple[str, bytes]]:
        """Of both variants what they are counted on."""
        figure, reference = self.columns(place)
        rows = self._shared(place).tobytes()
        return [(figure[1], rows), (reference, rows)]

    def _figures(self, totals: Floats) -> Floats:
        return np.asarray(self.corpus.figures_of(totals)[self.corpus.part_of((self.metric, ""))], dtype=np.float64)

    def _blocks(self, places: Sequence[int]) -> Iterator[list[int]]:
        size = max(1, self.groups.count * len(self.estimator.columns.kinds))
        block: list[int] = []
        keys: set[tuple[str, bytes]] = set()
        for place in places:
            block.append(place)
            keys.update(self._sides(place))
            if len(block) >= BLOCK or len(keys) * size > WIDTH:
                yield block
                block, keys = [], set()
        if block:
            yield block


def _rows(shared: bytes) -> Rows:
    return np.frombuffer(shared, dtype=np.bool_)
