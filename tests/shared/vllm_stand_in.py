"""A stand-in for the package vllm, with the names and parameters of 0.30: a network of transformers continues each text
greedily, one by one. It shows how requests are mapped and read; how vLLM computes, it cannot show.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch


class EngineDeadError(Exception):
    """As in vllm.v1.engine.exceptions."""


@dataclass
class StructuredOutputsParams:
    json: str | dict[str, Any] | None = None


@dataclass(kw_only=True)
class SamplingParams:
    """The fields that are used, with vLLM's own defaults."""

    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    stop: list[str] | None = None
    stop_token_ids: list[int] | None = None
    max_tokens: int | None = 16
    logprobs: int | None = None
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    structured_outputs: StructuredOutputsParams | None = None


@dataclass(kw_only=True)
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str = ""


class TokensPrompt(dict[str, Any]):
    """A typed dict: prompt_token_ids."""


@dataclass
class Core:
    """The process of an engine."""

    is_running: bool = True

    def shutdown(self, timeout: float | None = None) -> None:
        self.is_running = False


@dataclass
class Record:
    """What was asked of all engines that were made."""

    loads: list[dict[str, Any]] = field(default_factory=list)
    engines: list["LLM"] = field(default_factory=list)
    parameters: list[SamplingParams] = field(default_factory=list)
    adapters: list[LoRARequest | None] = field(default_factory=list)
    failure: Exception | None = None


RECORD = Record()


class LLM:
    def __init__(
        self,
        model: str,
        *,
        tokenizer: str | None = None,
        trust_remote_code: bool = False,
        dtype: str = "auto",
        seed: int = 0,
        gpu_memory_utilization: float = 0.92,
        **engine_arguments: Any,
    ) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.arguments = {"gpu_memory_utilization": gpu_memory_utilization, **engine_arguments}
        self.network = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(tokenizer)
        window = SimpleNamespace(max_model_len=self.network.config.max_position_embeddings)
        self.llm_engine = SimpleNamespace(engine_core=Core(), vllm_config=SimpleNamespace(model_config=window))
        RECORD.loads.append({"model": model, **self.arguments})
        RECORD.engines.append(self)

    def generate(
        self,
        prompts: Sequence[TokensPrompt],
        sampling_params: Sequence[SamplingParams],
        *,
        use_tqdm: bool | Callable[..., Any] = True,
        lora_request: LoRARequest | None = None,
    ) -> list[Any]:
        assert self.llm_engine.engine_core.is_running
        if RECORD.failure is not None:
            raise RECORD.failure
        RECORD.parameters += sampling_params
        RECORD.adapters.append(lora_request)
        network = self.network if lora_request is None else self._adapted(lora_request)
        rows = zip(prompts, sampling_params, strict=True)
        return [SimpleNamespace(outputs=[self._written(network, *row)]) for row in rows]

    def _adapted(self, request: LoRARequest) -> Any:
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        base = AutoModelForCausalLM.from_pretrained(RECORD.loads[-1]["model"], dtype=self.network.dtype).eval()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers by a name that is going
            return PeftModel.from_pretrained(base, request.lora_path).eval()

    def _written(self, network: Any, prompt: TokensPrompt, parameters: SamplingParams) -> Any:
        ids, tokens, logprobs, finish = list(prompt["prompt_token_ids"]), [], [], "length"
        for _ in range(parameters.max_tokens or 0):
            with torch.no_grad():
                logits = network(input_ids=torch.tensor([[*ids, *tokens]])).logits[0, -1].float()
            own = logits.log_softmax(-1)
            for seen in {*ids, *tokens}:
                scale = parameters.repetition_penalty
                logits[seen] = logits[seen] / scale if logits[seen] > 0 else logits[seen] * scale
            token = int(logits.argmax())
            tokens.append(token)
            logprobs.append({token: SimpleNamespace(logprob=float(own[token]))})
            text = self.tokenizer.decode(tokens, skip_special_tokens=parameters.skip_special_tokens)
            is_end = token in (parameters.stop_token_ids or ())
            if is_end or any(stop in text for stop in parameters.stop or ()):
                finish = "stop"
                break
        return SimpleNamespace(token_ids=tokens, logprobs=logprobs, finish_reason=finish)


def install(monkeypatch: Any, memory: int = 80 << 30) -> Record:
    """Put the stand-in where `import vllm` finds it, beside a GPU that torch seems to see."""
    modules: dict[str, dict[str, Any]] = {
        "vllm": {"LLM": LLM, "SamplingParams": SamplingParams},
        "vllm.inputs": {"TokensPrompt": TokensPrompt},
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": LoRARequest},
        "vllm.sampling_params": {"StructuredOutputsParams": StructuredOutputsParams},
    }
    for name, contents in modules.items():
        module = ModuleType(name)
        module.__dict__.update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (memory - (2 << 30), memory))
    RECORD.__init__()  # type: ignore[misc]
    return RECORD


def installed_source(name: str) -> Path | None:
    """A file of the vLLM that is installed; None where there is none."""
    import importlib.util

    spec = importlib.util.find_spec("vllm")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) / name if places else None
