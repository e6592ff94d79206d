"""What each factor of a grid of variants does on average over the others, and how two of them depend on each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from harness.records.decisions import Effect
from harness.statistics.resampling import ALPHA
from harness.summary.comparison_plan import ComparisonPlan, Grid
from harness.summary.contested_figures import ContestedFigure
from harness.summary.contrast_tests import TestedContrast, WeightedSum, corpus_contrasts, mean_contrasts
from harness.summary.corpus_figures import CorpusFigures


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which factors are asked about, and from which level to which."""

    factors: tuple[str, ...]
    levels: tuple[tuple[str, str], ...]
    contrast: WeightedSum


def factorial_effects(headline: Sequence[ContestedFigure], plan: ComparisonPlan) -> tuple[Effect, ...]:
    """Main effects and interactions of two factors: of each grid on each headline figure, one family.

    An effect is the mean over the combinations of the other factors, of those only that are complete for it: all cells
    that it takes were scored. A level is compared with the factor's first. Fisher 1935; Yates 1937.
    """
    effects = []
    for grid, cells in plan.grids.items():
        for figure in headline:
            scored = {variant: levels for variant, levels in cells.items() if _is_scored(figure, variant)}
            questions = list(_questions(cells, scored))
            if isinstance(figure.estimator, CorpusFigures):
                tested = corpus_contrasts(figure.estimator, figure.metric, [own.contrast for own in questions])
            else:
                tested = mean_contrasts(figure.estimator, figure.metric, [own.contrast for own in questions])
            effects += [_effect(grid, figure, *pair) for pair in zip(questions, tested, strict=True)]
    return tuple(effects)


def _is_scored(figure: ContestedFigure, variant: str) -> bool:
    if variant not in figure.variants:
        return False
    return bool(np.isfinite(figure.estimator.values((figure.metric, variant))).any())


def _questions(grid: Grid, scored: Grid) -> Iterator[Question]:
    """All that the scored cells can answer, main effects first."""
    factors = list(dict.fromkeys(factor for levels in grid.values() for factor in levels))
    levels = {factor: list(dict.fromkeys(own[factor] for own in grid.values() if factor in own)) for factor in factors}
    for number in (1, 2):
        for chosen in combinations(factors, number):
            steps = [[(levels[factor][0], level) for level in levels[factor][1:]] for factor in chosen]
            for step in product(*steps):
                weights = _weights(scored, dict(zip(chosen, step, strict=True)), levels)
                if weights:
                    yield Question(factors=chosen, levels=step, contrast=WeightedSum(weights, float(number)))


def _weights(
    scored: Grid, steps: Mapping[str, tuple[str, str]], levels: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """The weight of each variant: + at the second level and − at the first, over all complete combinations.

    A variant to which a factor makes no difference stands for all its levels: one without a retriever is compared with
    those that show 1 passage and with those that show 3.
    """
    combined: dict[frozenset[tuple[str, str]], dict[tuple[str, ...], str]] = {}
    for variant, own in scored.items():
        if not all(own.get(factor) in step for factor, step in steps.items()):
            continue
        at, absent = tuple(own[factor] for factor in steps), [factor for factor in levels if factor not in own]
        for stood_for in product(*(levels[factor] for factor in absent)):
            cell = {**own, **dict(zip(absent, stood_for, strict=True))}
            rest = frozenset(item for item in cell.items() if item[0] not in steps)
            combined.setdefault(rest, {})[at] = variant
    complete = [cells for cells in combined.values() if len(cells) == 2 ** len(steps)]
    weights: dict[str, float] = {}
    for at, variant in (item for cells in complete for item in cells.items()):
        sign = float(np.prod([1 if own == step[1] else -1 for own, step in zip(at, steps.values(), strict=True)]))
        weights[variant] = weights.get(variant, 0.0) + sign / len(complete)
    return weights


def _effect(grid: str, figure: ContestedFigure, question: Question, tested: TestedContrast) -> Effect:
    difference = tested.difference
    is_sure = tested.p_adjusted is not None and tested.p_adjusted < ALPHA and bool(difference)
    return Effect(
        grid=grid,
        task=figure.estimator.task,
        metric=figure.metric,
        factors=question.factors,
        levels=question.levels,
        cells=len(question.contrast.weights),
        difference=difference,
        low=tested.low,
        high=tested.high,
        p_adjusted=tested.p_adjusted,
        verdict="inconclusive" if not is_sure else "better" if figure.sign * (difference or 0.0) > 0 else "worse",
    )
