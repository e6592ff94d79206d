"""The best of each approach against the best of each other."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from harness.records.decisions import Approach, ApproachContest
from harness.records.figures import Comparison, Result
from harness.summary.contested_figures import CONTESTANTS, ContestedFigure
from harness.summary.decision_figures import swapped


def approach_contests(
    headline: Sequence[ContestedFigure],
    pairs: Sequence[Comparison],
    results: Sequence[Result],
    approaches: Mapping[str, Approach],
) -> tuple[ApproachContest, ...]:
    """On each headline figure each two approaches that have a variant there.

    The best are picked by their means on the same items. Their comparison holds all the same, because it is taken from
    the family of all pairs, whose intervals hold together. Berk, Brown, Buja, Zhang & Zhao 2013.
    """
    contests = []
    for figure in headline:
        means = figure.standings(results)
        best = {
            approach: max(own, key=means.__getitem__)
            for approach in CONTESTANTS
            if (own := [v for v in figure.variants if approaches.get(v) == approach and v in means])
        }
        own_pairs = pairs_by_variants(figure, pairs)
        contests += [
            ApproachContest(approach=approach, rival=rival, comparison=own_pairs[best[approach], best[rival]])
            for approach, rival in combinations(best, 2)
            if (best[approach], best[rival]) in own_pairs
        ]
    return tuple(contests)


def pairs_by_variants(figure: ContestedFigure, pairs: Sequence[Comparison]) -> dict[tuple[str, str], Comparison]:
    """The comparisons on a figure, both ways round, by variant and rival."""
    own = [pair for pair in pairs if (pair.task, pair.metric) == (figure.estimator.task, figure.metric)]
    return {(side.variant, side.reference): side for pair in own for side in (pair, swapped(pair))}
