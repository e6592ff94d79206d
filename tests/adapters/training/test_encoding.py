"""What is trained is what will be asked: the same token ids, the answer alone learnt, its end too."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.training.encoding import (
    IGNORED,
    Example,
    TokenRow,
    encode_examples,
    encode_texts,
    end_of_turn,
    shared_prefix,
)
from adapters.training.session import encode
from adapters.training.settings import Recipe
from harness.errors import DataError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Message, Prompt
from tests.shared.tiny_models import CHATML

SYSTEM = Message("system", "Answer with the letter.")
PROMPTS: dict[str, Prompt] = {
    "a question": (Message("user", "肺炎?"),),
    "with a system turn": (SYSTEM, Message("user", "肺炎?")),
    "with history": (SYSTEM, Message("user", "fever"), Message("assistant", "A"), Message("user", "cough")),
    "several turns": (
        Message("user", "A"), Message("assistant", "B"), Message("user", "C"), Message("assistant", "D"),
        Message("user", "Which of the following?"),
    ),
}  # fmt: skip


def model(folder: Path, **settings: object) -> HuggingFace:
    return HuggingFace.model_validate({"path": str(folder), "dtype": "float32", "device": "cpu", **settings})


def test_texts_are_learnt_whole_beside_answers(base: HuggingFace) -> None:
    example = Example((SYSTEM, Message("user", "肺炎?")), "A")
    both = encode(base, ["cough and fever", example, "  "], 64, Recipe())
    text, answer = encode_texts(base, ["cough and fever"], 64), encode_examples(base, [example], 64, "answer")
    assert both.rows == (*text.rows, *answer.rows)
    assert (both.cut, both.dropped, both.split) == (0, 1, 0)  # the blank text
    learnt = [sum(label != IGNORED for label in row.labels) for row in both.rows]
    assert learnt == [len(text.rows[0].ids) - 1, 2]  # all but the first; the letter and the end of the turn
    with pytest.raises(DataError, match="longer than the cutoff"):
        encode(base, ["a", example], 8, Recipe())


@pytest.mark.parametrize("settings", [{}, {"format": "plain"}, {"format": "plain", "delimiter": ""}], ids=str)
@pytest.mark.parametrize("prompt", list(PROMPTS.values()), ids=list(PROMPTS))
def test_a_training_prompt_is_the_inference_prompt(
    prompt: Prompt, settings: dict[str, str], make_folder: Callable[..., Path]
) -> None:
    base = model(make_folder(), **settings)
    (row,) = encode_examples(base, [Example(prompt, "高血压 cough")], 256, "answer").rows
    asked = base.encode(prompt)
    assert list(row.ids[: len(asked)]) == asked
    assert row.labels[: len(asked)] == (IGNORED,) * len(asked)
    assert row.labels[len(asked) :] == row.ids[len(asked) :]
    learnt = base.tokenizer.decode(row.ids[len(asked) :])
    assert learnt == settings.get("delimiter", " " if settings else "") + "高血压 cough<|im_end|>"


def test_where_the_tokenizer_would_merge_the_prompt_keeps_its_tokens(make_folder: Callable[..., Path]) -> None:
    """ "feve" + "r" would be one token "fever", which the model never sees at inference."""
    base = model(make_folder(), format="plain", delimiter="")
    asked = base.encode((Message("user", "A feve"),))
    assert base.encode((Message("user", "A feve"),), "r")[: len(asked)] != asked
    encoded = encode_examples(base, [Example((Message("user", "A feve"),), "r")], 256, "answer")
    (row,) = encoded.rows
    assert (list(row.ids[: len(asked)]), encoded.split) == (asked, 1)
    assert base.tokenizer.decode(row.ids) == "A fever<|im_end|>"


def test_all_tokens_can_be_learnt(base: HuggingFace) -> None:
    (row,) = encode_examples(base, [Example(PROMPTS["with history"], "A")], 256, "all").rows
    assert row.labels == (IGNORED, *row.ids[1:])  # nothing predicts the first


def test_the_end_is_the_templates_if_generation_stops_there(make_folder: Callable[..., Path]) -> None:
    """Token 2 is <|im_end|>; a checkpoint that stops at <|pad|> only must learn that one."""
    assert end_of_turn(model(make_folder())) == 2
    other = make_folder(eos_token_id=0)
    assert model(other).end_tokens() == (0,)
    assert end_of_turn(model(other)) == 0
    both = make_folder(eos_token_id=[0, 2])
    assert end_of_turn(model(both)) == 2
    assert end_of_turn(model(both, format="plain")) == 2  # the tokenizer's end of text


def test_a_row_too_long_loses_its_oldest_turns_never_its_answer(base: HuggingFace) -> None:
    question = Message("user", "cough?")
    old = (
        Message("user", "fever " * 20),
        Message("assistant", "A"),
        Message("user", "headache"),
        Message("assistant", "B"),
    )
    short, long = Example((SYSTEM, question), "B"), Example((SYSTEM, *old, question), "B")
    without_oldest = Example((SYSTEM, *old[2:], question), "B")
    room = len(encode_examples(base, [without_oldest], 256, "answer").rows[0].ids)
    encoded = encode_examples(base, [long, short, Example((SYSTEM, Message("user", "A" * 200)), "B")], room, "answer")
    expected = encode_examples(base, [without_oldest, short], 256, "answer")
    assert (encoded.rows, encoded.cut, encoded.dropped) == (expected.rows, 1, 1)


def test_no_row_that_fits_is_an_error_with_the_remedy(base: HuggingFace) -> None:
    long = Example((Message("user", "A" * 100),), "B")
    tokens = len(encode_examples(base, [long], 256, "answer").rows[0].ids)
    with pytest.raises(DataError, match=f"all 2 rows are longer than the cutoff of 20 .* raise cutoff to {tokens} "):
        encode_examples(base, [long, long], 20, "answer")
    with pytest.raises(DataError, match="no row to train on"):
        encode_examples(base, [], 20, "answer")


def test_texts_are_learnt_whole_and_split_at_the_cutoff(base: HuggingFace) -> None:
    """12 letters are 12 tokens and an end: rows of 8 and 5, the first token of each unlearnt. A blank text is none."""
    encoded = encode_texts(base, ["ZYXWVZYXWVZY", " \n"], 8)
    assert [len(row.ids) for row in encoded.rows] == [8, 5]
    assert all(row.labels == (IGNORED, *row.ids[1:]) for row in encoded.rows)
    assert base.tokenizer.decode([token for row in encoded.rows for token in row.ids]) == "ZYXWVZYXWVZY<|im_end|>"
    assert encoded.dropped == 1
    with pytest.raises(DataError, match="have no word"):
        encode_texts(base, [" "], 8)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([([7, 8, 1, 2], 3), ([7, 8, 3, 4], 3)], 2),
        ([([7, 8, 9, 1], 3), ([7, 8, 9, 2], 3)], 2),  # the token behind the prefix is not learnt either
        ([([7, 8, 9, 1], 1), ([7, 8, 9, 1], 3)], 0),
        ([([5, 8], 1), ([7, 8], 1)], 0),
    ],
)
def test_the_prefix_that_rows_share(rows: list[tuple[list[int], int]], expected: int) -> None:
    made = [TokenRow(tuple(ids), (*[IGNORED] * first, *ids[first:])) for ids, first in rows]
    assert shared_prefix(made) == expected


@pytest.mark.parametrize(
    ("around", "before"),
    [("$A", []), ("$A <|im_end|>", []), ("<|im_start|> $A <|im_end|>", [1]), ("$A <|im_end|> <|im_end|>", [])],
)
@pytest.mark.parametrize("template", [None, "chat"])
def test_what_a_tokenizer_appends_is_no_part_of_a_prompt(
    around: str, before: list[int], template: str | None, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    """GPT-2 with BERT's tokenizer ends each text with [SEP], others with their end token: nothing would follow it."""
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    folder = Path(shutil.copytree(make_folder(template=None), tmp_path / "model"))
    core = Tokenizer.from_file(str(folder / "tokenizer.json"))
    core.post_processor = TemplateProcessing(single=around, special_tokens=[("<|im_start|>", 1), ("<|im_end|>", 2)])
    core.save(str(folder / "tokenizer.json"))
    base = model(folder, format=template or "plain")
    question = (Message("user", "fever"),)
    text = base.tokenizer(base.render(question), add_special_tokens=False)["input_ids"]
    assert base.encode(question) == [*before, *text]
    (row,) = encode_examples(base, [Example(question, "A")], 256, "answer").rows
    assert list(row.ids[: len(before) + len(text)]) == [*before, *text]
    assert row.ids.count(2) == 1  # the end of the answer, which is learnt
    (document,) = encode_texts(base, ["fever A"], 256).rows
    assert document.ids.count(2) == 1


@pytest.mark.parametrize(
    ("delimiter", "learnt"),
    [("\n标准词：", "cough<|im_end|>"), ("\nAnswer: ", " cough<|im_end|>"), ("\n", "\ncough<|im_end|>")],
)
def test_a_delimiter_is_asked_not_learnt(delimiter: str, learnt: str, make_folder: Callable[..., Path]) -> None:
    base = model(make_folder(), format="plain", delimiter=delimiter)
    question = (Message("user", "fever"),)
    (row,) = encode_examples(base, [Example(question, "cough")], 256, "answer").rows
    asked = base.encode(question)
    assert list(row.ids[: len(asked)]) == asked
    assert base.tokenizer.decode(row.ids[len(asked) :]) == learnt
    assert base.tokenizer.decode(row.ids) == f"fever{delimiter}cough<|im_end|>"


DIALOGUE = Example(
    (
        SYSTEM,
        Message("user", "worked example"),
        Message("assistant", "Z"),
        Message("user", "fever"),
        Message("assistant", "A"),
        Message("user", "cough"),
        Message("assistant", "B"),
        Message("user", "headache"),
    ),
    "C",
    history=2,
)
SIMPLE = CHATML[: CHATML.index("{% if enable_thinking")] + "{% endif %}"  # asks for an answer as it shows one


@pytest.mark.parametrize(
    ("settings", "template", "learnt"),
    [
        ({}, SIMPLE, ["A<|im_end|>B<|im_end|>C<|im_end|>"]),  # each prompt is how the next one begins: one row
        # asked for without reasoning: an empty block of it stands before the answer, and in no answer of the history
        ({"enable_thinking": False}, CHATML, ["A<|im_end|>", "B<|im_end|>", "C<|im_end|>"]),
        ({"format": "plain"}, None, [" A<|im_end|>", " B<|im_end|>", " C<|im_end|>"]),  # a blank line follows, no end
    ],
    ids=["chat", "chat that asks otherwise", "plain"],
)
def test_every_turn_of_the_row_is_learnt_as_it_is_asked(
    settings: dict[str, object], template: str | None, learnt: list[str], make_folder: Callable[..., Path]
) -> None:
    """The worked example is no answer to learn; each answer follows the very tokens that inference sends for it."""
    base = model(make_folder(), **settings)
    base.tokenizer.chat_template = template
    encoded = encode_examples(base, [DIALOGUE], 256, "answer", "all")
    assert [base.tokenizer.decode([i for i in row.labels if i != IGNORED]) for row in encoded.rows] == learnt
    for place, answer in ((4, "A"), (6, "B"), (8, "C")):
        ids, asked, _ = base.encode_answer(DIALOGUE.prompt[:place], answer)
        (row,) = (row for row in encoded.rows if list(row.ids[: len(ids)]) == ids and row.labels[asked] != IGNORED)
        assert row.labels[asked : len(ids) + 1] == (*ids[asked:], row.ids[len(ids)])
        assert row.ids[len(ids)] == end_of_turn(base)
    (last,) = encode_examples(base, [DIALOGUE], 256, "answer").rows
    assert base.tokenizer.decode([i for i in last.labels if i != IGNORED]).strip() == "C<|im_end|>"


def test_turns_that_do_not_fit_together_are_learnt_apart(base: HuggingFace) -> None:
    """The last question needs all the room: its history is cut, and the two turns before it are a row of their own."""
    base.tokenizer.chat_template = SIMPLE
    long = Example((*DIALOGUE.prompt[3:7], Message("user", "headache " * 30)), "C", history=2)
    (earlier,) = encode_examples(base, [Example(long.prompt[:3], "B", history=1)], 256, "answer", "all").rows
    (alone,) = encode_examples(base, [Example(long.prompt[4:], "C")], 256, "answer").rows
    encoded = encode_examples(base, [long], len(alone.ids), "answer", "all")
    assert (encoded.rows, encoded.cut, encoded.dropped) == ((earlier, alone), 1, 0)
