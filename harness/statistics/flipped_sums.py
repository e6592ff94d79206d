"""Mean differences of many pairs under changes of sign of whole groups of items: T = |Σ d_g| / √Σ d_g².

d_g is the sum of a pair's differences over the items of group g that both sides have. Changes of sign leave the
denominator as it is, so that all pairs are recomputed by one product of matrices. Fisher 1935; groups: Canay, Romano &
Shaikh 2017.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from harness.statistics.groups import Groups
from harness.statistics.intervals import Interval
from harness.statistics.resampling import NOTHING, Floats

ROUNDING = 1e-10  # relative to what is summed: sums in another order may differ by so much
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipMoments:
    """What the sums of differences of each pair over its groups come to: arrays [m]."""

    total: Floats  # S = Σ d_g
    items: Floats  # N = Σ n_g, items that both sides have
    squares: Floats  # A = Σ d_g²
    products: Floats  # B = Σ d_g n_g
    size_squares: Floats  # C = Σ n_g²
    groups: Floats  # that have such items
    differing: Floats  # groups whose sum is not 0
    sizes: Floats  # Σ |d_g|

    @classmethod
    def of(cls, sums: Floats, counts: Floats) -> "FlipMoments":
        """sums and counts [G, m] of the differences over groups."""
        sizes = np.abs(sums).sum(axis=0)
        total = sums.sum(axis=0)
        return cls(
            total=np.where(np.abs(total) <= NOTHING * sizes, 0.0, total),
            items=counts.sum(axis=0),
            squares=(sums**2).sum(axis=0),
            products=(sums * counts).sum(axis=0),
            size_squares=(counts**2).sum(axis=0),
            groups=(counts > 0).sum(axis=0).astype(np.float64),
            differing=(sums != 0).sum(axis=0).astype(np.float64),
            sizes=sizes,
        )

    @classmethod
    def joined(cls, parts: "Sequence[FlipMoments]") -> "FlipMoments":
        """Those of several blocks of pairs, one after another."""
        return cls(**{own.name: np.concatenate([getattr(part, own.name) for part in parts]) for own in fields(cls)})

    def at(self, places: Places) -> "FlipMoments":
        """Those of some pairs."""
        return FlipMoments(**{own.name: getattr(self, own.name)[places] for own in fields(self)})

    @property
    def norms(self) -> Floats:
        """√A [m]; 1 where no item differs, so that T is 0."""
        return np.sqrt(np.where(self.squares > 0, self.squares, 1.0))

    @property
    def means(self) -> Floats:
        """The mean differences [m]."""
        return self.total / np.maximum(self.items, 1.0)

    @property
    def errors(self) -> Floats:
        """Standard errors of the means, clustered by group (CR1) [m]: as `groups.error_of_mean`."""
        means, counts = self.means, self.groups
        residuals = self.squares - 2 * means * self.products + means**2 * self.size_squares
        residuals = np.where(residuals > ROUNDING * self.squares, residuals, 0.0)
        return np.sqrt(counts / np.maximum(counts - 1, 1.0) * residuals) / np.maximum(self.items, 1.0)

    def open_differences(self, place: int, critical: float) -> Interval:
        """The mean differences δ of a pair that flips leave open: (S − δN)² ≤ c² Σ (d_g − δ n_g)².

        It excludes 0 exactly where T exceeds c; without ends, where so few groups could not reject any difference.
        """
        total, items, squares = (float(own[place]) for own in (self.total, self.items, self.squares))
        products, sizes = float(self.products[place]), float(self.size_squares[place])
        mean, c2 = total / items, critical**2
        curve, slope = items**2 - c2 * sizes, total * items - c2 * products
        rest = total**2 - c2 * squares
        root = math.sqrt(max(0.0, slope**2 - curve * rest))
        low, high = -math.inf, math.inf
        if curve > NOTHING * items**2:
            low, high = min(mean, (slope - root) / curve), max(mean, (slope + root) / curve)
        elif rest > 0 and root:  # 0 lies between two roots; the mean is beyond the one on its side
            low, high = (rest / (slope + root), high) if mean > 0 else (low, rest / (slope - root))
        if rest > 0:  # what the test excludes, rounding must not let in again
            low, high = (max(low, NOTHING * mean), high) if mean > 0 else (low, min(high, NOTHING * mean))
            return Interval(mean, low, high)
        return Interval(mean, min(low, 0.0), max(high, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class FlippedSums:
    """The statistics T of some pairs, and what changes of sign make of them.

    Each pair is one column of sums, or the difference of two: variants with the same unknown items share columns.
    """

    columns: Floats  # [G, k]
    totals: Floats  # [k] of the columns
    left: Places  # [m]
    right: Places | None  # [m]; None: columns are differences already
    norms: Floats  # [m]
    observed: Floats  # [m]
    slack: Floats  # [m]

    @classmethod
    def of(cls, columns: Floats, left: Places, right: Places | None, moments: FlipMoments) -> "FlippedSums":
        """With the statistics of pairs [m] whose columns these are."""
        norms = moments.norms
        slack = ROUNDING * moments.sizes / norms + ROUNDING
        observed = np.abs(moments.total) / norms
        return cls(
            columns=columns, totals=columns.sum(axis=0), left=left, right=right, norms=norms, observed=observed,
            slack=slack,
        )  # fmt: skip

    def under(self, swaps: Floats) -> Floats:
        """swaps [rows, G] → the statistics when those groups change signs [rows, m]."""
        flipped = self.totals - 2.0 * (swaps @ self.columns)
        sums = flipped[:, self.left]
        if self.right is not None:
            sums = sums - flipped[:, self.right]
        sizes: Floats = np.abs(sums, out=sums)
        sizes /= self.norms
        return sizes


def group_sums(differences: Floats, groups: Groups) -> tuple[Floats, Floats]:
    """differences [n, m], NaN for unknown → their sums and how many they are, over each group [G, m]."""
    has_value = np.isfinite(differences)
    return groups.sums(np.where(has_value, differences, 0.0)), groups.sums(has_value.astype(np.float64))
