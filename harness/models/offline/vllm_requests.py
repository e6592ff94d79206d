"""What vLLM is asked and what it returns, in the terms of its own classes (vLLM 0.30 to 0.33)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records.inputs import JSON, Generation

LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # that its kernels are built for
LARGEST_SHARE = 0.92  # of a GPU's memory; its own default
RESERVE = 1 << 30  # bytes that stay free for this process and others


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """What an engine is loaded with."""

    folder: Path  # of the weights
    tokenizer: Path
    dtype: str
    trust_remote_code: bool
    highest_rank: int  # of the LoRA adapters that it will be asked with; 0: none


@dataclass(frozen=True, kw_only=True)
class TextRequest:
    """One text to be continued, as token ids."""

    prompt: Sequence[int]
    max_tokens: int
    stop: Sequence[str]
    seed: int  # matters above temperature 0
    schema: Mapping[str, JSON] | None = None  # that the continuation is held to


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """What was written: tokens with the natural log-probability of each, an end token included."""

    tokens: Sequence[int]
    logprobs: Sequence[float]
    finish: str  # stop or length, or why it was given up


def engine_arguments(settings: EngineSettings, share: float) -> dict[str, Any]:
    """The arguments of `vllm.LLM`; `share` of the GPU's memory is its own."""
    lora = {"enable_lora": True, "max_loras": 1, "max_cpu_loras": 8, "max_lora_rank": lora_rank(settings.highest_rank)}
    return {
        "model": str(settings.folder), "tokenizer": str(settings.tokenizer), "dtype": settings.dtype,
        "trust_remote_code": settings.trust_remote_code, "seed": 0, "gpu_memory_utilization": share,
        "max_model_len": -1,  # the model's own window, or as much of it as memory has room for
        "enable_prefix_caching": True,
        "generation_config": "vllm",  # none of the sampling defaults that a model ships
        **(lora if settings.highest_rank else {}),
    }  # fmt: skip


def lora_rank(rank: int) -> int:
    """The rank that an engine is loaded for, so that adapters of this rank fit: at most the last of LORA_RANKS."""
    return next(known for known in LORA_RANKS if known >= rank)


def memory_share(free: int, total: int) -> float:
    """The share of a GPU's memory that an engine may take, in hundredths; 0 where nothing is left."""
    return max(0.0, math.floor(100 * min(LARGEST_SHARE, (free - RESERVE) / total)) / 100)


def sampling_options(request: TextRequest, generation: Generation, ends: Sequence[int]) -> dict[str, Any]:
    """The arguments of `vllm.SamplingParams`, but for the schema. Special tokens stay: texts are read here."""
    is_sampled = generation.temperature > 0
    return {
        "max_tokens": request.max_tokens, "stop": list(request.stop), "stop_token_ids": list(ends),
        "temperature": generation.temperature, "logprobs": 0,  # of the chosen token, before temperature and penalties
        "repetition_penalty": 1.0 if generation.repetition_penalty is None else generation.repetition_penalty,
        "skip_special_tokens": False, "spaces_between_special_tokens": False,
        **({"top_p": generation.top_p, "top_k": generation.top_k or 0, "seed": request.seed} if is_sampled else {}),
    }  # fmt: skip


def continuation_of(output: Any) -> Continuation:
    """What a RequestOutput holds."""
    (written,) = output.outputs
    tokens = list(written.token_ids)
    logprobs = [float(entry[token].logprob) for token, entry in zip(tokens, written.logprobs or (), strict=False)]
    return Continuation(tokens=tokens, logprobs=logprobs, finish=str(written.finish_reason))
