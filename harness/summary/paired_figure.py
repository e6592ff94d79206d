"""All pairs of variants on one headline figure, as members of a family that is tested by its largest statistic."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from harness.records.figures import Comparison
from harness.statistics.flipped_sums import Places
from harness.statistics.groups import Groups
from harness.statistics.intervals import Interval
from harness.statistics.max_t import Flipped, MaxT
from harness.statistics.power import Needed
from harness.statistics.resampling import Floats
from harness.summary.estimator import Estimator

Draw = Callable[[], Iterator[Floats]]  # the tosses of a task, from the first
SeedCrossing = Callable[[float], tuple[Interval, float]]  # level → the interval over items and seeds, and its p


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """What a family asks of each of its statistics."""

    critical: float  # that a statistic has to exceed
    family: int  # comparisons that are corrected together


class PairedFigure(ABC):
    """All pairs of some variants on a figure of a task; places count the pairs."""

    def __init__(self, estimator: Estimator, metric: str, variants: Sequence[str]) -> None:
        self.estimator = estimator
        self.metric = metric
        self.variants = variants
        self.pairs = list(combinations(range(len(variants)), 2))
        self.p = np.ones(len(self.pairs))  # of each pair by itself
        self.bars = np.zeros(len(self.pairs))  # the statistics, less their slack
        self.slack = np.zeros(len(self.pairs))

    @property
    def groups(self) -> Groups:
        """Of the task's items."""
        return self.estimator.columns.groups

    def join(self, family: MaxT, place: int) -> None:
        """Takes all pairs into a family, as statistics of the task at a place."""
        for places, block in self.statistics(partial(family.tosses.of, place)):
            self.p[places] = family.join(place, block)
            self.bars[places], self.slack[places] = block.observed - block.slack, block.slack

    @abstractmethod
    def statistics(self, draw: Draw) -> Iterator[tuple[Places, Flipped]]:
        """Blocks of pairs, by their places, with their statistics; their scales may rest on tosses of the task."""

    @abstractmethod
    def is_defined(self, place: int) -> bool:
        """Whether the difference of a pair is defined."""

    @abstractmethod
    def comparison(self, place: int) -> Comparison:
        """A pair with its own p, not yet corrected."""

    @abstractmethod
    def intervals(self, places: Sequence[int], threshold: Threshold) -> list[Interval]:
        """The simultaneous intervals of some pairs: each excludes 0 exactly where its statistic is large enough."""

    @abstractmethod
    def power(self, place: int, threshold: Threshold) -> tuple[float | None, Needed | None]:
        """The smallest difference that the family finds with 80 % power, and the items that confirm this one."""

    @abstractmethod
    def crossing(self, place: int) -> SeedCrossing | None:
        """The test over items and seeds of a pair whose models were trained several times."""

    def columns(self, place: int) -> tuple[tuple[str, str], str]:
        """The figure of a pair's first variant, and the other variant."""
        first, second = self.pairs[place]
        return (self.metric, self.variants[first]), self.variants[second]

    def empty(self, place: int) -> Comparison:
        """A pair without a difference."""
        (metric, variant), reference = self.columns(place)
        return Comparison(task=self.estimator.task, metric=metric, variant=variant, reference=reference, samples=0)
