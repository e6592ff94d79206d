"""Lengths and counts in four figures: the ends, the middle, and what nearly all stay below."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Of a set of numbers. The median of an even number is the mean of the middle two."""

    min: int
    median: float
    p95: int  # nearest rank: the smallest number that at least 95 % of them do not exceed
    max: int


def spread_of(values: Sequence[int]) -> Spread:
    """The spread of at least one number."""
    ordered = sorted(values)
    rank = -(-95 * len(ordered) // 100)  # ceil without floating point
    return Spread(ordered[0], statistics.median(ordered), ordered[rank - 1], ordered[-1])
