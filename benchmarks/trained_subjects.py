"""What the benchmark of training trains: the quickstart's model and rows, or shapes of large models, random weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROWS, SEED = 400, 42
SHORT_ROW = 30  # tokens
SIZES = {  # Qwen2.5's own shapes
    "0.5B": {
        "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
        "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True,
    },
    "7B": {
        "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False,
    },
    "270M": {
        "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "num_attention_heads": 4,
        "num_key_value_heads": 1, "vocab_size": 262144, "tie_word_embeddings": True, "head_dim": 256,
    },
    "tiny": {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 320, "tie_word_embeddings": True,
    },
}  # fmt: skip


def has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def quickstart_rows() -> tuple[Any, Any, list[Any]]:
    from adapters.methods.lora import Lora
    from adapters.training.encoding import Example
    from harness.stages.prepare import prepare
    from harness.suite.parser import load_suite

    suite = load_suite(ROOT / "suites" / "quickstart" / "suite.yaml")
    task = prepare(suite)["norm"]
    base = suite.models["smollm2"].model_copy(update={"dtype": "float32"})
    rows = [Example(task.prompt(sample), task.answer.example(sample)) for sample in task.data.train[:ROWS]]
    return base, Lora(r=8), rows


def random_base(size: str, folder: Path) -> None:
    """A model of random weights in a folder, always the same, with a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(**SIZES[size], max_position_embeddings=32768, eos_token_id=1, pad_token_id=0)
    torch.manual_seed(SEED)
    with torch.device("cuda" if has_cuda() else "cpu"):
        torch.set_default_dtype(torch.bfloat16 if has_cuda() else torch.float32)
        Qwen2ForCausalLM(config).save_pretrained(folder)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core = Tokenizer(models.BPE({token: i for i, token in enumerate(["<pad>", "<end>", *sorted(alphabet)])}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<end>").save_pretrained(folder)


def random_rows(job: Mapping[str, Any]) -> tuple[Any, Any, list[Any]]:
    """The model, the method, and rows of very different lengths, as records of dialogues have them."""
    import random

    from adapters.training.encoding import Example
    from harness.components.registry import find
    from harness.models.huggingface import HuggingFace
    from harness.records.inputs import Message

    chance = random.Random(SEED)

    def text(most: int) -> str:
        return "".join(chance.choice("abcdefgh") for _ in range(chance.randint(most // 20 + 1, most)))  # a token each

    most = (job["cutoff"] // 2, job["cutoff"] // 4) if job["packed"] else (SHORT_ROW, SHORT_ROW // 2)
    rows = [Example((Message("user", text(most[0])),), text(most[1])) for _ in range(ROWS)]
    base = HuggingFace(path=job["base"], dtype="bfloat16" if has_cuda() else "float32", format="plain")
    return base, find("method", job["method"])(), rows


def encoded_rows(base: Any, rows: list[Any], cutoff: int = 2048) -> list[Any]:
    from adapters.training.encoding import encode_examples

    return list(encode_examples(base, rows, cutoff, "answer").rows)
