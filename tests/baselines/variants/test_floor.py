"""Answers without a model, and what is said of variants that do not beat them."""

from typing import Any

import pytest
from pydantic import ValidationError

from baselines.variants.floor import Floor
from harness.components.retriever import Retriever
from harness.records.inputs import Sample
from tests.shared.rag_fixtures import resources


def answers(predictions: Any) -> list[Any]:
    return [prediction.reading.answer for prediction in predictions]


def test_nearest_gives_the_answer_of_the_nearest_row(ask: Any) -> None:
    predictions = ask(Floor(by="nearest"))
    assert answers(predictions)[:2] == ["左膝关节置换术", "白内障摘除术"]
    assert predictions[0].notes == ("the answer of train row train:0: 左膝换关节",)
    assert predictions[0].messages == ()  # no model was asked


def test_majority_gives_the_commonest_answer(ask: Any, norm: Any) -> None:
    rows = [("a", "甲"), ("b", "乙"), ("c", "乙"), ("d", "甲"), ("e", "甲")]
    train = tuple(
        Sample(id=f"t{i}", task="norm", input=text, targets=(target,)) for i, (text, target) in enumerate(rows)
    )
    predictions = ask(Floor(by="majority"), on=norm(train=train))
    assert answers(predictions) == ["甲"] * 3
    assert predictions[0].notes == ("the answer of 3 of 5 train rows",)


def test_top_passage_gives_the_first_hit(ask: Any, overlap: Retriever) -> None:
    predictions = ask(Floor(by="top_passage", knowledge="kb", retriever=overlap))
    assert answers(predictions)[:2] == ["左膝关节置换术", "白内障摘除术"]
    assert predictions[2].text == ""
    assert predictions[2].notes == ("nothing was found for the input",)


def test_settings_and_data_that_cannot_be(norm: Any) -> None:
    for settings in ({"by": "top_passage"}, {"by": "nearest", "knowledge": "kb"}):
        with pytest.raises(ValidationError, match="top_passage needs knowledge, and nothing else does"):
            Floor(**settings)
    assert Floor(by="majority").check(norm(train=()), resources(norm()), {}) == [
        "by: majority takes its answers from train rows, and there are none"
    ]
