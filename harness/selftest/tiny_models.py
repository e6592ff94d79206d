"""Tiny real models: random weights of known sizes, and a tokenizer that knows every byte."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.models.huggingface import HuggingFace
from harness.text.canonical import digest

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
SEED = 3  # of the random weights


def save_tokenizer(folder: Path, template: str | None) -> None:
    """Write a byte-level tokenizer with some merged Chinese and English words, and a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
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
    """Logit 0, never the greatest, for the end token and what is not ASCII: it writes text to cut and compare."""
    import torch

    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    hidden = [0, 1, 2, *(number for token, number in vocabulary.items() if not token.removeprefix("Ġ").isascii())]
    with torch.no_grad():
        model.lm_head.weight[hidden] = 0.0
    return model


def sizes() -> dict[str, Any]:
    """The configuration of a network of 64 dimensions and two layers."""
    return {
        "vocab_size": 320, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": WINDOW, "initializer_range": 0.2, "bos_token_id": None,
        "eos_token_id": 2, "pad_token_id": 0, "tie_word_embeddings": False,
    }  # fmt: skip


def save_model(folder: Path, shape: str, template: str | None, seed: int, **config: Any) -> None:
    """Write network and tokenizer as transformers saves them; `shape` is an architecture, e.g. "Llama"."""
    import torch
    import transformers

    save_tokenizer(folder, template)
    settings = sizes() | config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = getattr(transformers, f"{shape}ForCausalLM")(getattr(transformers, f"{shape}Config")(**settings))
    readable(network, folder).save_pretrained(folder)


class TinyModels:
    """Makes tiny models in a folder of their own, each once, on one device."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.device = folder, device
        self._models: dict[str, HuggingFace] = {}

    def model(
        self, shape: str = "Llama", template: str | None = CHATML, seed: int = SEED, **settings: Any
    ) -> HuggingFace:
        """A model of random weights in float32; `settings` are those that a suite may give it."""
        key = f"{shape}-{template}-{seed}-{sorted(settings.items())}"
        if key not in self._models:
            self._models[key] = self.copy(shape, template, seed, **settings)
        return self._models[key]

    def copy(
        self, shape: str = "Llama", template: str | None = CHATML, seed: int = SEED, **settings: Any
    ) -> HuggingFace:
        """The same model, loaded for itself: what is put on it stays off those that are proven next."""
        options: Mapping[str, Any] = {"dtype": "float32", "device": self.device, **settings}
        return HuggingFace(path=str(self._saved(shape, template, seed)), **options)

    def scratch(self, name: str) -> Path:
        """A new folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _saved(self, shape: str, template: str | None, seed: int) -> Path:
        folder = self.folder / f"{shape}-{digest([template, seed])[:8]}"
        if not folder.is_dir():
            save_model(folder, shape, template, seed, max_position_embeddings=2 * WINDOW)
        return folder
