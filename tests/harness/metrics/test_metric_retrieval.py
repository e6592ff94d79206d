"""Retrieval's own figures, computed by hand."""

import math
from typing import Any

import pytest

from harness.components.metric import Mark
from harness.metrics.retrieval import Retrieval
from harness.metrics.stale import Stale
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, RetrievalTrace, RightAnswer

SAMPLE = Sample(id="s", task="t", input="?", targets=("甲",))


def prediction(found: RetrievalTrace | None, answer: str | None = None, passages: tuple[str, ...] = ()) -> Prediction:
    shown = tuple({"number": i, "text": text} for i, text in enumerate(passages, 1))
    return Prediction(
        sample_id="s",
        task="t",
        variant="v",
        messages=(),
        text=answer or "",
        reading=Reading(answer),
        passages=shown,
        retrieval=found,
    )


@pytest.mark.parametrize(
    ("ranks", "k", "expected"),
    [
        # one gold passage, first: everything is 1
        ((1,), 5, {"": 1, "recall@1": 1, "recall@5": 1, "recall@10": 1, "mrr": 1, "ndcg@10": 1}),
        # at rank 4: 1/4; nDCG = 1 / log2(5)
        ((4,), 3, {"": 0, "recall@1": 0, "recall@5": 1, "recall@10": 1, "mrr": 0.25, "ndcg@10": 1 / math.log2(5)}),
        # beyond the tenth: found late
        ((20,), 5, {"": 0, "recall@1": 0, "recall@5": 0, "recall@10": 0, "mrr": 0.05, "ndcg@10": 0}),
        ((None,), 5, {"": 0, "recall@1": 0, "recall@5": 0, "recall@10": 0, "mrr": 0, "ndcg@10": 0}),
        # two gold passages at 3 and 1; ideal gain 1 + 1/log2(3)
        ((3, 1), 2, {"": 0.5, "recall@1": 0.5, "recall@5": 1, "recall@10": 1, "mrr": 1,
                     "ndcg@10": (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))}),
        ((None, 2), 5, {"": 0.5, "recall@1": 0, "recall@5": 0.5, "recall@10": 0.5, "mrr": 0.5,
                        "ndcg@10": (1 / math.log2(3)) / (1 + 1 / math.log2(3))}),
    ],
)  # fmt: skip
def test_ranks(ranks: tuple[Any, ...], k: int, expected: dict[str, float]) -> None:
    found = RetrievalTrace(gold=tuple(f"g{i}" for i in range(len(ranks))), ranks=ranks, depth=100, k=k)
    marks = Retrieval().score(SAMPLE, prediction(found))
    assert {name: mark.value for name, mark in marks.items()} == pytest.approx(expected)


def test_more_gold_passages_than_ten_can_reach_full_ndcg() -> None:
    found = RetrievalTrace(gold=tuple("abcdefghijkl"), ranks=tuple(range(1, 13)), depth=100, k=5)
    marks = Retrieval().score(SAMPLE, prediction(found))
    assert (marks["ndcg@10"].value, marks[""].value) == (1.0, 5 / 12)


def test_without_gold_or_search_there_are_no_ranks() -> None:
    assert Retrieval().score(SAMPLE, prediction(RetrievalTrace(gold=(), ranks=(), depth=100, k=5))) == {}
    assert (
        Retrieval().score(SAMPLE, prediction(RetrievalTrace(gold=("g",), ranks=None, depth=0, k=1))) == {}
    )  # an oracle was given its passage
    assert not Retrieval().applies(prediction(None))


@pytest.mark.parametrize(
    ("gold", "ranks", "answers", "value", "reason"),
    [
        ("ab", (1, None), ((RightAnswer("甲", (0, 1)),),), 1.0, "gold at 1"),
        ("a", (2,), ((RightAnswer("甲", (0,)), RightAnswer("乙", ())),), 0.5, "gold at 2; the knowledge lacks 乙"),
        ("ab", (None, None), ((RightAnswer("甲", (0,)),), (RightAnswer("乙", (1,)),)), 0.0, "gold not among the first 100"),
    ],
)  # fmt: skip
def test_right_answers_count_not_passages(
    gold: str, ranks: tuple[Any, ...], answers: Any, value: float, reason: str
) -> None:
    found = RetrievalTrace(gold=tuple(gold), ranks=ranks, depth=100, k=5, answers=answers)
    mark = Retrieval().score(SAMPLE, prediction(found))[""]
    assert (mark.value, mark.reason) == (value, reason)


def test_an_item_without_a_right_passage_is_unknown_where_others_have_a_value() -> None:
    absent = RetrievalTrace(gold=(), ranks=(), depth=100, k=5, answers=((RightAnswer("甲", ()),),))
    unknown = RetrievalTrace(gold=(), ranks=(), depth=100, k=5)
    known = RetrievalTrace(gold=("g",), ranks=(1,), depth=100, k=5)
    marks = Retrieval().score_batch([SAMPLE] * 3, [prediction(own) for own in (absent, unknown, known)])
    parts = ("", "recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")
    assert marks[0] == dict.fromkeys(parts, Mark(None, "no passage of the knowledge is right"))
    assert (marks[1], marks[2][""].value) == ({}, 1.0)  # type: ignore[index, union-attr]
    assert Retrieval().score_batch([SAMPLE], [prediction(absent)]) == [{}]  # nothing at all is known of right passages
    given = RetrievalTrace(gold=(), ranks=None, depth=0, k=0, answers=((RightAnswer("甲", ()),),))
    assert Retrieval().score_batch([SAMPLE] * 2, [prediction(given), prediction(known)])[0] == {}


@pytest.mark.parametrize(
    ("answer", "passages", "cited"),
    [
        ("白内障摘除术", ("膝关节", "行 白内障摘除术。"), 1.0),
        ("白内障，摘除术", ("白内障摘除术",), 1.0),  # punctuation is overlooked
        ("晶体摘除术", ("白内障摘除术",), 0.0),
        ("1.5", ("剂量15毫克",), 0.0),  # a number keeps its point
    ],
)
def test_an_answer_is_cited_when_it_stands_in_a_passage(answer: str, passages: tuple[str, ...], cited: float) -> None:
    marks = Retrieval().score(SAMPLE, prediction(RetrievalTrace(gold=(), ranks=(), depth=100, k=5), answer, passages))
    assert marks["cited"].value == cited


def test_the_citation_of_a_choice_is_its_text_and_of_fields_there_is_none() -> None:
    sample = Sample(id="s", task="t", input="?", targets=("B",), options=("维生素A", "铁剂"))
    found = RetrievalTrace(gold=(), ranks=(), depth=100, k=5)
    for letter, cited in (("B", 0.0), ("A", 1.0), ("AB", 0.0)):
        marks = Retrieval().score(sample, prediction(found, letter, ("缺乏维生素A 的 B 型",)))
        assert marks["cited"].value == cited
    answered = Prediction(
        sample_id="s",
        task="t",
        variant="v",
        messages=(),
        text="{}",
        reading=Reading({"病名": "x"}),
        passages=({"number": 1, "text": "x"},),
        retrieval=found,
    )
    assert Retrieval().score(SAMPLE, answered) == {}


@pytest.mark.parametrize(
    ("answer", "stale", "value"),
    [
        ("旧术", ["旧术"], 1.0),
        ("新术", ["旧术"], 0.0),
        ("旧术。", ["旧术"], 1.0),
        (None, ["旧术"], 0.0),
        ("x", [], 0.0),
    ],
)
def test_an_answer_that_no_longer_holds_is_stale(answer: str | None, stale: list[str], value: float) -> None:
    sample = Sample(id="s", task="t", input="?", targets=("新术",), meta={"stale": stale})
    assert Stale().score(sample, prediction(None, answer)).value == value
