"""Many groups of which few differ: what is drawn for each of them is drawn once for all that are alike.

Right-or-wrong values of 250,000 items have a handful of patterns over all variants. Draws for these are exactly as
likely as those for single groups; they are other draws, though, so that figures of up to MANY groups stay as they were.
"""

from collections.abc import Iterator

import numpy as np

from harness.statistics.resampling import RESAMPLES, Floats, coin_tosses, draws_at_once, random_weights

MANY = 10_000  # groups
FEWER = 8  # times: below it, drawing for each pattern takes no less time than drawing for each group


def alike(rows: Floats) -> tuple[Floats, Floats] | None:
    """The distinct ones among the rows of many groups [g, m] → [k, m], and how often each occurs [k].

    None where hardly any are alike.
    """
    whole = np.ascontiguousarray(rows)
    keys = whole.view(np.dtype((np.void, whole.itemsize * whole.shape[1]))).ravel()
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    if FEWER * len(first) > len(rows):
        return None
    return whole[first], counts.astype(np.float64)


def weighted_sums(sums: Floats, sizes: Floats, seed: int) -> Iterator[tuple[Floats, Floats]]:
    """Totals of sums and sizes [g, m] of groups under `random_weights`, some resamples at a time [r, m].

    The weights of c groups are exponential, so that their sum is a Gamma weight of shape c.
    """
    patterns = alike(np.hstack([sums, sizes])) if len(sums) > MANY else None
    if patterns is None:
        yield from ((weights @ sums, weights @ sizes) for weights in random_weights(len(sums), seed))
        return
    distinct, counts = patterns
    rng = np.random.default_rng(seed)
    for size in draws_at_once(len(distinct)):
        totals, weight = np.hsplit(rng.standard_gamma(counts, (size, len(distinct))) @ distinct, 2)
        yield totals, weight


def tossed_sums(rows: Floats, seed: int) -> Floats:
    """Sums of those rows [g, m] of groups whose coin shows heads, in RESAMPLES trials [r, m].

    How many of c coins show heads is binomial.
    """
    patterns = alike(rows) if len(rows) > MANY else None
    if patterns is None:
        return np.concatenate([tosses @ rows for tosses in coin_tosses(len(rows), seed)])
    distinct, counts = patterns
    heads = np.random.default_rng(seed).binomial(counts.astype(np.int64), 0.5, (RESAMPLES, len(distinct)))
    moved: Floats = heads.astype(np.float64) @ distinct
    return moved
