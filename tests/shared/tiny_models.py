"""The makings of tiny real models: random weights of known sizes, and a tokenizer that knows every byte."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from harness.records.inputs import Message, Prompt

LINES = [
    "左膝退变伴游离体 膝骨关节病 关节游离体",
    "急性上呼吸道感染 支气管炎 肺炎 糖尿病肾病 高血压",
    "Which of the following is correct? Answer with the letter of the right option.",
    "A. fever B. cough C. headache D. fatigue Question: Answer:",
]
SPECIALS = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
WINDOW = 128


def user(text: str) -> Prompt:
    return (Message("user", text),)


def save_tokenizer(folder: Path, template: str | None) -> None:
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        LINES * 4,
        trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, special_tokens=SPECIALS, show_progress=False),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|pad|>")
    if template:
        tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)


def readable(model: Any, folder: Path) -> Any:
    """Logit 0, never the greatest, for the end token and whatever is not ASCII: the model writes text to cut and compare."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    hidden = [0, 1, 2, *(number for token, number in vocabulary.items() if not token.removeprefix("Ġ").isascii())]
    with torch.no_grad():
        model.lm_head.weight[hidden] = 0.0
    return model


def sizes() -> dict[str, Any]:
    return {
        "vocab_size": 320, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": WINDOW, "initializer_range": 0.2, "bos_token_id": None,
        "eos_token_id": 2, "pad_token_id": 0, "tie_word_embeddings": False,
    }  # fmt: skip
