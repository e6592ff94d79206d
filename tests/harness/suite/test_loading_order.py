"""Models are asked in an order that loads each once, also where two entries of a suite are one model of a server."""

import pytest

from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.models.scripted import Scripted
from harness.suite.loading_order import judging_rank, loaded_for

MODELS = {
    "small": Ollama(model="Qwen3:4b"),
    "large": Ollama(model="llama3:8b"),
    "small_thinking": Ollama(model="qwen3:4b", think=True),
    "small_wide": Ollama(model="qwen3:4b", num_ctx=16384),
    "elsewhere": Ollama(model="qwen3:4b", host="http://127.0.0.2:11434"),
    "script": Scripted(),
    "served": OpenAI(model="m", url="http://127.0.0.1:9/v1"),
}


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("small", "small_thinking", True),
        ("small", "large", False),
        ("small", "small_wide", False),  # another context is loaded anew
        ("small", "elsewhere", False),
        ("script", "served", False),
    ],
)
def test_what_is_loaded_for_a_model(name: str, other: str, same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    assert (loaded_for(name, MODELS) == loaded_for(other, MODELS)) is same


def test_judges_are_loaded_once() -> None:
    asked = [["large"], ["small"], ["small", "large"], ["small_thinking"], [], ["large"]]
    ranked = sorted(asked, key=lambda judges: judging_rank(judges, MODELS))
    assert ranked == [[], ["small"], ["small_thinking"], ["small", "large"], ["large"], ["large"]]
