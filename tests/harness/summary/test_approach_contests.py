"""The best of each approach against each other, and tests within a margin: which pairs, which way round, what they say."""

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.records.deployment_terms import DeploymentTerms
from harness.records.figures import MetricInfo
from tests.shared.scored_suites import SHARE, summary

GOOD, FAIR, POOR = [1.0] * 30, [1.0] * 20 + [0.0] * 10, [0.0] * 30
APPROACHES = {"a": "RAG", "b": "prompting", "c": "RAG", "d": "fine-tuning", "f": "floor", "o": "upper bound"}
TASK = {"t": {"a": FAIR, "b": POOR, "c": GOOD, "d": FAIR, "f": POOR, "o": GOOD}}
LOWER = replace(SHARE, better="lower")
COUNTS = MetricInfo(component="Score", settings={}, low=0.0, high=1e9, better="higher")


@pytest.mark.parametrize(
    ("info", "approaches", "expected"),
    [
        (SHARE, APPROACHES, [("prompting", "RAG", "b", "c", -1.0, "worse"), ("prompting", "fine-tuning", "b", "d", -2 / 3, "worse"),
                             ("RAG", "fine-tuning", "c", "d", 1 / 3, "better")]),
        (LOWER, APPROACHES, [("prompting", "RAG", "b", "a", -2 / 3, "better"), ("prompting", "fine-tuning", "b", "d", -2 / 3, "better"),
                             ("RAG", "fine-tuning", "a", "d", 0.0, "inconclusive")]),
        (SHARE, APPROACHES | {"d": "RAG"}, [("prompting", "RAG", "b", "c", -1.0, "worse")]),
        (SHARE, dict.fromkeys(APPROACHES, "RAG"), []),
        (SHARE, {}, []),
        (SHARE, {"c": "cascade", "d": "fine-tuning + RAG"}, [("fine-tuning + RAG", "cascade", "d", "c", -1 / 3, "worse")]),
        (replace(SHARE, better="neither"), APPROACHES, []),
    ],
)  # fmt: skip
def test_the_best_of_each_approach(info: MetricInfo, approaches: Any, expected: list[tuple[Any, ...]]) -> None:
    decisions = summary(TASK, {"t.m": info}, approaches=approaches).decisions
    made = [
        (own.approach, own.rival, own.comparison.variant, own.comparison.reference,
         pytest.approx(own.comparison.difference), own.comparison.verdict)
        for own in decisions.contests
    ]  # fmt: skip
    assert made == expected
    pairs = {frozenset((own.variant, own.reference)): own for own in decisions.pairs}
    for own in decisions.contests:
        pair = pairs[frozenset((own.comparison.variant, own.comparison.reference))]
        assert own.comparison.p_adjusted == pair.p_adjusted
        assert sorted((own.comparison.wins, own.comparison.losses)) == sorted((pair.wins, pair.losses))
        assert own.comparison.low <= own.comparison.difference <= own.comparison.high


def margins(values: Any, margin: float, info: MetricInfo = SHARE, **design: Any) -> dict[str, Any]:
    made = summary({"t": values}, {"t.m": info}, terms=DeploymentTerms(margins={"t.m": margin}), **design).decisions
    return {f"{own.variant} {own.reference}": own for own in made.margins}


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize(
    ("margin", "non_inferior", "equivalent"),
    [
        (0.9, {"a b", "b a"}, {"a b", "b a"}),
        (0.4, {"a b"}, set()),  # b loses a third of the items, its interval reaches further
        (5.0, {"a b", "b a"}, {"a b", "b a"}),  # larger than the range
        (1e-9, {"a b"}, set()),
    ],
)
def test_as_good_as(lower: bool, margin: float, non_inferior: set[str], equivalent: set[str]) -> None:
    values = {"a": GOOD, "b": FAIR} if not lower else {"a": POOR, "b": [1 - value for value in FAIR]}
    made = margins(values, margin, LOWER if lower else SHARE)
    assert {name for name, own in made.items() if own.non_inferior} == non_inferior
    assert {name for name, own in made.items() if own.equivalent} == equivalent
    ahead, behind = made["a b"], made["b a"]
    assert (ahead.loss, behind.loss) == (pytest.approx(-1 / 3), pytest.approx(1 / 3))
    assert (ahead.most_lost, ahead.most_gained) == (behind.most_gained, behind.most_lost)
    assert behind.most_lost > behind.loss > -behind.most_gained
    assert behind.margin == margin


def test_margins_come_from_the_interval_of_all_pairs() -> None:
    made = summary(TASK, terms=DeploymentTerms(margins={"t.m": 0.5}), approaches=APPROACHES).decisions
    assert len(made.margins) == 2 * len(made.pairs) == 12
    for pair in made.pairs:
        own = next(test for test in made.margins if (test.variant, test.reference) == (pair.variant, pair.reference))
        assert (own.loss, own.most_lost, own.most_gained) == pytest.approx((-pair.difference, -pair.low, pair.high))


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"a": GOOD}, set()),
        ({"a": [1.0], "b": [0.0]}, {"a b", "b a"}),
        ({"a": GOOD, "b": [None] * 30}, set()),
        ({"a": GOOD, "b": [math.nan] * 30}, set()),
        ({f"v{i:02}": FAIR if i else GOOD for i in range(31)}, {f"{a} {b}" for i in range(1, 31) for a, b in [("v00", f"v{i:02}"), (f"v{i:02}", "v00")]}),
    ],
)  # fmt: skip
def test_which_margins_are_tested(values: Any, names: set[str]) -> None:
    assert set(margins(values, 0.1)) == names


def test_no_margin_no_test() -> None:
    assert summary(TASK, approaches=APPROACHES).decisions.margins == ()
