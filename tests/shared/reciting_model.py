"""A tiny real model that has learnt to write given replies: what bounds a reply is seen on text that is known."""

from collections.abc import Mapping
from pathlib import Path

import torch

from tests.shared.tiny_models import save_tokenizer, sizes

OPEN_TEMPLATE = (  # as DeepSeek-R1's: the block of reasoning is opened in the prompt
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
TEMPLATE = OPEN_TEMPLATE.replace("<think>\n", "")
END = 2


def save_reciting(folder: Path, replies: Mapping[str, str], template: str | None, window: int = 256) -> Path:
    """Train a model until it writes each reply, and its end, behind the text of its prompt as it is rendered."""
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    save_tokenizer(folder, template)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    settings = {**sizes(), "max_position_embeddings": window, "initializer_range": 0.05}
    model = LlamaForCausalLM(LlamaConfig(**settings)).train()
    rows = []
    for prompt, reply in replies.items():
        before, after = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, reply))
        rows.append((torch.tensor([[*before, *after, END]]), len(before)))
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(400):
        loss = sum(
            torch.nn.functional.cross_entropy(model(ids).logits[0, first - 1 : -1], ids[0, first:])
            for ids, first in rows
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if float(loss.detach()) < 0.02 * len(rows):
            break
    model.eval().save_pretrained(folder)
    return folder


def chat_text(question: str, opened: str = "") -> str:
    """A question as TEMPLATE writes it."""
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{opened}"
