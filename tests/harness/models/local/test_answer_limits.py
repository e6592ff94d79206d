"""Stop strings and the token limit count for the answer: behind a block of reasoning, behind a marker, behind a delimiter."""

from pathlib import Path
from typing import Any

import pytest

from harness.models.huggingface import HuggingFace
from harness.records.inputs import Generation
from harness.records.outputs import Completion
from harness.text.replies import UNCLOSED, without_reasoning
from tests.shared.reciting_model import OPEN_TEMPLATE, TEMPLATE, chat_text, save_reciting
from tests.shared.tiny_models import user

REPLIES = {
    "direct": "fever\ncough",
    "think": "<think>A or\nB?</think>\nfever\ncough",
    "square": "[THINK]A or\nB?[/THINK]fever\ncough",
    "seed": "<seed:think>A or\nB?</seed:think>\n\nfever\ncough",
    "own": "<<A or\nB?>>fever\ncough",
    "marker": "A or\nB?\nAnswer: fever\ncough",
    "both": "<think>A\nAnswer: B</think>\nso\nAnswer: fever\ncough",
    "letter": "<think>A or\nB?</think>\nA",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes the replies in chat format, each behind the question of its name."""
    prompts = {chat_text(name): reply for name, reply in REPLIES.items()}
    return save_reciting(tmp_path_factory.mktemp("reciting") / "chat", prompts, TEMPLATE)


@pytest.fixture(scope="module")
def open_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its template opens the block: the replies begin inside it."""
    replies = {"think": "A or\nB?</think>\nfever\ncough", "endless": "A or\nB? A or\nB? A or\nB?", "direct": "fever"}
    prompts = {chat_text(name, "<think>\n"): reply for name, reply in replies.items()}
    return save_reciting(tmp_path_factory.mktemp("reciting") / "open", prompts, OPEN_TEMPLATE)


def ask(folder: Path, question: str, settings: dict[str, Any] | None = None, **options: Any) -> Completion:
    model = HuggingFace.model_validate({"path": str(folder), "dtype": "float32", "device": "cpu", **(settings or {})})
    generation = Generation(**{"max_tokens": 64, **options})
    (alone,) = model.generate([user(question)], generation, [0])
    others = [user(name) for name in ("direct", "think") if name != question]
    together = model.generate([user(question), *others], generation, [0] * (1 + len(others)))[0]
    assert (together.text, together.finish, together.tokens_out) == (alone.text, alone.finish, alone.tokens_out)
    model.close()
    return alone


LINE = ("\n",)
OWN = {"reasoning_tags": [["<<", ">>"]]}
ROWS: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    # question, settings of the model, options, text, finish
    ("direct", {}, {}, REPLIES["direct"], "stop"),
    ("direct", {}, {"stop": LINE}, "fever", "stop"),
    ("think", {}, {"stop": LINE}, "<think>A or\nB?</think>\nfever", "stop"),
    ("square", {}, {"stop": LINE}, "[THINK]A or\nB?[/THINK]fever", "stop"),
    ("seed", {}, {"stop": LINE}, "<seed:think>A or\nB?</seed:think>\n\nfever", "stop"),
    ("own", {}, {"stop": LINE}, "<<A or", "stop"),  # not known to be reasoning
    ("own", OWN, {"stop": LINE}, "<<A or\nB?>>fever", "stop"),
    ("marker", {}, {"stop": LINE}, "A or", "stop"),
    ("marker", {}, {"stop": LINE, "marker": "Answer:"}, "A or\nB?\nAnswer: fever", "stop"),
    ("both", {}, {"stop": LINE, "marker": "Answer："}, "<think>A\nAnswer: B</think>\nso\nAnswer: fever", "stop"),
    ("letter", {}, {"max_tokens": 1}, REPLIES["letter"].rstrip("A"), "length"),  # the line break is the answer's token
    ("letter", {}, {"max_tokens": 2}, REPLIES["letter"], "length"),
    ("letter", {}, {"max_tokens": 3}, REPLIES["letter"], "stop"),
    ("letter", {}, {"max_tokens": 9, "reasoning_tokens": 9}, "<think>A o", "length"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "settings", "options", "text", "finish"), ROWS)
def test_options_of_the_answer_do_not_cut_the_reasoning(
    question: str, settings: dict[str, Any], options: dict[str, Any], text: str, finish: str, folder: Path
) -> None:
    completion = ask(folder, question, settings, **options)
    assert (completion.text, completion.finish) == (text, finish)


@pytest.mark.parametrize(
    ("question", "options", "text", "answer"),
    [
        ("think", {}, "<think>\nA or\nB?</think>\nfever\ncough", "fever\ncough"),
        ("think", {"stop": LINE}, "<think>\nA or\nB?</think>\nfever", "fever"),
        ("endless", {}, "<think>\nA or\nB? A or\nB? A or\nB?", None),  # it ends without closing the block
        ("think", {"reasoning_tokens": 3}, None, None),  # cut before the block closes
        ("direct", {"max_tokens": 1}, "<think>\nfever", None),
    ],
)
def test_a_block_that_the_template_opens_is_a_part_of_the_reply(
    question: str, options: dict[str, Any], text: str | None, answer: str | None, open_folder: Path
) -> None:
    completion = ask(open_folder, question, **options)
    assert text in (None, completion.text)
    assert completion.text.startswith("<think>\n")
    assert without_reasoning(completion.text) == ((answer, None) if answer else ("", UNCLOSED))


def test_options_are_scored_behind_the_closed_block(open_folder: Path) -> None:
    model = HuggingFace(path=str(open_folder), dtype="float32", device="cpu")
    rendered = model.tokenizer.decode(model.encode(user("Q"), "A"))
    assert rendered == chat_text("Q", "<think>\n") + "\n</think>\n\nA"
    assert model.tokenizer.decode(model.encode(user("Q"))) == chat_text("Q", "<think>\n")
    tokens, first, _ = model.encode_answer(user("Q"), "A")  # a training learns to close the block
    assert model.tokenizer.decode(tokens[first:]) == "\n</think>\n\nA"
    model.close()


def test_tags_that_are_special_tokens_are_not_lost(folder: Path, tmp_path: Path) -> None:
    """Magistral's [THINK] is a special token: decoded without, its reasoning would stand in the answer."""
    import shutil

    from transformers import AutoTokenizer

    copy = Path(shutil.copytree(folder, tmp_path / "special"))
    tokenizer = AutoTokenizer.from_pretrained(copy)
    tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]", "<|x|>"]})
    tokenizer.save_pretrained(copy)
    model = HuggingFace(path=str(copy), dtype="float32", device="cpu")
    for text, expected in (
        ("[THINK]A or B?[/THINK]<|x|>fever", "[THINK]A or B?[/THINK]fever"),
        ("<|x|>fever", "fever"),
        ("[THINK]A<|x|> or", "[THINK]A or"),
    ):
        assert model._decode(model.tokenizer(text)["input_ids"]) == expected


PLAIN = {
    "fever\n标准词：": "A cough\nB",
    "fever\nAnswer:": " A cough\nB",
    "fever→": "A cough\nB",
    "fever": "\nA cough\nB",
}


@pytest.fixture(scope="module")
def plain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reciting(tmp_path_factory.mktemp("reciting") / "plain", PLAIN, None)


@pytest.mark.parametrize(
    ("delimiter", "prompt", "text"),
    [
        ("\n标准词：", "fever\n标准词：", "A cough"),
        ("\nAnswer: ", "fever\nAnswer:", " A cough"),
        ("→", "fever→", "A cough"),
        ("\n", "fever", "\nA cough"),  # white space is the model's: a stop string counts behind it
    ],
)
def test_a_plain_prompt_ends_with_its_delimiter(delimiter: str, prompt: str, text: str, plain_folder: Path) -> None:
    model = HuggingFace(path=str(plain_folder), dtype="float32", device="cpu", format="plain", delimiter=delimiter)
    assert model.render(user("fever")) == prompt
    (completion,) = model.generate([user("fever")], Generation(max_tokens=20, stop=LINE), [0])
    assert (completion.text, completion.finish) == (text, "stop")
    tokens, first, _ = model.encode_answer(user("fever"), "A")
    assert tokens[:first] == model.encode(user("fever"))
    assert model.tokenizer.decode(tokens) == f"fever{delimiter}A"
    model.close()
