"""Figures from scores: direction, families of comparisons, unknown values, cost."""

from collections.abc import Sequence

import pytest

from harness.summarize import Design, summarize
from harness.types import MetricInfo, Prediction, Reading, Sample, Score, Summary

ACCURACY = MetricInfo("ExactMatch", {}, 0.0, 1.0, "higher")
ERRORS = MetricInfo("Count", {}, 0.0, 100.0, "lower")


def figures(
    values: dict[tuple[str, str], Sequence[float | None]], info: dict[str, MetricInfo], headline: Sequence[str]
) -> Summary:
    """A summary of one task "t"; `values` by (metric, variant), one a sample; "base" is the reference."""
    count = len(next(iter(values.values())))
    samples = [Sample(str(i), "t", "q", ("a",)) for i in range(count)]
    scores = [
        Score(str(i), "t", variant, metric, value, None, None if value is not None else "server gone")
        for (metric, variant), column in values.items()
        for i, value in enumerate(column)
    ]
    predictions = [
        Prediction(str(i), "t", variant, (), "x", Reading("x", "no answer" if i == 0 else None), "length", 10, 2, 0.5)
        for variant in dict.fromkeys(variant for _, variant in values)
        for i in range(count)
    ]
    return summarize(
        Design("s", 1, "base", headline), {f"t.{m}": i for m, i in info.items()}, samples, predictions, scores
    )


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
    assert (comparison.low, comparison.high) == (pytest.approx(0.025), 1.0)  # 1 − (1 − 0.025)


def test_cost_is_summed_per_cell() -> None:
    summary = figures({("acc", "base"): [1.0] * 4}, {"acc": ACCURACY}, ["t.acc"])
    (usage,) = summary.usage
    assert (usage.samples, usage.failed, usage.unread, usage.truncated) == (4, 0, 1, 4)
    assert (usage.tokens_in, usage.tokens_out, usage.seconds) == (40, 8, 2.0)
