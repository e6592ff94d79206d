"""Whether two readers agree, beyond what chance would give: κ, rank correlation, majority, and how sure that is."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import Any, Literal, TypeVar

import numpy as np

from harness.statistics.resampling import ALPHA, percentiles

Label = TypeVar("Label", bound=Hashable)
RESAMPLES = 1000
POWERS = {"linear": 1, "quadratic": 2}


def agreement(a: Sequence[Hashable], b: Sequence[Hashable]) -> float | None:
    """Share of items with equal labels, in [0, 1]. Items that either side leaves unknown (None) do not count.

    None when no item is known to both. Raises ValueError for lists of unequal length.
    """
    pairs = _complete_pairs(a, b)
    return sum(x == y for x, y in pairs) / len(pairs) if pairs else None


def cohen_kappa(
    a: Sequence[Hashable], b: Sequence[Hashable], weights: Literal["linear", "quadratic"] | None = None
) -> float | None:
    """Agreement of two annotators beyond chance, in [-1, 1], higher is better. Cohen 1960; with weights Cohen 1968.

    1 - observed / expected disagreement. Weights take numbers and weigh a disagreement by their distance or its square.
    scikit-learn weighs by the distance in rank among the labels that occur: scores 1, 2, 5 would be read as 1, 2, 3.
    Items that either side leaves unknown (None) do not count. None when fewer than 2 items are left, or when both
    sides gave one and the same label throughout. Raises ValueError for lists of unequal length.
    """
    pairs = _complete_pairs(a, b)
    codes = {label: code for code, label in enumerate(dict.fromkeys(chain.from_iterable(pairs)))}
    if len(pairs) < 2 or len(codes) < 2:
        return None
    k = len(codes)
    cells = np.bincount([codes[x] * k + codes[y] for x, y in pairs], minlength=k * k).reshape(k, k)
    distance = 1.0 - np.eye(k)
    if weights:
        values = np.array(list(codes), dtype=float)
        distance = np.abs(values[:, None] - values) ** POWERS[weights]
    expected = np.outer(cells.sum(axis=1), cells.sum(axis=0)) / len(pairs)
    return 1 - float((distance * cells).sum() / (distance * expected).sum())


def fleiss_kappa(ratings: Sequence[Sequence[Hashable]]) -> float | None:
    """Agreement of several annotators beyond chance, in (-1, 1], higher is better. Fleiss 1971.

    One row of labels per item, in any order of annotators; None is a rating that is not there. The formula needs the
    same number of ratings for each item: items with another number than the commonest (of those from 2 up; the larger
    if two are equally common) are left out. None when fewer than 2 items are left or all labels are equal.
    """
    rows = [[label for label in row if not _is_unknown(label)] for row in ratings]
    sizes = Counter(len(row) for row in rows if len(row) > 1)
    size = max(sizes, key=lambda number: (sizes[number], number), default=0)
    used = [row for row in rows if size and len(row) == size]
    totals = Counter(chain.from_iterable(used))
    if len(used) < 2 or len(totals) < 2:
        return None
    pairs = sum(count * (count - 1) for row in used for count in Counter(row).values())
    observed = pairs / (len(used) * size * (size - 1))
    expected = sum((count / (len(used) * size)) ** 2 for count in totals.values())
    return (observed - expected) / (1 - expected)


def spearman(a: Sequence[float | None], b: Sequence[float | None]) -> float | None:
    """Spearman's 1904 rank correlation ρ, in [-1, 1], ties with their mean rank. Unknown (None) items do not count.

    None when fewer than 2 items are left or one side does not vary. Raises ValueError for lists of unequal length.
    """
    from scipy.stats import spearmanr

    return _correlation(spearmanr, a, b)


def kendall(a: Sequence[float | None], b: Sequence[float | None]) -> float | None:
    """Kendall's rank correlation τ-b (1945), in [-1, 1], corrected for ties. Unknown (None) items do not count.

    None when fewer than 2 items are left or one side does not vary. Raises ValueError for lists of unequal length.
    """
    from scipy.stats import kendalltau

    return _correlation(kendalltau, a, b)


def majority(votes: Sequence[Label | None]) -> Label | None:
    """The commonest vote, which need not be more than half of them; None when two are equally common or none is known.

    A vote that is None is unknown and does not count.
    """
    ranked = Counter(vote for vote in votes if vote is not None and not _is_unknown(vote)).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def interval(*columns: Sequence[Any], statistic: Callable[..., float | None], seed: int) -> tuple[float, float] | None:
    """95 % bootstrap interval (percentiles) of a statistic over items. Efron & Tibshirani 1993.

    Each column has one entry per item; all are resampled by the same items and given to `statistic`.
    None where the resamples cannot tell: fewer than 2 items; a statistic undefined in more than 2.5 % of the resamples,
    because an end of the interval would then be unknown; or equal in all of them, which would claim certainty.
    Raises ValueError for columns of unequal length.
    """
    rows = list(zip(*columns, strict=True))
    if len(rows) < 2:
        return None
    values = []
    for drawn in np.random.default_rng(seed).integers(0, len(rows), (RESAMPLES, len(rows))):
        value = statistic(*zip(*(rows[i] for i in drawn), strict=True))
        if value is not None:
            values.append(value)
    if len(values) < RESAMPLES * (1 - ALPHA / 2) or np.ptp(values) < 1e-12:
        return None
    return percentiles(np.array(values))


def _correlation(of: Callable[..., Any], a: Sequence[float | None], b: Sequence[float | None]) -> float | None:
    pairs = _complete_pairs(a, b)
    if len({x for x, _ in pairs}) < 2 or len({y for _, y in pairs}) < 2:
        return None
    return float(of(*zip(*pairs, strict=True)).statistic)


def _complete_pairs(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[Hashable, Hashable]]:
    return [pair for pair in zip(a, b, strict=True) if not any(map(_is_unknown, pair))]


def _is_unknown(label: object) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))
