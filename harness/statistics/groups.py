"""Items that are not independent: rows of one dialogue, questions on one text, one question written twice."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.statistics.resampling import Floats

Codes = NDArray[np.intp]
FEW = 10  # with fewer groups, intervals and tests rest on too little to be relied on


@dataclass(frozen=True, slots=True)
class Groups:
    """Which items belong together: of each item the number of its group, 0 to `count` − 1 [n]."""

    codes: Codes
    count: int

    @classmethod
    def of(cls, labels: Sequence[Hashable]) -> "Groups":
        """Items with equal labels are a group; None is an item by itself."""
        numbers: dict[Hashable, int] = {}
        keys = [("item", i) if label is None else ("group", label) for i, label in enumerate(labels)]
        codes = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)
        return cls(codes, len(numbers))

    @classmethod
    def single(cls, n: int) -> "Groups":
        """Each of n items by itself."""
        return cls(np.arange(n, dtype=np.intp), n)

    @property
    def are_items(self) -> bool:
        """Whether each item is a group by itself."""
        return self.count == len(self.codes)

    @property
    def sizes(self) -> Floats:
        """How many items each group has [G]."""
        return np.bincount(self.codes, minlength=self.count).astype(np.float64)

    def at(self, rows: NDArray[np.bool_]) -> "Groups":
        """The groups of some items, counted anew; of all items they are what they were."""
        if rows.all():
            return self
        labels, codes = np.unique(self.codes[rows], return_inverse=True)
        return Groups(codes.astype(np.intp), len(labels))

    def sums(self, values: Floats) -> Floats:
        """values [n] or [n, m] → their sums over each group [G] or [G, m]."""
        totals = np.zeros((self.count, *values.shape[1:]))
        if self.are_items:
            totals[self.codes] += values
            return totals
        np.add.at(totals, self.codes, values)
        return totals


def merged(groups: Groups, *columns: Floats) -> tuple[Groups, tuple[Floats, ...]]:
    """Groups of one size whose values are all equal, such as rows written several times, as one item each.

    Columns [n] → [G]; as they are where a group's values differ, or the sizes of groups.
    """
    sizes = groups.sizes
    if groups.are_items or np.ptp(sizes):
        return groups, columns
    means = tuple(groups.sums(column) / sizes for column in columns)
    is_constant = all(np.array_equal(mean[groups.codes], column) for mean, column in zip(means, columns, strict=True))
    return (Groups.single(groups.count), means) if is_constant else (groups, columns)


def error_of_mean(values: Floats, groups: Groups) -> float:
    """Standard error of a mean, clustered by group: CR1, √(G/(G−1) Σ_g (Σ_{i∈g} (x_i − x̄))²) / n.

    Where each item is a group it is s / √n. 0.0 with a single group, which shows no error. Degrees of freedom are
    G − 1. Cameron & Miller 2015, section II.B, as statsmodels and inspect_ai have it.
    """
    if groups.count < 2:
        return 0.0
    residuals = groups.sums(values - values.mean())
    return float(np.sqrt(groups.count / (groups.count - 1) * (residuals**2).sum()) / len(values))
