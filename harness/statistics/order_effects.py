"""Whether a judge prefers an answer or only the place where it was shown: each pair is judged in both orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.statistics.tests import mcnemar

OUTCOMES = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """Pairs of an A and a B, judged in both orders."""

    combined: tuple[float | None, ...]  # for A, pair by pair: 1, 0.5, 0; None where an order was not read
    pairs: int
    read: int  # in both orders
    unknown: int  # pairs of which an order failed or could not be read
    wins: int  # of A, in both orders
    ties: int
    losses: int
    mean: float | None  # of `combined` over the pairs that were read
    flips: int  # pairs whose two verdicts differ
    flip_rate: float | None  # flips / read
    first: int  # flips in favour of the answer shown first
    second: int
    position_p: float | None  # two-sided, of `first` and `second` being equally likely; None without flips
    sign_p: float | None  # two-sided, of `wins` and `losses` being equally likely; None without either


def swapped(verdicts: Sequence[tuple[float | None, float | None]]) -> Swapped:
    """Combine the two verdicts of each pair, and measure what the order did.

    `verdicts` are outcomes for A (1 better, 0.5 tie, 0 worse, None failed or unreadable), the first with A shown first,
    the second with A shown second. Verdicts that agree stand; verdicts that differ make a tie; a verdict that is
    not there makes the pair unknown, never a tie. A flip is any difference, also between a win and a tie, as
    MT-bench counts inconsistent verdicts (Zheng et al. 2023, section 3.4). Both p-values are exact binomial tests that
    take pairs as independent. Raises ValueError for any other outcome.
    """
    for pair in verdicts:
        if any(outcome is not None and outcome not in OUTCOMES for outcome in pair):
            raise ValueError(f"outcomes {pair}: expected 1, 0.5, 0 or None")
    combined = tuple(_combine(*pair) for pair in verdicts)
    read = [(before, after) for before, after in verdicts if before is not None and after is not None]
    wins, ties, losses = (combined.count(outcome) for outcome in (1.0, 0.5, 0.0))
    first = sum(before > after for before, after in read)
    second = sum(before < after for before, after in read)
    return Swapped(
        combined=combined,
        pairs=len(combined),
        read=len(read),
        unknown=len(combined) - len(read),
        wins=wins,
        ties=ties,
        losses=losses,
        mean=(wins + ties / 2) / len(read) if read else None,
        flips=first + second,
        flip_rate=(first + second) / len(read) if read else None,
        first=first,
        second=second,
        position_p=_even(first, second),
        sign_p=_even(wins, losses),
    )


def _combine(before: float | None, after: float | None) -> float | None:
    if before is None or after is None:
        return None
    return float(before) if before == after else 0.5


def _even(first: int, second: int) -> float | None:
    return mcnemar(first, second) if first + second else None  # the same exact binomial test
