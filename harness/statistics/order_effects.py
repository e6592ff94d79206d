"""Whether a judge prefers an answer or only the place where it was shown: each pair is judged in both orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.statistics.tests import mcnemar

OUTCOMES = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """Pairs of an A and a B, judged in both orders."""

    combined: tuple[float | None, ...]  # for A, pair by pair: 1, 0.5, 0; None where an order was not read
    read: int  # pairs read in both orders
    first: int  # flips, that is pairs whose two verdicts differ, in favour of the answer shown first
    second: int
    flip_rate: float | None  # flips / read
    position_p: float | None  # two-sided, of `first` and `second` being equally likely; None without flips


def swapped(verdicts: Sequence[tuple[float | None, float | None]]) -> Swapped:
    """Combine the two verdicts of each pair, and measure what the order did.

    `verdicts` are outcomes for A (1 better, 0.5 tie, 0 worse, None failed or unreadable), the first with A shown first,
    the second with A shown second. Verdicts that agree stand; verdicts that differ make a tie; a verdict that is
    not there makes the pair unknown, never a tie. A flip is any difference, also between a win and a tie, as
    MT-bench counts inconsistent verdicts (Zheng et al. 2023, section 3.4). The p-value is an exact binomial test that
    takes pairs as independent. Raises ValueError for any other outcome.
    """
    for pair in verdicts:
        if any(outcome is not None and outcome not in OUTCOMES for outcome in pair):
            raise ValueError(f"outcomes {pair}: expected 1, 0.5, 0 or None")
    combined = tuple(_combine(*pair) for pair in verdicts)
    read = [(before, after) for before, after in verdicts if before is not None and after is not None]
    first = sum(before > after for before, after in read)
    second = sum(before < after for before, after in read)
    return Swapped(
        combined=combined,
        read=len(read),
        first=first,
        second=second,
        flip_rate=(first + second) / len(read) if read else None,
        position_p=mcnemar(first, second) if first + second else None,  # the same exact binomial test
    )


def _combine(before: float | None, after: float | None) -> float | None:
    if before is None or after is None:
        return None
    return float(before) if before == after else 0.5
