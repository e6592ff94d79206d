"""Figures from scores: direction, families of comparisons, unknown values, cost."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from harness.records.figures import MetricInfo, Overlap, Twin
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from harness.summary.comparison_plan import ComparisonPlan
from tests.shared.summaries import summary_of

ACCURACY = MetricInfo(component="ExactMatch", settings={}, low=0.0, high=1.0, better="higher")
ERRORS = MetricInfo(component="Count", settings={}, low=0.0, high=100.0, better="lower")
FLOORS = tuple(f"f{i}" for i in range(8))


def figures(
    values: dict[tuple[str, str], Sequence[float | None]],
    info: dict[str, MetricInfo],
    headline: Sequence[str],
    overlaps: Sequence[Overlap] = (),
    **design: Any,
) -> Summary:
    """A summary of one task "t"; `values` by (metric, variant), one a sample; "base" is the reference."""
    count = len(next(iter(values.values())))
    samples = [Sample(id=str(i), task="t", input="q", targets=("a",)) for i in range(count)]
    scores = [
        Score(
            sample_id=str(i),
            task="t",
            variant=variant,
            metric=metric,
            value=value,
            reason=None,
            error=None if value is not None else "server gone",
        )
        for (metric, variant), column in values.items()
        for i, value in enumerate(column)
    ]
    predictions = [
        Prediction(
            sample_id=str(i),
            task="t",
            variant=variant,
            messages=(),
            text="x",
            reading=Reading("x", "no answer" if i == 0 else None),
            finish="length",
            tokens_in=10,
            tokens_out=2,
            seconds=0.5,
        )
        for variant in dict.fromkeys(variant for _, variant in values)
        for i in range(count)
    ]
    asked = ComparisonPlan(name="s", seed=1, reference="base", headline=headline, **design)
    return summary_of(asked, {f"t.{m}": i for m, i in info.items()}, samples, predictions, scores, overlaps)


def test_a_clear_win_is_better_and_a_clear_loss_worse() -> None:
    # 20 discordant pairs, all one way: p = 2 / 2^20; Holm doubles the smaller of two equal ones
    summary = figures(
        {("acc", "base"): [0.0] * 20 + [1.0] * 20, ("acc", "up"): [1.0] * 40, ("acc", "down"): [0.0] * 40},
        {"acc": ACCURACY}, ["t.acc"],
    )  # fmt: skip
    up, down = summary.comparisons
    assert (up.verdict, up.difference, up.wins, up.losses, up.ties) == ("better", 0.5, 20, 0, 20)
    assert (down.verdict, down.difference) == ("worse", -0.5)
    assert up.p == pytest.approx(2 / 2**20)
    assert up.p_adjusted == pytest.approx(4 / 2**20)
    assert up.low is not None
    assert up.low > 0.3


def test_less_is_better_where_the_metric_says_so() -> None:
    summary = figures(
        {("errors", "base"): [5.0, 4.0, 6.0] * 10, ("errors", "up"): [1.0, 2.0, 1.0] * 10},
        {"errors": ERRORS},
        ["t.errors"],
    )
    (comparison,) = summary.comparisons
    assert comparison.difference == pytest.approx(-11 / 3)  # (−4 − 2 − 5) / 3
    assert (comparison.verdict, comparison.wins, comparison.losses) == ("better", 30, 0)
    assert comparison.test == "paired permutation"


def test_headline_comparisons_are_one_family_and_others_their_own() -> None:
    half = [0.0] * 6 + [1.0] * 6
    won = [1.0] * 12  # 6 : 0 → p = 2/64 = 0.03125
    values = {(m, v): (half if v == "base" else won) for m in ("a", "b", "c") for v in ("base", "one")}
    summary = figures(values, dict.fromkeys("abc", ACCURACY), ["t.a", "t.b"])
    adjusted = {c.metric: c.p_adjusted for c in summary.comparisons}
    assert adjusted == {"a": pytest.approx(0.0625), "b": pytest.approx(0.0625), "c": pytest.approx(0.03125)}
    assert {c.metric: c.verdict for c in summary.comparisons} == {
        "a": "inconclusive",
        "b": "inconclusive",
        "c": "better",
    }


def test_unknown_values_lower_coverage_and_never_a_mean() -> None:
    summary = figures(
        {("acc", "base"): [1.0, 0.0, None, None], ("acc", "one"): [1.0, None, 1.0, None]}, {"acc": ACCURACY}, ["t.acc"]
    )
    base, one = summary.results
    assert (base.mean, base.known, base.samples) == (0.5, 2, 4)
    assert (one.mean, one.known) == (1.0, 2)
    (comparison,) = summary.comparisons
    assert (comparison.samples, comparison.difference) == (1, 0.0)
    assert summary.warnings == (
        "t.acc, base: 2 of 4 samples are unknown (server gone)",
        "t.acc, one: 2 of 4 samples are unknown (server gone)",
    )


def test_nothing_known_is_said_and_not_a_number() -> None:
    summary = figures({("acc", "base"): [1.0, 0.0], ("acc", "one"): [None, None]}, {"acc": ACCURACY}, ["t.acc"])
    (result,) = [result for result in summary.results if result.variant == "one"]
    assert (result.mean, result.low, result.high, result.known) == (None, None, None, 0)
    (comparison,) = summary.comparisons
    assert (comparison.samples, comparison.difference, comparison.p_adjusted, comparison.verdict) == (
        0,
        None,
        None,
        "inconclusive",
    )


def test_one_sample_gives_figures_without_claims() -> None:
    summary = figures({("acc", "base"): [0.0], ("acc", "one"): [1.0]}, {"acc": ACCURACY}, ["t.acc"])
    (comparison,) = summary.comparisons
    assert (comparison.p, comparison.verdict, comparison.needed, comparison.detectable) == (
        1.0,
        "inconclusive",
        6,
        None,
    )
    assert comparison.low is not None
    assert comparison.low < 0 < (comparison.high or 0) == 1.0  # p = 1: the interval leaves 0 open


def test_cost_is_summed_per_cell() -> None:
    summary = figures({("acc", "base"): [1.0] * 4}, {"acc": ACCURACY}, ["t.acc"])
    (usage,) = summary.usage
    assert (usage.samples, usage.failed, usage.unread, usage.truncated) == (4, 0, 1, 4)
    assert (usage.tokens_in, usage.tokens_out, usage.seconds) == (40, 8, 2.0)


SEEDS: dict[tuple[str, str], Sequence[float | None]] = {
    ("acc", "base"): [0.0] * 10 + [1.0] * 10,
    ("acc", "lora~1"): [1.0] * 8 + [0.0] * 2 + [1.0] * 10,
    ("acc", "lora~2"): [1.0] * 4 + [0.0] * 6 + [1.0] * 10,
}


def test_seeds_are_one_variant_whose_interval_has_their_spread() -> None:
    pools = {"lora": ("lora~1", "lora~2")}
    summary = figures(SEEDS, {"acc": ACCURACY}, ["t.acc"], pools=pools)
    assert [(r.variant, r.mean) for r in summary.results] == [("base", 0.5), ("lora", pytest.approx(0.8))]
    (seeds,) = summary.seeds
    assert seeds.members == (("lora~1", 0.9), ("lora~2", 0.7))
    assert seeds.deviation == pytest.approx(0.1414, abs=1e-4)  # √(2 × 0.1²)
    (comparison,) = summary.comparisons
    assert (comparison.variant, comparison.difference) == ("lora", pytest.approx(0.3))
    assert comparison.test == "paired permutation, and items crossed with seeds"
    # Of a single training with the same mean on each item the data would be sure.
    mean = [(a or 0) / 2 + (b or 0) / 2 for a, b in zip(SEEDS["acc", "lora~1"], SEEDS["acc", "lora~2"], strict=True)]
    once = figures({("acc", "base"): SEEDS["acc", "base"], ("acc", "lora"): mean}, {"acc": ACCURACY}, ["t.acc"])
    alone = once.comparisons[0]
    assert alone.verdict == "better"
    assert comparison.verdict == "inconclusive"
    # How many more trainings would settle it, two of them cannot tell; more items alone might never.
    assert (alone.needed is None, alone.detectable is None) == (False, False)
    assert (comparison.needed, comparison.detectable) == (None, None)
    assert None not in (comparison.low, comparison.high, alone.low, alone.high)
    assert (comparison.low or 0) < (alone.low or 0) - 0.05
    assert (summary.results[1].high or 0) > (once.results[1].high or 0)
    assert [(u.variant, u.samples, u.tokens_in, u.truncated) for u in summary.usage] == [
        ("base", 20, 200, 20), ("lora", 20, 200, 40),  # the cost of one training's answers, the trouble of all
    ]  # fmt: skip


def test_an_item_is_known_where_every_seed_knows_it() -> None:
    values = {**SEEDS, ("acc", "lora~2"): [None, *SEEDS["acc", "lora~2"][1:]]}
    summary = figures(values, {"acc": ACCURACY}, ["t.acc"], pools={"lora": ("lora~1", "lora~2")})
    (pooled,) = (result for result in summary.results if result.variant == "lora")
    assert (pooled.known, pooled.mean) == (19, pytest.approx((17 / 19 + 13 / 19) / 2))
    assert summary.warnings == ("t.acc, lora: 1 of 20 samples are unknown (server gone)",)


def test_figures_on_items_that_stand_nowhere_else() -> None:
    twins = (
        Twin(sample_id="0", place="r1", kind="exact", similarity=1.0, item="q", row="q"),
        Twin(sample_id="1", place="r2", kind="near", similarity=0.9, item="q", row="q"),
    )
    found = Overlap(
        task="t", source="train rows of t", models=("m",), samples=4, exact=1, normalised=0, near=1, twins=twins
    )
    values: dict[tuple[str, str], Sequence[float | None]] = {
        ("acc", "base"): [0.0, 0.0, 1.0, 0.0],
        ("acc", "up"): [1.0, 1.0, 1.0, 0.0],
    }
    summary = figures(values, {"acc": ACCURACY}, ["t.acc"], [found])
    assert [(r.variant, r.samples, r.mean) for r in summary.clean] == [("base", 2, 0.5), ("up", 2, 0.5)]
    assert [(r.variant, r.mean) for r in summary.results] == [("base", 0.25), ("up", 0.75)]
    other = Overlap(
        task="other", source="train rows of t", models=("m",), samples=4, exact=1, normalised=0, near=1, twins=twins
    )
    assert figures(values, {"acc": ACCURACY}, ["t.acc"], [other]).clean == ()


def test_a_drop_on_a_general_task_is_told_and_is_no_result() -> None:
    values: dict[tuple[str, str], Sequence[float | None]] = {
        ("acc", "small"): [1.0] * 12, ("acc", "lora"): [0.0] * 8 + [1.0] * 4, ("acc", "qlora"): [1.0] * 11 + [0.0],
    }  # fmt: skip
    made_of = {"lora": "small", "qlora": "small"}
    summary = figures(values, {"acc": ACCURACY}, ["u.acc"], general=("t",), made_of=made_of)
    assert summary.results == ()
    assert summary.comparisons == ()
    assert summary.usage == ()
    assert [(r.variant, r.mean) for r in summary.general] == [
        ("small", 1.0),
        ("lora", pytest.approx(1 / 3)),
        ("qlora", pytest.approx(11 / 12)),
    ]
    lost, kept = summary.forgotten
    assert (lost.variant, lost.reference, lost.verdict, lost.losses) == (
        "lora",
        "small",
        "worse",
        8,
    )  # p = 2/2^8, twice
    assert (kept.variant, kept.verdict) == ("qlora", "inconclusive")


def test_best_is_tested_against_the_runner_up_in_the_family() -> None:
    """Base 10, a 30 and b 28 of 40: a leads b by 2 items won and none lost, p = 2 · 0.5²; it is one of three tests."""
    summary = figures(
        {
            ("acc", "base"): [1.0] * 10 + [0.0] * 30,
            ("acc", "a"): [1.0] * 30 + [0.0] * 10,
            ("acc", "b"): [1.0] * 28 + [0.0] * 12,
        },
        {"acc": ACCURACY},
        ["t.acc"],
    )
    (leader,) = summary.leaders
    assert (leader.variant, leader.reference, leader.p, leader.verdict) == ("a", "b", 0.5, "inconclusive")
    assert {c.family for c in (*summary.comparisons, leader)} == {3}
    assert (leader.low or 0) <= 0 <= (leader.high or 0)


@pytest.mark.parametrize(
    ("base", "other", "better"),
    [(30, 20, "higher"), (20, 30, "higher"), (20, 30, "lower")],
)
def test_a_leader_or_runner_up_that_is_the_reference_is_tested_once(base: int, other: int, better: str) -> None:
    info = MetricInfo(component="ExactMatch", settings={}, low=0.0, high=1.0, better=better)  # type: ignore[arg-type]
    values = {("acc", name): [1.0] * n + [0.0] * (40 - n) for name, n in (("base", base), ("a", other))}
    summary = figures(values, {"acc": info}, ["t.acc"])
    assert summary.leaders == ()
    assert [c.family for c in summary.comparisons] == [1]


def test_where_less_is_better_the_lowest_leads() -> None:
    values = {("e", "base"): [9.0] * 20, ("e", "a"): [1.0, 2.0] * 10, ("e", "b"): [3.0, 4.0] * 10}
    (leader,) = figures(values, {"e": ERRORS}, ["t.e"]).leaders
    assert (leader.variant, leader.reference, leader.verdict) == ("a", "b", "better")


@pytest.mark.parametrize("seed", range(6))
def test_no_interval_contradicts_its_verdict(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, skill = int(rng.integers(8, 60)), rng.uniform(0.2, 0.9, 5)
    names = ("base", "a", "b", "c", "floor")
    graded = {
        ("g", name): np.round(rng.beta(4 * s, 4 * (1 - s), n), 2).tolist() for name, s in zip(names, skill, strict=True)
    }
    exact = {("acc", name): (rng.random(n) < s).astype(float).tolist() for name, s in zip(names, skill, strict=True)}
    info = {"g": ACCURACY, "acc": ACCURACY}
    summary = figures({**graded, **exact}, info, ["t.g", "t.acc"], floors=("floor",))
    for comparison in (*summary.comparisons, *summary.leaders, *summary.floors):
        is_apart = (comparison.low or 0) > 0 or (comparison.high or 0) < 0
        assert is_apart == (comparison.verdict != "inconclusive"), comparison
        assert is_apart == ((comparison.p_adjusted or 0) < 0.05)


def test_all_floors_are_one_family() -> None:
    """Three variants and four floors of equal worth: twelve comparisons, of which those with the best floor are shown."""
    names = ("base", "a", "b", "f1", "f2", "f3", "f4")
    rng = np.random.default_rng(1)
    values = {("acc", name): (rng.random(30) < 0.5).astype(float).tolist() for name in names}
    summary = figures(values, {"acc": ACCURACY}, ["t.acc"], floors=names[3:])
    best = max(names[3:], key=lambda name: sum(values["acc", name]))
    assert sorted((c.variant, c.reference, c.family) for c in summary.floors) == [
        (v, best, 12) for v in ("a", "b", "base")
    ]


@pytest.mark.parametrize(
    ("right", "unaided", "pair", "family"),
    [
        # the reference is a floor: m0 wins 11 items of 30, p = 2/2¹¹; of 10 comparisons 0.010, of 3 × 8 with floors 0.023
        ({"m0": 16, "m1": 6, "m2": 6, "base": 5}, ("base", *FLOORS[:7]), ("m0", "base"), 24),
        # the reference asks a model, and floors are compared with it as it is with them: 7 and 3 × 5 comparisons
        ({"m0": 16, "base": 16, "m1": 6, "f0": 8}, FLOORS[:5], ("f0", "base"), 15),
        # the runner-up is a floor: 8 comparisons and the leader's, but 5 × 4 with floors
        ({"base": 2, "m0": 16, "m1": 3, "m2": 3, "m3": 3, "f0": 8}, FLOORS[:4], ("m0", "f0"), 20),
    ],
)
def test_two_variants_have_one_verdict_that_of_the_stricter_family(
    right: dict[str, int], unaided: Sequence[str], pair: tuple[str, str], family: int
) -> None:
    shares = {name: right.get(name, 1) for name in dict.fromkeys((*right, *unaided))}
    values = {("acc", name): [1.0] * share + [0.0] * (30 - share) for name, share in shares.items()}
    summary = figures(values, {"acc": ACCURACY}, ["t.acc"], floors=unaided)
    verdicts: dict[frozenset[str], set[tuple[float | None, int | None, bool]]] = {}
    for c in (*summary.comparisons, *summary.leaders, *summary.floors):
        verdicts.setdefault(frozenset((c.variant, c.reference)), set()).add(
            (c.p_adjusted, c.family, c.verdict == "inconclusive")
        )
        assert ((c.low or 0) > 0 or (c.high or 0) < 0) == (c.verdict != "inconclusive"), c
    assert all(len(own) == 1 for own in verdicts.values())
    assert [size for _, size, _ in verdicts[frozenset(pair)]] == [family]
