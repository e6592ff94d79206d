"""Which of a prompt's messages a server's chat template leaves out."""

import pytest

from harness.models.remote.rendering import first_of_each_structure, in_words, missing_turns, turn_excerpt
from harness.records.inputs import Message, Prompt, Role


def prompt_of(*turns: tuple[Role, str]) -> Prompt:
    return tuple(Message(role, content) for role, content in turns)


SYSTEM = prompt_of(("system", "Answer in one word."), ("user", "Name a fruit."))
SHOTS = prompt_of(("user", "Name a tree."), ("assistant", "Oak"), ("user", "Name A fruit."))
LETTERS = prompt_of(("user", "Which: A or B?"), ("assistant", "A"), ("user", "Which: A or C?"))
TWICE = prompt_of(("user", "1+1?"), ("assistant", "2"), ("user", "1+1?"), ("assistant", "2"), ("user", "2+2?"))
CHINESE = prompt_of(("system", "只答一个词。"), ("user", "说出一种水果。"))
THINKING = prompt_of(("user", "2?"), ("assistant", "<think>\nlong\n</think>\n\nTwo"), ("user", "3?"))


@pytest.mark.parametrize(
    ("prompt", "rendered", "places"),
    [
        (SYSTEM, "<s>Answer in one word.</s><u>Name a fruit.</u>", []),
        (SYSTEM, "<s>You are SmolLM.</s><u>Name a fruit.</u>", [0]),
        (SYSTEM, "Name a fruit.", [0]),
        (SYSTEM, "[INST] Answer in  one\nword.\n\nName a fruit. [/INST]", []),
        (SYSTEM, "[INST] Name a fruit.\n\nAnswer in one word. [/INST]", []),  # a system text may stand anywhere
        (SYSTEM, "", [0, 1]),
        (SYSTEM, "Answer in one wor", [0, 1]),
        (CHINESE, "<|user|>说出一种水果。", [0]),
        (CHINESE, "<|system|>只答一个词｡<|user|>说出一种水果。", []),  # half-width, as some tokenizers normalise
        (SHOTS, "Name a tree.OakName A fruit.", []),
        (SHOTS, "Name a tree.Name A fruit.", [1]),
        (SHOTS, "Name A fruit.", [0, 1]),
        (LETTERS, "U: Which: A or B? U: Which: A or C?", [1]),  # the letters in the questions are none of the answer
        (LETTERS, "U: Which: A or B? A: A U: Which: A or C?", []),
        (TWICE, "1+1?|2|1+1?|2|2+2?", []),
        (TWICE, "1+1?|2|1+1?|2+2?", [3]),
        (TWICE, "1+1?|1+1?|2+2?", [1, 3]),
        (THINKING, "U 2? A Two U 3?", []),
        (THINKING, "U 2? A <think>long</think>Two U 3?", []),
        (THINKING, "U 2? U 3?", [1]),
        (prompt_of(("system", "  "), ("user", "Hi")), "Hi", []),  # nothing that could be missing
        (prompt_of(("user", "1"), ("assistant", "2"), ("user", "1")), "1 2", [2]),
    ],
)
def test_missing_turns_are_found(prompt: Prompt, rendered: str, places: list[int]) -> None:
    assert missing_turns(prompt, rendered) == tuple(prompt[place] for place in places)


def test_words_stand_for_texts_that_are_too_short_to_tell() -> None:
    words = in_words(LETTERS)
    assert [message.role for message in words] == ["user", "assistant", "user"]
    assert len({message.content for message in words}) == 3
    assert missing_turns(words, "assistant: " + words[0].content + words[2].content) == (words[1],)


def test_one_prompt_of_each_structure() -> None:
    other = prompt_of(("system", "Short."), ("user", "Name a tree."))
    assert first_of_each_structure([SYSTEM, other, SHOTS, LETTERS]) == {
        ("system", "user"): SYSTEM,
        ("user", "assistant", "user"): SHOTS,
    }


def test_a_turn_is_named_by_its_role_and_its_beginning() -> None:
    assert turn_excerpt(SYSTEM[0]) == "the system text “Answer in one word.”"
    assert turn_excerpt(Message("assistant", "x" * 50)) == f"the earlier answer “{'x' * 40}…”"
