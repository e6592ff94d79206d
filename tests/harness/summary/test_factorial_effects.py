"""Effects of a grid by hand, against t tests, and what is left of a grid with holes."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from harness.records.decisions import Effect
from harness.records.figures import MetricInfo
from tests.shared.scored_suites import SHARE, summary

GRID = {
    "base": {"model": "base", "retriever": "none"},
    "base+rag": {"model": "base", "retriever": "tfidf"},
    "lora": {"model": "lora", "retriever": "none"},
    "lora+rag": {"model": "lora", "retriever": "tfidf"},
}
RNG = np.random.default_rng(5)
SHAPE = RNG.normal(size=40) / 10


def effects(
    values: Mapping[str, Sequence[float | None]],
    grid: Mapping[str, Mapping[str, str]] = GRID,
    info: MetricInfo = SHARE,
    group: int = 1,
    **design: Any,
) -> tuple[Effect, ...]:
    grids = {"model × retriever": grid}
    return summary({"t": values}, {"t.m": info}, group, cycle=1, grids=grids, **design).decisions.effects


def cells(**means: float) -> dict[str, list[float]]:
    """Values about these means, each cell with noise of its own."""
    return {
        name.replace("_", "+"): (mean + SHAPE + RNG.normal(size=40) / 20).clip(0, 1).tolist()
        for name, mean in means.items()
    }


def summed(values: Mapping[str, Sequence[float | None]], weights: Mapping[str, float]) -> np.ndarray:
    return sum(weight * np.array(values[name], dtype=float) for name, weight in weights.items())  # type: ignore[return-value]


WEIGHTS = {
    ("model",): {"base": -0.5, "base+rag": -0.5, "lora": 0.5, "lora+rag": 0.5},
    ("retriever",): {"base": -0.5, "base+rag": 0.5, "lora": -0.5, "lora+rag": 0.5},
    ("model", "retriever"): {"base": 1.0, "base+rag": -1.0, "lora": -1.0, "lora+rag": 1.0},
}


def test_by_hand() -> None:
    # model: mean(lora .6, lora+rag .7) − mean(base .2, base+rag .5) = .3; retriever: .6 − .4 = .2;
    # together: (.7 − .6) − (.5 − .2) = −.2: retrieval helps less once tuned
    values = {"base": [0.2] * 9, "base+rag": [0.5] * 9, "lora": [0.6] * 9, "lora+rag": [0.7] * 9}
    made = effects(values)
    assert [(own.factors, own.levels, own.cells) for own in made] == [
        (("model",), (("base", "lora"),), 4),
        (("retriever",), (("none", "tfidf"),), 4),
        (("model", "retriever"), (("base", "lora"), ("none", "tfidf")), 4),
    ]
    assert [own.difference for own in made] == pytest.approx([0.3, 0.2, -0.2])
    assert [own.p_adjusted for own in made] == pytest.approx([2 / 2**9] * 3)  # equal values: all signs alike
    assert [own.verdict for own in made] == ["better", "better", "worse"]
    assert {(own.grid, own.task, own.metric) for own in made} == {("model × retriever", "t", "m")}


@pytest.mark.parametrize("corpus", [False, True])
@pytest.mark.parametrize("group", [1, 2])
def test_effects_are_those_of_a_t_test(corpus: bool, group: int) -> None:
    """Each item's own sum, tested by Student's t with Bonferroni's correction: other code, nearly the same answer."""
    values = cells(base=0.3, base_rag=0.5, lora=0.55, lora_rag=0.57)
    made = effects(values, info=replace(SHARE, corpus=corpus), group=group)
    for own in made:
        sums = summed(values, WEIGHTS[own.factors])
        means = sums.reshape(-1, group).mean(axis=1)
        test = ttest_1samp(means, 0.0)
        interval = test.confidence_interval(1 - 0.05 / 3)
        assert own.difference == pytest.approx(sums.mean())
        room = 0.04 * group  # for a group that was not seen
        assert own.low == pytest.approx(interval.low, abs=room)
        assert own.high == pytest.approx(interval.high, abs=room)
        assert own.low < own.difference < own.high
        assert (own.low > 0 or own.high < 0) == (own.p_adjusted < 0.05) == (3 * test.pvalue < 0.05)


@pytest.mark.parametrize("lower", [False, True])
def test_a_verdict_follows_the_better_end(lower: bool) -> None:
    info = replace(SHARE, better="lower" if lower else "higher")
    made = effects(cells(base=0.2, base_rag=0.2, lora=0.7, lora_rag=0.7), info=info)
    assert [own.verdict for own in made] == ["worse" if lower else "better", "inconclusive", "inconclusive"]


THREE = {
    f"{model} {shots}": {"model": model, "shots": shots} for model, shots in itertools.product("ab", ("0", "5", "9"))
}


@pytest.mark.parametrize(
    ("grid", "missing", "expected"),
    [
        (THREE, [], [("model", "a b", 6), ("shots", "0 5", 4), ("shots", "0 9", 4), ("model shots", "a b 0 5", 4), ("model shots", "a b 0 9", 4)]),
        (THREE, ["b 9"], [("model", "a b", 4), ("shots", "0 5", 4), ("shots", "0 9", 2), ("model shots", "a b 0 5", 4)]),
        (THREE, ["b 0", "b 5", "b 9"], [("shots", "0 5", 2), ("shots", "0 9", 2)]),
        (THREE, ["a 0", "b 0"], [("model", "a b", 4)]),  # nothing to compare the other numbers of shots with
        (THREE, list(THREE)[1:], []),  # one cell is left
        (THREE, list(THREE), []),
        ({"a": {"model": "a"}}, [], []),  # a factor with one level
        ({"a": {"model": "a"}, "b": {"model": "b"}}, [], [("model", "a b", 2)]),
        ({}, [], []),
    ],
)  # fmt: skip
def test_a_grid_with_holes(
    grid: dict[str, dict[str, str]], missing: list[str], expected: list[tuple[str, str, int]]
) -> None:
    everything = {name: [0.5, 0.25, 0.75] for name in [*grid, "elsewhere"]}
    values = {name: column for name, column in everything.items() if name not in missing}
    unknown = everything | {name: [None, math.nan, None] for name in missing}
    for scored in (values, unknown):
        made = effects(scored, grid)
        levels = [" ".join(" ".join(step) for step in own.levels) for own in made]
        assert [(" ".join(own.factors), step, own.cells) for own, step in zip(made, levels, strict=True)] == expected


def test_an_effect_without_a_common_item() -> None:
    """Cells that were scored, but none of them on an item that all have."""
    values = {"base": [1.0, None], "base+rag": [1.0, None], "lora": [None, 1.0], "lora+rag": [None, 1.0]}
    model, retriever, both = effects(values)
    for own in (model, retriever, both):
        assert (own.difference, own.low, own.high, own.p_adjusted, own.verdict) == (
            None,
            None,
            None,
            None,
            "inconclusive",
        )


@pytest.mark.parametrize("corpus", [False, True])
def test_no_effect_seen_is_no_proof_of_none(corpus: bool) -> None:
    made = effects(dict.fromkeys(GRID, [1.0] * 30), info=replace(SHARE, corpus=corpus))
    for own in made:
        assert (own.difference, own.p_adjusted) == (0.0, 1.0)
        assert own.low < -0.03
        assert own.high > 0.03


def test_floors_and_bounds_are_cells_too() -> None:
    values = cells(base=0.3, base_rag=0.5, lora=0.55, lora_rag=0.57)
    assert effects(values, floors=["base"], bounds=["lora+rag"]) == effects(values)


def test_seeds_of_training_widen_an_effect() -> None:
    values = cells(base=0.3, base_rag=0.5, lora=0.45, lora_rag=0.57)
    spread = {f"lora {i}": [value + shift for value in values["lora"]] for i, shift in enumerate((-0.3, 0.0, 0.3))}
    plain = effects(values)
    pooled = effects({**{k: v for k, v in values.items() if k != "lora"}, **spread}, pools={"lora": list(spread)})
    for one, other in zip(plain, pooled, strict=True):
        assert other.difference == pytest.approx(one.difference)
        assert other.high - other.low > one.high - one.low
        assert (other.low > 0 or other.high < 0) == (other.p_adjusted < 0.05)
    assert (plain[0].verdict, pooled[0].verdict) == ("better", "inconclusive")
