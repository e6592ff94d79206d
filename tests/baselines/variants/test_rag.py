"""What is put before the question: retrieved, gold, irrelevant or nothing, and never more than there is room for."""

from typing import Any

import pytest
from pydantic import ValidationError

from baselines.knowledge.texts import Texts
from baselines.variants.rag import Rag
from harness.components.retriever import Retriever
from harness.models.scripted import Rule, Scripted
from harness.records.inputs import Sample
from harness.records.outputs import Alternatives, Prediction, RetrievalTrace, RightAnswer
from tests.shared.rag_fixtures import resources


def rag(overlap: Retriever, **settings: Any) -> Rag:
    return Rag(model="m", knowledge="kb", retriever=overlap, **settings)


def texts(prediction: Prediction) -> list[str]:
    return [str(passage["text"]) for passage in prediction.passages]


def right(text: str, *places: int) -> Alternatives:
    """One right answer, with the places of its passages in the trace's gold."""
    return ((RightAnswer(text, places),),)


def test_passages_stand_numbered_before_the_question(ask: Any, overlap: Retriever) -> None:
    first, second, third = ask(rag(overlap, k=2))
    # 左膝关节换了 shares 左膝关节 = 4 characters with the first term, and 膝关节 = 3 with the second; 换 is not 置换's 置
    # … but 换 stands in 置换, so 5 and 4
    assert first.messages[-1].content == ("参考资料：\n[1] 左膝关节置换术\n[2] 右膝关节置换术\n\n左膝关节换了 →")
    assert [(p["number"], p["id"], p["rank"], p["score"], p["gold"]) for p in first.passages] == [
        (1, "terms.txt:1", 1, 5.0, True),
        (2, "terms.txt:2", 2, 4.0, False),
    ]
    assert first.retrieval == RetrievalTrace(
        gold=("terms.txt:1",), ranks=(1,), depth=100, k=2, answers=right("左膝关节置换术", 0)
    )
    assert first.confidence["retrieval"] == 5.0
    assert texts(second) == ["白内障摘除术"]  # k above what is found
    assert third.passages == ()
    assert third.messages[-1].content == "肝移植 →"
    assert third.notes == ("nothing was found for the query",)
    assert third.retrieval == RetrievalTrace(
        gold=(), ranks=(), depth=100, k=2, answers=right("肝移植术"), unmatched=True
    )  # no passage is the gold one


def test_the_rank_of_the_gold_passage_is_known_beyond_k(ask: Any, overlap: Retriever, norm: Any) -> None:
    asked = norm(test=(Sample(id="q", task="norm", input="膝关节置换", targets=("右膝关节置换术",)),))
    (prediction,) = ask(rag(overlap, k=1), on=asked)
    assert texts(prediction) == ["左膝关节置换术"]
    assert prediction.retrieval == RetrievalTrace(
        gold=("terms.txt:2",), ranks=(2,), depth=100, k=1, answers=right("右膝关节置换术", 0)
    )


def test_oracle_shows_the_gold_passage_and_nothing_else(ask: Any, overlap: Retriever) -> None:
    first, second, third = ask(rag(overlap, oracle=True))
    assert texts(first) == ["左膝关节置换术"]
    assert first.retrieval == RetrievalTrace(
        gold=("terms.txt:1",), ranks=None, depth=0, k=1, answers=right("左膝关节置换术", 0)
    )
    assert texts(second) == ["白内障摘除术"]
    assert (texts(third), third.notes) == ([], ("no gold passage is known",))


def test_distractors_are_irrelevant_mixed_in_and_the_same_each_time(ask: Any, overlap: Retriever) -> None:
    one = ask(rag(overlap, oracle=True, distractors=3))
    assert one == ask(rag(overlap, oracle=True, distractors=3))
    for prediction in one[:2]:
        assert len(set(texts(prediction))) == 4
        assert [p["gold"] for p in prediction.passages].count(True) == 1
        assert [p["number"] for p in prediction.passages] == [1, 2, 3, 4]
    places = {tuple(p["gold"] for p in prediction.passages).index(True) for prediction in one[:2]}
    assert places != {0}  # the gold passage does not always come first


def test_closed_book_is_the_same_prompt_without_passages(ask: Any, overlap: Retriever) -> None:
    prompt = "请回答。{% for p in passages %}{{ p.text }};{% endfor %}\n\n{{ question }}"
    opened = ask(rag(overlap, k=1, prompt=prompt))
    closed = ask(rag(overlap, k=1, prompt=prompt, closed_book=True))
    assert opened[0].messages[-1].content == "请回答。左膝关节置换术;\n左膝关节换了 →"
    assert closed[0].messages[-1].content == "请回答。\n左膝关节换了 →"
    assert closed[0].retrieval is None


def test_worked_examples_come_with_or_without_passages(ask: Any, overlap: Retriever) -> None:
    plain = ask(rag(overlap, k=1, shots=1))[0].messages
    assert [m.content for m in plain[:2]] == ["左膝换关节 →", "左膝关节置换术"]
    shown = ask(rag(overlap, k=1, shots=1, example_k=1))[0].messages
    assert [m.content for m in shown[:2]] == ["参考资料：\n[1] 左膝关节置换术\n\n左膝换关节 →", "左膝关节置换术"]
    assert plain[-1] == shown[-1]


def test_reasoning_and_votes_work_behind_passages(ask: Any, overlap: Retriever) -> None:
    model = Scripted(rules=(Rule(match="参考资料", reply="想。答案：左膝关节置换术"),), default="答案：不知道")
    first, _, third = ask(rag(overlap, k=1, chain_of_thought=True, samples=3, temperature=0.7), model)
    assert first.reading.answer == "左膝关节置换术"
    assert first.confidence == {"agreement": 1.0, "retrieval": 5.0}
    assert texts(first) == ["左膝关节置换术"]
    assert third.reading.answer == "不知道"


def test_a_threshold_keeps_weak_hits_out(ask: Any, overlap: Retriever) -> None:
    first, second, _ = ask(rag(overlap, k=5, threshold=5))
    assert texts(first) == ["左膝关节置换术"]
    assert second.passages == ()
    assert second.notes == ("no passage reached the threshold 5; the best had 3",)


def test_a_budget_leaves_out_and_cuts(ask: Any, overlap: Retriever) -> None:
    # the scripted model has no tokenizer: a character is a token, and each passage costs 12 more
    whole = len("左膝关节置换术terms.txt") + 12
    first = ask(rag(overlap, k=2, budget=2 * whole))[0]
    assert len(first.passages) == 2
    first = ask(rag(overlap, k=2, budget=2 * whole - 1))[0]
    assert texts(first) == ["左膝关节置换术"]
    assert first.notes == ("1 of 2 passages left out: no room for them",)
    assert first.retrieval is not None
    assert (first.retrieval.left_out, first.retrieval.cut) == (1, 0)
    first = ask(rag(overlap, k=1, budget=whole - 1))[0]
    assert texts(first) == ["左膝关节置…"]  # 5 characters and the mark instead of 7
    assert first.passages[0]["cut"] is True
    assert first.retrieval is not None
    assert first.retrieval.cut == 1
    assert "passage 1 is longer than the room left and was cut" in first.notes


def test_a_long_passage_is_cut_to_the_window_and_the_call_goes_through(
    ask: Any, overlap: Retriever, tmp_path: Any, tiny_window: Scripted
) -> None:
    path = tmp_path / "long.txt"
    path.write_text("左膝关节" * 500, encoding="utf-8")
    (first, *_) = ask(rag(overlap), tiny_window, knowledge=Texts(path=str(path)))
    assert first.retrieval is not None
    assert first.retrieval.cut == 1
    assert sum(len(message.content) for message in first.messages) < 300 - 50
    assert len(texts(first)[0]) > 100  # but not more than needed


def test_filters_are_templates_over_the_sample(ask: Any, overlap: Retriever, tmp_path: Any, norm: Any) -> None:
    path = tmp_path / "terms.csv"
    path.write_text("name,side\n膝关节置换术,左\n膝关节镜检,右\n", encoding="utf-8")
    knowledge = Texts(path=str(path), column="name")
    asked = norm(
        test=(Sample(id="q", task="norm", input="膝关节置换", targets=("膝关节置换术",), meta={"side": "右"}),)
    )
    (prediction,) = ask(rag(overlap, filter={"side": "{{ side }}"}), on=asked, knowledge=knowledge)
    assert texts(prediction) == ["膝关节镜检"]
    problems = rag(overlap, filter={"sid": "x"}).check(asked, resources(asked, knowledge), {})
    assert problems == ["filter: no passage has a field 'sid' (did you mean side?)"]


def test_the_query_is_a_template(ask: Any, overlap: Retriever, terms: Texts, norm: Any) -> None:
    assert texts(ask(rag(overlap, k=1, query="胆囊"))[0]) == ["胆囊切除术"]
    assert (
        rag(overlap, query="{{ nothing }}")
        .check(norm(), resources(norm(), terms), {})[0]
        .startswith("query: sample test:1: ")
    )
    assert ask(rag(overlap, query=" "))[0].notes == ("nothing was found for the query",)


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"closed_book": True, "oracle": True}, "closed_book shows no passages"),
        ({"example_k": 1}, "give shots as well"),
        ({"k": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_contradict(overlap: Retriever, settings: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        rag(overlap, **settings)


def test_an_oracle_needs_gold(overlap: Retriever, terms: Texts, norm: Any) -> None:
    asked = norm(test=(Sample(id="q", task="norm", input="肝", targets=("肝移植术",)),))
    (problem,) = rag(overlap, oracle=True).check(asked, resources(asked, terms), {})
    assert problem.startswith("oracle: no sample's gold passage is known")
