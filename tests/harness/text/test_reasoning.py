"""Which part of a reply is reasoning, by the tags of many models, and where the answer begins."""

import pytest

from harness.text.reasoning import (
    answer_start,
    begins_block,
    close_block,
    ends_reasoning,
    opened_block,
    with_usual_tags,
)
from harness.text.replies import ONLY_REASONING, UNCLOSED, without_reasoning

PAIRS = [
    ("<think>", "</think>"),
    ("<THINK>", "</Think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("◁think▷", "◁/think▷"),
    ("<unused94>", "<unused95>"),
]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_tags_of_reasoning(opening: str, closing: str) -> None:
    assert without_reasoning(f"{opening}甲还是乙？{closing}\n乙") == ("乙", None)
    assert without_reasoning(f"甲还是乙？{closing}乙") == ("乙", None)  # opened in the prompt
    assert without_reasoning(f"{opening}甲还是乙？") == ("", UNCLOSED)
    assert without_reasoning(f"{opening}甲{closing}") == ("", ONLY_REASONING)
    assert answer_start(f"{opening}甲{closing}乙") == len(f"{opening}甲{closing}")
    assert answer_start(f"{opening}甲") is None
    assert opened_block(f"Q{opening}\n") == f"{opening}\n"
    assert opened_block(f"Q{opening}\n\n{closing}\n\n") == ""
    assert begins_block(f"\n{opening}") is True
    assert begins_block(opening[:-1]) is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("<|begin_of_thought|>a<|end_of_thought|>\n<|begin_of_solution|>B<|end_of_solution|>", "B"),
        ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>B<|END_RESPONSE|>", "B"),
        ("B <[think about it]>", "B <[think about it]>"),
        ("[think] is no tag pair: a [thinking] cap", ""),  # an open tag all the same: nothing is guessed
        ("x < y and y > z", "x < y and y > z"),
    ],
)
def test_what_stands_around_the_answer(reply: str, answer: str) -> None:
    assert without_reasoning(reply)[0] == answer


@pytest.mark.parametrize(
    ("reply", "marker", "start"),
    [
        ("A", None, 0),
        ("A, B", "答案：", None),
        ("甲。答案:乙", "答案：", len("甲。答案:")),
        ("<think>答案：甲</think>答案：乙", "答案：", len("<think>答案：甲</think>答案：")),
        ("<think>答案：甲", "答案：", None),
        ("A <think>B</think> C", None, 0),  # a block behind the beginning of the answer
        ("", None, 0),
    ],
)
def test_where_an_answer_begins(reply: str, marker: str | None, start: int | None) -> None:
    assert answer_start(reply, marker) == start


def test_a_models_own_tags() -> None:
    own = (("<<", ">>"), ("思考：", "回答："))
    assert with_usual_tags("<<a>>b", own) == "<think>a</think>b"
    assert with_usual_tags("思考：a回答：b", own) == "<think>a</think>b"
    assert with_usual_tags("<<a>>b", ()) == "<<a>>b"
    assert opened_block("Q<<\n", own) == "<<\n"
    assert close_block("<<\n", own) == "\n>>\n\n"
    assert answer_start("<<a>>b", None, own) == 5
    assert (ends_reasoning("a>>", None, own), ends_reasoning("a>>"), ends_reasoning("答案：", "答案:")) == (
        True,
        False,
        True,
    )
