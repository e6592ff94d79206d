"""Effects of a grid in which a factor makes no difference to some variants: k where nothing is retrieved."""

import pytest

from harness.records.decisions import Effect
from harness.records.figures import MetricInfo
from harness.records.inputs import Sample
from harness.records.outputs import Score
from harness.summary.comparison_plan import ComparisonPlan
from tests.shared.summaries import summary_of

SHARE = MetricInfo(component="Score", settings={}, low=0.0, high=1.0, better="higher")
GRID = {
    "base": {"model": "base", "retriever": "none"},
    "base+k=1": {"model": "base", "retriever": "tfidf", "k": "1"},
    "base+k=3": {"model": "base", "retriever": "tfidf", "k": "3"},
    "lora": {"model": "lora", "retriever": "none"},
    "lora+k=1": {"model": "lora", "retriever": "tfidf", "k": "1"},
    "lora+k=3": {"model": "lora", "retriever": "tfidf", "k": "3"},
}
MEANS = {"base": 0.2, "base+k=1": 0.4, "base+k=3": 0.6, "lora": 0.5, "lora+k=1": 0.6, "lora+k=3": 0.9}


def effects_of(means: dict[str, float]) -> dict[tuple[str, ...], Effect]:
    samples = [Sample(id=str(i), task="t", input=f"q{i}", targets=("a",)) for i in range(12)]
    scores = [
        Score(sample_id=sample.id, task="t", variant=variant, metric="m", value=value, error=None)
        for variant, value in means.items()
        for sample in samples
    ]
    grid = {name: levels for name, levels in GRID.items() if name in means}
    plan = ComparisonPlan(name="s", seed=1, reference=None, headline=["t.m"], grids={"grid": grid})
    effects = summary_of(plan, {"t.m": SHARE}, samples, [], scores).decisions.effects
    return {effect.factors: effect for effect in effects}


# retriever: at k = 1 (.4 + .6) − (.2 + .5) over 2 = .15, at k = 3 (.6 + .9) − (.2 + .5) over 2 = .4; on average .275
# model: without retriever .3 (once for each k), k = 1 .2, k = 3 .3; over the four combinations .275
# k: (.6 − .4 + .9 − .6) / 2 = .25, of those that retrieve
# model × retriever: lora gains .1 and .4, base .2 and .4; (−.1 + 0) / 2 = −.05
# model × k: lora gains .3 from k, base .2: .1
EXPECTED = {
    ("model",): (0.275, 6),
    ("retriever",): (0.275, 6),
    ("k",): (0.25, 4),
    ("model", "retriever"): (-0.05, 6),
    ("model", "k"): (0.1, 4),
}


def test_a_variant_stands_for_all_levels_of_what_makes_no_difference_to_it() -> None:
    effects = effects_of(MEANS)
    assert set(effects) == set(EXPECTED)
    for factors, (difference, cells) in EXPECTED.items():
        assert effects[factors].difference == pytest.approx(difference), factors
        assert effects[factors].cells == cells


def test_a_missing_cell_leaves_what_is_complete() -> None:
    effects = effects_of({name: mean for name, mean in MEANS.items() if name != "lora+k=3"})
    assert effects["retriever",].difference == pytest.approx((0.2 + 0.4 + 0.1) / 3)  # base at both k, lora at k = 1
    assert effects["k",].difference == pytest.approx(0.2)  # of base alone
    assert effects["model", "retriever"].difference == pytest.approx(0.1 - 0.2)  # at k = 1
    assert ("model", "k") not in effects
