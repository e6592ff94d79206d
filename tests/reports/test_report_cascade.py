"""A cascade's steps, what it saves, and why each step answered or passed an item on."""

from dataclasses import asdict, replace

import pytest

from harness.records.outputs import Step
from harness.records.summary import Summary
from harness.summary.error_causes import deciding, routed
from reports.facts.answer_path import route_reasons
from reports.sections.cascades import Cascades
from tests.shared import grounded
from tests.shared.finished import finished
from tests.shared.summaries import values_of


def test_steps_and_totals(grounded_summary: Summary) -> None:
    (part,) = Cascades().build(finished(grounded_summary, grounded.RUN))
    assert (part.task, part.variant, part.metric, part.confidence) == ("norm", "cascade", "norm.accuracy", "logprob")
    rows = [
        (row.name, row.items, row.share, row.value, row.threshold, row.tokens, row.seconds)
        for row in (*part.steps, part.total, part.alone)
        if row
    ]
    assert rows == [
        ("few-shot", "12", "40.0 %", "100.0 %", "0.5", "1,320", "1.20"),  # 12 × 110 tokens, 12 × 0.1 s
        ("rag", "18", "60.0 %", "70.6 %", "–", "9,360", "7.20"),  # 12/17; 18 × 520, 18 × 0.4
        ("all items", "30", "100.0 %", "82.8 %", "–", "10,680", "8.40"),  # 24/29
        ("rag for all", "30", "100.0 %", "62.1 %", "–", "12,300", "9.00"),  # 18/29; 30 × 410, 30 × 0.3
    ]
    assert [(segment.start, segment.width) for segment in part.bar] == [(0.0, 40.0), (40.0, 60.0)]


def test_what_is_saved(grounded_summary: Summary) -> None:
    # 1 − 10,680/12,300 = 13.2 %; 1 − 8.4/9.0 = 6.7 %
    assert Cascades().sentences(finished(grounded_summary)) == (
        "On norm, cascade answers 40.0 % of 30 items before rag is asked and spends 13.2 % fewer tokens and 6.7 % less "
        "model time than rag for all of them (accuracy 82.8 % against 62.1 %, a difference not tested here).",
    )


def test_what_costs_more_is_said(grounded_summary: Summary) -> None:
    dear = tuple(replace(step, tokens=step.tokens * 2, seconds=step.seconds * 2) for step in grounded_summary.routed)
    # 21,360/12,300 − 1 = 73.7 %; 16.8/9.0 − 1 = 86.7 %
    assert (
        "73.7 % more tokens and 86.7 % more model time than rag"
        in Cascades().sentences(finished(replace(grounded_summary, routed=dear)))[0]
    )
    (sentence,) = Cascades().sentences(finished(replace(grounded_summary, usage=())))
    assert sentence == "On norm, cascade answers 40.0 % of 30 items before rag is asked."


def test_a_step_where_nothing_ended(grounded_summary: Summary) -> None:
    first, rag = grounded_summary.routed
    lora, oracle = (
        replace(rag, step=step, place=place, samples=0, mean=None, tokens=0, seconds=0.0)
        for step, place in (("lora", 2), ("oracle", 4))
    )
    (part,) = Cascades().build(finished(replace(grounded_summary, routed=(first, lora, replace(rag, place=3), oracle))))
    assert [
        (row.name, row.items, row.value, segment.place, segment.start)
        for row, segment in zip(part.steps, part.bar, strict=True)
    ] == [
        ("few-shot", "12", "100.0 %", 1, 0.0),
        ("lora", "0", "–", 2, 40.0),
        ("rag", "18", "70.6 %", 3, 40.0),
        ("oracle", "0", "–", 4, 100.0),
    ]
    assert part.alone is not None
    assert part.alone.name == "oracle for all"
    assert "answers 100.0 % of 30 items before oracle is asked" in part.sentence


def test_nothing_reaches_the_last_step(grounded_summary: Summary) -> None:
    """From the summary alone, as the terminal has it: 100 % before rag, and what rag would have cost."""
    _, predictions, scores = grounded.records()
    chosen = deciding(grounded_summary.headline, grounded_summary.metrics)
    sure = [replace(p, route=p.route[:1]) for p in predictions if p.variant == "cascade"]
    ended = routed(sure, values_of(scores, chosen), chosen, {"cascade": ["few-shot", "rag"]})
    cheap = tuple(replace(step, tokens=step.samples * 110, seconds=step.samples * 0.1) for step in ended)
    (sentence,) = Cascades().sentences(finished(replace(grounded_summary, routed=cheap)))
    # 1 − 30 × 110/12,300 = 73.2 %; 1 − 3/9 = 66.7 %
    assert sentence.startswith(
        "On norm, cascade answers 100.0 % of 30 items before rag is asked and spends 73.2 % fewer tokens and 66.7 % less "
        "model time than rag for all of them"
    )


def test_demo_is_routed_as_the_engine_does(grounded_summary: Summary) -> None:
    _, predictions, scores = grounded.records()
    chosen = deciding(grounded_summary.headline, grounded_summary.metrics)
    engine = routed(predictions, values_of(scores, chosen), chosen, {"cascade": ["few-shot", "rag"]})
    assert [asdict(step) for step in engine] == [pytest.approx(asdict(step)) for step in grounded_summary.routed]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([Step("a", 0.71, 0.55)], ["answered: confidence 0.71, threshold 0.55"]),
        ([Step("a", -1.5, -0.4), Step("b", None, None)], ["passed on: confidence −1.5 below −0.4", "answered"]),
        (
            [Step("a", None, 0.5), Step("b", None, None)],
            ["passed on: there was no answer to be sure of, threshold 0.5", "answered"],
        ),
        # always and never have no number
        ([Step("a", 0.2, None)], ["answered: confidence 0.2, no threshold"]),
        ([Step("a", 0.9, None), Step("b", None, None)], ["passed on: confidence 0.9, never enough", "answered"]),
        ([Step("a", None, None), Step("b", None, None)], ["always passed on", "answered"]),
    ],
)
def test_route(steps: list[Step], expected: list[str]) -> None:
    assert [reason for _, reason in route_reasons(steps)] == expected
