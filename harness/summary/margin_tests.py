"""Whether a variant is as good as another: tests of non-inferiority and equivalence within a margin."""

from collections.abc import Iterator, Mapping, Sequence

from harness.records.decisions import MarginTest
from harness.records.figures import Comparison, Result
from harness.summary.approach_contests import pairs_by_variants
from harness.summary.contested_figures import ContestedFigure

ALL_UP_TO = 30  # variants; of more only the best is tested against the others, and they against it


def margin_tests(
    headline: Sequence[ContestedFigure],
    pairs: Sequence[Comparison],
    results: Sequence[Result],
    margins: Mapping[str, float],
) -> tuple[MarginTest, ...]:
    """Each variant against each other on each headline figure with a margin, by the interval of all pairs.

    The confidence interval approach: a variant is non-inferior where the interval of what it loses ends below the
    margin, equivalent where what it gains does too. Westlake 1981; Schuirmann 1987. The interval is simultaneous and
    two-sided at 95 %, so that all these tests hold together at one-sided 2.5 % of error.
    """
    tests: list[MarginTest] = []
    for figure in headline:
        margin = margins.get(figure.name)
        if margin is None:
            continue
        own = pairs_by_variants(figure, pairs)
        chosen = set(figure.variants if len(figure.variants) <= ALL_UP_TO else _best(figure, results))
        ordered = [(v, r) for v in figure.variants for r in figure.variants if (v, r) in own and {v, r} & chosen]
        tests += _tests(figure, [own[pair] for pair in ordered], margin)
    return tuple(tests)


def _tests(figure: ContestedFigure, pairs: Sequence[Comparison], margin: float) -> Iterator[MarginTest]:
    for pair in pairs:
        if pair.difference is None or pair.low is None or pair.high is None:
            continue
        gains = sorted((figure.sign * pair.low, figure.sign * pair.high))
        most_lost, most_gained = 0.0 - gains[0], gains[1]
        yield MarginTest(
            task=pair.task,
            metric=pair.metric,
            variant=pair.variant,
            reference=pair.reference,
            margin=margin,
            loss=0.0 - figure.sign * pair.difference,
            most_lost=most_lost,
            most_gained=most_gained,
            non_inferior=most_lost < margin,
            equivalent=most_lost < margin and most_gained < margin,
        )


def _best(figure: ContestedFigure, results: Sequence[Result]) -> list[str]:
    means = figure.standings(results)
    return sorted((v for v in figure.variants if v in means), key=means.__getitem__, reverse=True)[:1]
