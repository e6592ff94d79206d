"""Tiny models to train: random weights, a tokenizer that knows every byte, and a few rows to learn."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models.huggingface import HuggingFace
from tests.shared.tiny_models import CHATML, readable, save_tokenizer, sizes


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums in the same order whatever the machine: results are compared to the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A model folder of a shape ("Llama", "Qwen2", "Gemma2", …), made once."""
    made: dict[str, Path] = {}

    def make(shape: str = "Llama", template: str | None = CHATML, **config: Any) -> Path:
        import transformers

        key = f"{shape}-{bool(template)}-{config}"
        if key not in made:
            folder = tmp_path_factory.mktemp("train") / shape
            torch.manual_seed(3)
            save_tokenizer(folder, template)
            settings = sizes() | {"max_position_embeddings": 256} | config
            network = getattr(transformers, f"{shape}ForCausalLM")(getattr(transformers, f"{shape}Config")(**settings))
            readable(network, folder).save_pretrained(folder)
            made[key] = folder
        return made[key]

    return make


@pytest.fixture
def base(make_folder: Callable[..., Path]) -> HuggingFace:
    return HuggingFace(path=str(make_folder()), dtype="float32", device="cpu")
