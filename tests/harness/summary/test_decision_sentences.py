"""The sentences of a decision hold for metrics of either direction, and for variants that do not differ."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from harness.records.deployment_terms import DeploymentTerms
from harness.records.figures import MetricInfo
from harness.records.inputs import Language
from harness.summary.decision import decide
from reports.facts.statement_text import sentence
from reports.wording import speaking
from tests.shared.situations import situation

ERRORS = MetricInfo(component="Errors", settings={}, low=0.0, high=10.0, better="lower")
TERMS = DeploymentTerms(margins={"norm.accuracy": 0.3})
LOWER: Mapping[Language, tuple[str, str]] = {
    "en": (
        "It is better than the floor nearest, which asks no model, by 8.00 on norm.accuracy.",
        "Better retrieval: oracle, which is given the right passage, is better than rag on norm.accuracy by 0.50.",
    ),
    "zh": (
        "在 norm.accuracy 上，它比不用模型的基线 nearest 好 8.00。",
        "更好的检索：直接给出正确段落的 oracle 在 norm.accuracy 上比 rag 好 0.50。",
    ),
}


@pytest.mark.parametrize("language", LOWER)
def test_fewer_errors_are_not_called_more(language: Language) -> None:
    means = {"rag": 1.0, "nearest": 9.0, "oracle": 0.5}
    summary = situation(means, floor="nearest", above_floor=["rag"], metric=ERRORS)
    decision = decide(summary, TERMS)
    with speaking(language):
        said = [sentence(own, summary) for own in (*decision.reasons, *decision.changes)]
    assert [own for own in LOWER[language] if own not in said] == []


@pytest.mark.parametrize(
    ("language", "said"), [("en", "rag, the best that asks a model, reaches 9.00: worse by 8.00."), ("zh", "差 8.00")]
)
def test_more_errors_than_the_floor_are_not_called_less(language: Language, said: str) -> None:
    summary = situation({"rag": 9.0, "nearest": 1.0}, floor="nearest", below_floor=["rag"], metric=ERRORS)
    with speaking(language):
        reasons = " ".join(sentence(own, summary) for own in decide(summary, TERMS).reasons)
    assert said in reasons


@pytest.mark.parametrize(("other", "count"), [(0.8, 0), (0.79, 1)])
def test_of_no_difference_no_size_is_to_be_shown(other: float, count: int) -> None:
    summary = situation({"zero": 0.8, "rag": other}, costs={"zero": {"p50": 0.1}, "rag": {"p50": 0.5}})
    decision = decide(summary, DeploymentTerms(margins={"norm.accuracy": 0.02}))
    assert decision.variant == "zero"
    assert [own.key for own in decision.changes].count("decision.more_items") == count


def test_a_lead_on_a_floor_is_that_of_the_items_of_both() -> None:
    """Where values are unknown, the difference of the two means is another."""
    summary = situation({"rag": 0.8, "nearest": 0.7}, floor="nearest")
    summary = replace(summary, floors=tuple(replace(own, difference=0.04) for own in summary.floors))
    said = [sentence(own, summary) for own in decide(summary, TERMS).reasons]
    assert "rag is ahead by 4.0 points on norm.accuracy, which these items cannot confirm." in said
