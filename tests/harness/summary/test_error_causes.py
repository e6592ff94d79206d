"""Whether retrieval missed or generation failed, which step of a cascade answered, and who beats the floor."""

from dataclasses import replace
from typing import Any

import pytest

from harness.records.figures import MetricInfo
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, RetrievalTrace, RightAnswer, Score, Step
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.error_causes import deciding, retrieved, routed
from tests.shared.summaries import summary_of, values_of

INFO = {
    "t.a": MetricInfo(component="ExactMatch", settings={}, low=0.0, high=1.0, better="higher"),
    "t.e": MetricInfo(component="Errors", settings={}, low=0.0, high=5.0, better="lower"),
}


def prediction(number: int, gold: bool, known: bool = True, **changes: Any) -> Prediction:
    found = RetrievalTrace(gold=("g",) if known else (), ranks=(1 if gold else 6,), depth=100, k=5)
    return replace(
        Prediction(
            sample_id=f"s{number}",
            task="t",
            variant="rag",
            messages=(),
            text="",
            reading=Reading("x"),
            passages=({"gold": gold},),
            retrieval=found,
        ),
        **changes,
    )


def score(number: int, value: float | None, metric: str = "a", variant: str = "rag") -> Score:
    return Score(sample_id=f"s{number}", task="t", variant=variant, metric=metric, value=value)


def test_hit_or_miss_right_or_wrong() -> None:
    predictions = [
        prediction(1, True), prediction(2, True), prediction(3, False), prediction(4, False), prediction(5, False),
        prediction(6, True, known=False), prediction(7, True), replace(prediction(8, True), retrieval=None),
        prediction(9, True),
    ]  # fmt: skip
    values = {1: 1.0, 2: 0.0, 3: 1.0, 4: 0.0, 5: 0.0, 6: 1.0, 7: None, 8: 1.0, 9: 0.5}
    scores = [score(number, value) for number, value in values.items()]
    chosen = deciding(["t.a"], INFO)
    (found,) = retrieved(predictions, values_of(scores, chosen), chosen, INFO)
    assert found.counts == {
        "hit and right": 1, "hit and wrong": 2, "miss and right": 1, "miss and wrong": 2, "not shown": 0, "unknown": 2,
    }  # fmt: skip
    assert found.examples["miss and wrong"] == ("s4", "s5")
    assert found.examples["hit and wrong"] == ("s2", "s9")  # partly right is not right
    assert (found.samples, found.metric) == (8, "a")


def lost(number: int, *ranks: int | None, **changes: Any) -> Prediction:
    """No gold passage shown; the places at which it was found."""
    return prediction(number, False, retrieval=RetrievalTrace(gold=("g",), ranks=ranks, depth=100, k=5), **changes)


def test_found_but_not_shown_is_no_miss() -> None:
    part: Any = {"gold": True, "cut": True}
    predictions = [
        lost(1, 5), lost(2, 6), lost(3, None), lost(4, 6, 2),  # k is 5
        lost(5, 1),
        lost(6, 1, passages=(part,)), lost(7, 1, passages=(part,)), lost(8, 1, 2, passages=(part, {"gold": True})),
        replace(lost(9), retrieval=RetrievalTrace(gold=("g",), ranks=None, depth=0, k=1, left_out=1)),  # given, and no room for it
    ]  # fmt: skip
    scores = [score(number, float(number in (5, 6))) for number in range(1, 10)]
    (found,) = retrieved(predictions, values_of(scores, {"t": "a"}), {"t": "a"}, INFO)
    assert found.examples == {
        "hit and right": ("s6",), "hit and wrong": ("s8",), "miss and right": ("s5",), "miss and wrong": ("s2", "s3"),
        "not shown": ("s1", "s4", "s7", "s9"),
    }  # fmt: skip


BOTH = ((RightAnswer("甲", (0, 1)), RightAnswer("乙", (2,))),)
EITHER = ((RightAnswer("甲", (0, 1)),), (RightAnswer("乙", (2,)),))
LACKING = ((RightAnswer("甲", (0, 1)), RightAnswer("丙", ())),)


@pytest.mark.parametrize(
    ("answers", "ranks", "shown", "value", "expected"),
    [
        (BOTH, (1, None, 2), "ac", 0.0, "hit and wrong"),
        (BOTH, (1, 2, None), "ab", 0.0, "miss and wrong"),  # the second answer was never seen
        (BOTH, (1, 2, None), "ab", 1.0, "miss and right"),
        (BOTH, (1, None, 2), "a", 0.0, "not shown"),  # both were retrieved
        (EITHER, (1, None, None), "a", 0.0, "hit and wrong"),
        (EITHER, (None, None, 1), "c", 1.0, "hit and right"),
        (EITHER, (None, None, 9), "", 0.0, "miss and wrong"),
        (LACKING, (None, 1, None), "b", 0.0, "hit and wrong"),  # all that the knowledge has
    ],
)
def test_each_right_answer_needs_a_passage(answers: Any, ranks: Any, shown: str, value: float, expected: str) -> None:
    trace = RetrievalTrace(gold=tuple("abc"), ranks=ranks, depth=100, k=5, answers=answers)
    passages = tuple({"id": name, "gold": True} for name in shown)
    own = prediction(1, False, retrieval=trace, passages=passages)
    (found,) = retrieved([own], values_of([score(1, value)], {"t": "a"}), {"t": "a"}, INFO)
    assert [kind for kind, count in found.counts.items() if count] == [expected]


def test_what_no_retriever_could_find_is_counted() -> None:
    absent = RetrievalTrace(gold=(), ranks=(), depth=100, k=5, answers=((RightAnswer("甲", ()),),), unmatched=True)
    partly = RetrievalTrace(gold=("a",), ranks=(None,), depth=100, k=5, answers=LACKING[:1])
    whole = RetrievalTrace(gold=("a",), ranks=(None,), depth=100, k=5, answers=EITHER[1:], unmatched=True)
    unknown = RetrievalTrace(gold=(), ranks=(), depth=100, k=5)
    traces = [absent, partly, partly, whole, whole, whole, unknown]
    (found,) = retrieved([prediction(i, False, retrieval=own) for i, own in enumerate(traces)], {}, {"t": "a"}, INFO)
    assert (found.samples, found.absent, found.partly, found.unmatched) == (7, 1, 2, 4)


@pytest.mark.parametrize(
    ("headline", "declared", "expected"),
    [
        (["t.retrieval"], ["t.a", "t.retrieval"], "a"),
        (["t.retrieval.recall@1", "t.e"], ["t.a", "t.e", "t.retrieval", "t.retrieval.recall@1"], "e"),
        ([], ["t.retrieval", "t.a"], "a"),
        (["t.retrieval"], ["t.retrieval"], "retrieval"),  # there is nothing else
    ],
)
def test_what_measures_retrieval_does_not_say_which_answers_are_right(
    headline: list[str], declared: list[str], expected: str
) -> None:
    retrieval = replace(INFO["t.a"], component="Retrieval")
    assert deciding(headline, {name: INFO.get(name, retrieval) for name in declared})["t"] == expected


def test_where_lower_is_better_the_lowest_value_is_right() -> None:
    chosen = deciding(["t.e"], INFO)
    values = values_of([score(1, 0.0, "e"), score(2, 2.0, "e")], chosen)
    (found,) = retrieved([prediction(1, True), prediction(2, True)], values, chosen, INFO)
    assert (found.counts["hit and right"], found.counts["hit and wrong"]) == (1, 1)


def test_the_first_headline_figure_decides_else_the_first_metric() -> None:
    assert deciding([], INFO) == {"t": "a"}
    assert deciding(["t.e", "t.a"], INFO) == {"t": "e"}


def test_the_steps_of_a_cascade() -> None:
    one = (Step("cheap", 5.0, 4.0),)
    two = (Step("cheap", 1.0, 4.0), Step("dear", None, None))
    routes = [one, one, two]
    predictions = [
        Prediction(
            sample_id=f"s{i}",
            task="t",
            variant="c",
            messages=(),
            text="",
            reading=Reading("x"),
            tokens_in=10 * i,
            tokens_out=1,
            seconds=i,
            route=route,
        )
        for i, route in enumerate(routes, 1)
    ]
    scores = [score(1, 1.0, variant="c"), score(2, 0.0, variant="c"), score(3, None, variant="c")]
    values, chosen = values_of(scores, {"t": "a"}), {"t": "a"}
    first, second = routed(predictions, values, chosen, {"c": ["cheap", "dear"]})
    assert (first.step, first.place, first.samples, first.total, first.mean) == ("cheap", 1, 2, 3, 0.5)
    assert (first.tokens, first.seconds, first.threshold) == (32, 3, 4.0)  # 10 + 1 + 20 + 1; 1 s + 2 s
    assert (second.step, second.place, second.samples, second.mean) == ("dear", 2, 1, None)
    assert routed(predictions, values, chosen, {}) == [first, second]  # what was asked, where no steps are named
    alone = routed(predictions[:2], values, chosen, {"c": ["cheap", "middle", "dear"], "other": ["cheap"]})
    assert [(step.step, step.place, step.samples, step.total) for step in alone] == [
        ("cheap", 1, 2, 2), ("middle", 2, 0, 2), ("dear", 3, 0, 2),
    ]  # fmt: skip
    assert (alone[2].mean, alone[2].tokens, alone[2].seconds, alone[2].metric) == (None, 0, 0, "a")
    passed = routed(predictions[2:], values, chosen, {})
    assert [(step.step, step.samples, step.threshold) for step in passed] == [("cheap", 0, 4.0), ("dear", 1, None)]


def test_a_summary_names_the_steps_at_which_nothing_ended() -> None:
    route = (Step("cheap", 5.0, 4.0),)
    answer = Prediction(sample_id="s1", task="t", variant="c", messages=(), text="", reading=Reading("x"), route=route)
    design = ComparisonPlan(name="d", seed=0, reference=None, headline=["t.a"], cascades={"c": ["cheap", "dear"]})
    summary = summary_of(
        design, INFO, [Sample(id="s1", task="t", input="?", targets=("x",))], [answer], [score(1, 1.0, variant="c")]
    )
    assert [(step.step, step.samples) for step in summary.routed] == [("cheap", 1), ("dear", 0)]


def summary_with(values: dict[str, list[float]], floors: list[str]) -> Any:
    samples = [Sample(id=f"s{i}", task="t", input="?", targets=("x",)) for i in range(len(next(iter(values.values()))))]
    scores = [
        Score(sample_id=s.id, task="t", variant=v, metric="a", value=some[i])
        for v, some in values.items()
        for i, s in enumerate(samples)
    ]
    design = ComparisonPlan(name="d", seed=0, reference="zero", headline=["t.a"], floors=floors)
    return summary_of(design, {"t.a": INFO["t.a"]}, samples, [], scores)


def test_variants_are_compared_with_the_best_floor() -> None:
    n = 40
    summary = summary_with(
        {
            "zero": [0.0] * n, "rag": [1.0] * 36 + [0.0] * 4,
            "majority": [1.0] * 4 + [0.0] * 36, "nearest": [1.0] * 20 + [0.0] * 20,
        },
        ["majority", "nearest"],
    )  # fmt: skip
    found = {c.variant: c for c in summary.floors}
    assert set(found) == {"zero", "rag"}  # floors are not compared with themselves
    assert {c.reference for c in found.values()} == {"nearest"}  # the best of them
    assert found["zero"].difference == pytest.approx(-0.5)
    assert found["rag"].difference == pytest.approx(0.4)
    assert (found["zero"].verdict, found["rag"].verdict) == ("worse", "better")
    # Four comparisons are one family: each variant with each floor. rag against majority has the smallest p, 32 won; then
    # come 20 lost, 2 · 0.5^20, times 3, and 16 won, 2 · 0.5^16, times 2.
    assert found["zero"].p_adjusted == pytest.approx(3 * 2 * 0.5**20)
    assert found["rag"].p_adjusted == pytest.approx(2 * 2 * 0.5**16)
    assert {c.family for c in found.values()} == {4}


def test_without_floors_there_is_nothing_to_beat() -> None:
    assert summary_with({"zero": [0.0, 1.0], "rag": [1.0, 1.0]}, []).floors == ()


def test_an_upper_bound_makes_no_other_verdict_weaker() -> None:
    """One comparison besides the bound: its p is not multiplied. 8 won, none lost: 2 · 0.5^8."""
    values = {"zero": [0.0] * 10, "rag": [1.0] * 8 + [0.0] * 2, "oracle": [1.0] * 10}
    samples = [Sample(id=f"s{i}", task="t", input="?", targets=("x",)) for i in range(10)]
    scores = [
        Score(sample_id=s.id, task="t", variant=v, metric="a", value=some[i])
        for v, some in values.items()
        for i, s in enumerate(samples)
    ]
    design = ComparisonPlan(name="d", seed=0, reference="zero", headline=["t.a"], floors=(), bounds=("oracle",))
    found = {c.variant: c for c in summary_of(design, {"t.a": INFO["t.a"]}, samples, [], scores).comparisons}
    assert found["rag"].p_adjusted == pytest.approx(2 * 0.5**8)
    assert found["oracle"].p_adjusted == pytest.approx(2 * 0.5**10)
