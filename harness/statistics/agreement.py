"""Whether two readers agree, beyond what chance would give: κ, rank correlation, majority, and how sure that is."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Literal, TypeVar

import numpy as np

from harness.statistics.resampling import ALPHA, RESAMPLES, Floats, percentiles

Label = TypeVar("Label", bound=Hashable)
MOST_RESAMPLES = 1_000_000  # of κ, whose ends are printed with two digits: of 100 items they vary by about 0.0003
WORK = 10_000_000  # draws of a cell; more cells come with more items, whose interval is narrower and needs fewer
CHUNK = 20_000  # resamples held at once: bounds memory, not results
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
    distance = _distances(list(codes), weights)
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


def interval(
    *columns: Sequence[Any],
    statistic: Callable[..., float | None],
    seed: int,
    groups: Sequence[Hashable] | None = None,
) -> tuple[float, float] | None:
    """95 % bootstrap interval (percentiles) of a statistic over items. Efron & Tibshirani 1993.

    Each column has one entry per item; all are resampled by the same items and given to `statistic`. Items of one
    group, such as answers to one question, are drawn together; without `groups` each item is one. Of `cohen_kappa`
    (or a partial of it with weights) so many resamples are drawn that another seed prints the same two digits.
    None where the resamples cannot tell: fewer than 2 groups; a statistic undefined in more than 2.5 % of the
    resamples, because an end of the interval would then be unknown; or equal in all of them, which would claim
    certainty. Raises ValueError for columns of unequal length.
    """
    units: dict[Hashable, list[tuple[Any, ...]]] = {}
    for label, row in zip(groups or range(len(columns[0])), zip(*columns, strict=True), strict=True):
        units.setdefault(label, []).append(row)
    if len(units) < 2:
        return None
    function = statistic.func if isinstance(statistic, partial) else statistic
    if function is cohen_kappa:
        weights = statistic.keywords.get("weights") if isinstance(statistic, partial) else None
        values = _resampled_kappas(list(units.values()), weights, seed)
    else:
        members = list(units.values())
        draws = np.random.default_rng(seed).integers(0, len(members), (RESAMPLES, len(members)))
        resampled = (statistic(*zip(*(row for i in drawn for row in members[i]), strict=True)) for drawn in draws)
        values = np.array([math.nan if value is None else value for value in resampled])
    if np.isnan(values).mean() > ALPHA / 2 or np.nanmax(values) - np.nanmin(values) < 1e-12:
        return None
    return percentiles(values)


def _resampled_kappas(
    units: Sequence[Sequence[tuple[Any, ...]]], weights: Literal["linear", "quadratic"] | None, seed: int
) -> Floats:
    """κ of resamples of groups, NaN where it is not defined. Groups that are alike are drawn together, as one count."""
    cells = {pair: cell for cell, pair in enumerate(dict.fromkeys(chain.from_iterable(units)))}
    kinds = Counter(tuple(sorted(cells[pair] for pair in unit)) for unit in units)
    pairs = _complete_pairs(*zip(*cells, strict=True))
    codes = {label: code for code, label in enumerate(dict.fromkeys(chain.from_iterable(pairs)))}
    if not codes:
        return np.full(1, math.nan)
    is_known = np.array([not any(map(_is_unknown, pair)) for pair in cells])
    contents = np.array([np.bincount(kind, minlength=len(cells)) for kind in kinds])[:, is_known].astype(np.float64)
    first, second = np.array([(codes[x], codes[y]) for x, y in pairs]).T
    margins, distance = np.eye(len(codes)), _distances(list(codes), weights)
    share = np.array(list(kinds.values())) / len(units)
    number = int(np.clip(WORK // len(kinds), RESAMPLES, MOST_RESAMPLES))
    rng = np.random.default_rng(seed)
    kappas = []
    for start in range(0, number, CHUNK):
        counts = rng.multinomial(len(units), share, min(CHUNK, number - start)) @ contents
        sizes = counts.sum(axis=1)
        by_chance = ((counts @ margins[first] @ distance) * (counts @ margins[second])).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            kappa = 1 - counts @ distance[first, second] * sizes / by_chance
        kappas.append(np.where((sizes < 2) | (by_chance <= 0), math.nan, kappa))
    return np.concatenate(kappas)


def _distances(labels: Sequence[Any], weights: Literal["linear", "quadratic"] | None) -> Floats:
    """How much each pair of labels differs [k, k]."""
    if weights is None:
        return 1.0 - np.eye(len(labels))
    values = np.array(labels, dtype=float)
    distances: Floats = np.abs(values[:, None] - values) ** POWERS[weights]
    return distances


def _correlation(of: Callable[..., Any], a: Sequence[float | None], b: Sequence[float | None]) -> float | None:
    pairs = _complete_pairs(a, b)
    if len({x for x, _ in pairs}) < 2 or len({y for _, y in pairs}) < 2:
        return None
    return float(of(*zip(*pairs, strict=True)).statistic)


def _complete_pairs(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[Hashable, Hashable]]:
    return [pair for pair in zip(a, b, strict=True) if not any(map(_is_unknown, pair))]


def _is_unknown(label: object) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))
