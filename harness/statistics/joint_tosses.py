"""Changes of sign of the groups of several tasks at once: what all statistics of a family are recomputed under."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from harness.statistics.resampling import RESAMPLES, Floats, coin_tosses


class JointTosses:
    """Tosses of a coin for each group of each task; the figures of a task share them, tasks are independent.

    All 2^G assignments to the G groups of all tasks where they are no more than RESAMPLES, else random ones.
    """

    def __init__(self, counts: Sequence[int], seed: int) -> None:
        self.counts = tuple(counts)
        self.seed = seed

    @property
    def is_exact(self) -> bool:
        """Whether all assignments are looked at."""
        return sum(self.counts) <= math.log2(RESAMPLES)

    @property
    def draws(self) -> int:
        """How many assignments are looked at."""
        return 2 ** sum(self.counts) if self.is_exact else RESAMPLES

    def of(self, place: int) -> Iterator[Floats]:
        """Which groups of the task at a place change sides, 0 or 1, some rows at a time: [rows, groups]."""
        if not self.is_exact:
            yield from coin_tosses(self.counts[place], self.seed + place)
            return
        first, own = sum(self.counts[:place]), self.counts[place]
        yield ((np.arange(self.draws)[:, None] >> np.arange(first, first + own)) & 1).astype(np.float64)

    def share(self, hits: Floats) -> Floats:
        """The p of so many assignments at least as far: exact, or (hits + 1) / (draws + 1)."""
        p: Floats = hits / self.draws if self.is_exact else (hits + 1.0) / (self.draws + 1.0)
        return p
