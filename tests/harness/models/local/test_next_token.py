"""How likely options are as the first token, held to a computation by hand on whole vocabularies."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models.huggingface import HuggingFace
from harness.records.inputs import Message, Prompt
from harness.selftest.tiny_models import CHATML, readable, save_tokenizer, sizes
from tests.shared.tiny_models import user

PROMPTS = [
    user(text)
    for text in ("肺炎", "Which of the following is correct?", "A", "糖尿病肾病 高血压 fever", "letter B. cough")
]
OPTIONS = [("A", "B", "C", "D"), ("A", "B"), ("A", "B", "C", "D", "E"), ("B", "A"), ("A", "C")]
THINKING = CHATML + "{% if add_generation_prompt %}<think>\n{% endif %}"


def folder(path: Path, template: str | None) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    save_tokenizer(path, template)
    readable(LlamaForCausalLM(LlamaConfig(**sizes())), path).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("next") / "chat", CHATML)


@pytest.fixture
def tiny() -> Iterator[Any]:
    made: list[HuggingFace] = []

    def make(path: Path, **settings: Any) -> HuggingFace:
        made.append(HuggingFace(path=str(path), dtype="float32", device="cpu", **settings))
        return made[-1]

    yield make
    for model in made:
        model.close()


def by_hand(model: HuggingFace, text: str, options: tuple[str, ...]) -> dict[str, float]:
    """The probability of each option as the token behind a text: that of its tokens, found by their own texts."""
    ids = model.tokenizer(text, add_special_tokens=model.format == "plain")["input_ids"]
    with torch.inference_mode():
        shares = torch.softmax(model._model()(torch.tensor([ids])).logits[0, -1].double(), -1)
    texts = [model.tokenizer.decode([token]) for token in range(len(shares))]
    forms = {o: [o, f" {o}", o.lower(), f" {o.lower()}", f"{o}.", f" {o}."] for o in options}
    return {o: sum(float(shares[token]) for token, text in enumerate(texts) if text in forms[o]) for o in options}


@pytest.mark.parametrize("settings", [{}, {"format": "plain"}, {"format": "plain", "delimiter": "\nAnswer: "}])
def test_equal_to_a_computation_by_hand(chat: Path, tiny: Any, settings: dict[str, str]) -> None:
    model = tiny(chat, **settings)
    answers = dict(model.first_token_each(PROMPTS, OPTIONS))  # one batch of several lengths
    assert sorted(answers) == [0, 1, 2, 3, 4]
    for place, (prompt, options) in enumerate(zip(PROMPTS, OPTIONS, strict=True)):
        masses = by_hand(model, model.render(prompt), options)
        completion, whole = answers[place], sum(masses.values())
        assert completion.text == max(masses, key=masses.__getitem__)
        assert completion.logprobs == pytest.approx([math.log(masses[o] / whole) for o in options], abs=1e-4)
        assert completion.elsewhere == pytest.approx(1 - whole, abs=1e-6)
        assert completion.logprob == pytest.approx(math.log(max(masses.values())), abs=1e-4)
        assert completion.tokens_in == len(model.encode(prompt))


def test_alone_as_in_a_batch(chat: Path, tiny: Any) -> None:
    model = tiny(chat)
    together = dict(model.first_token_each(PROMPTS, OPTIONS))
    for place, (prompt, options) in enumerate(zip(PROMPTS, OPTIONS, strict=True)):
        ((_, alone),) = model.first_token_each([prompt], [options])
        assert alone.logprobs == pytest.approx(together[place].logprobs, abs=1e-4)


def test_a_line_break_of_a_delimiter_is_written_before_the_letter(chat: Path, tiny: Any) -> None:
    model = tiny(chat, format="plain", delimiter=":\n")
    ((_, completion),) = model.first_token_each([user("Q")], [("A", "B")])
    masses = by_hand(model, "Q:\n", ("A", "B"))
    assert completion.elsewhere == pytest.approx(1 - sum(masses.values()), abs=1e-6)


def test_a_block_of_reasoning_that_the_template_opens_is_closed(tmp_path: Path, tiny: Any) -> None:
    model = tiny(folder(tmp_path / "thinking", THINKING))
    ((_, completion),) = model.first_token_each([user("Q")], [("A", "B")])
    text = model.render(user("Q"))
    assert text.endswith("<think>\n")
    masses = by_hand(model, text + model._before_answer(text), ("A", "B"))
    assert completion.elsewhere == pytest.approx(1 - sum(masses.values()), abs=1e-6)


@pytest.mark.parametrize(
    ("prompt", "options", "reason"),
    [
        (user("fever " * 5000), ("A", "B"), "the model has room for"),
        ((Message("user", "Q"),), ("A", "𝟙"), "no token of the vocabulary is the letter 𝟙"),
    ],
)
def test_a_prompt_that_cannot_be_asked_fails_alone(
    chat: Path, tiny: Any, prompt: Prompt, options: tuple[str, ...], reason: str
) -> None:
    answers = dict(tiny(chat).first_token_each([prompt, PROMPTS[0]], [options, ("A", "B")]))
    assert (answers[0].finish, answers[1].finish) == ("error", "stop")
    assert reason in str(answers[0].error)


@pytest.mark.parametrize(("thinks", "says"), [(True, "enable_thinking has it reason before it answers"), (False, None)])
def test_a_model_that_thinks_first_has_no_first_token(chat: Path, tiny: Any, thinks: bool, says: str | None) -> None:
    assert tiny(chat, enable_thinking=thinks).first_token_mistake() == says
