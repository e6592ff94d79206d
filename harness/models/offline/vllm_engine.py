"""vLLM over one folder of weights: loaded at the first request, asked in batches, and released with its GPU."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.components.packages import is_installed
from harness.errors import DeviceGoneError, ModelError
from harness.models.local.device import free_memory
from harness.models.local.memory import gib
from harness.models.offline.vllm_requests import (
    Continuation,
    EngineSettings,
    TextRequest,
    continuation_of,
    engine_arguments,
    memory_share,
    sampling_options,
)
from harness.records.inputs import Generation

log = logging.getLogger("harness")
PACKAGE = "vllm"
INSTALL = "pip install 'domain-harness[vllm]'"
REMEDY = "or leave out engine: vllm, and transformers answers"
QUIET = {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1"}  # it would send what it runs on to its makers


def engine_version() -> str | None:
    """vLLM's version; None where it is not installed."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None


def check_package(path: str) -> None:
    """Raise ModelError where vLLM is not installed."""
    if not is_installed(PACKAGE):
        raise ModelError(f"model {path}: engine: vllm needs the package vllm: {INSTALL}, {REMEDY}")


def check_gpu(path: str, device: str) -> None:
    """Raise ModelError where it has no GPU to run on."""
    import torch

    if device != "cuda" or not torch.cuda.is_available():
        raise ModelError(
            f"model {path}: engine: vllm needs a GPU that torch sees (device: {device}): run it on a machine with one, "
            f"{REMEDY}"
        )


class VllmEngine:
    """One engine of vLLM. The base of several LoRA adapters is loaded once: each request names its own."""

    def __init__(self, settings: EngineSettings, model: str) -> None:
        """`model`: as people know it. Nothing is loaded yet."""
        self.settings, self.model = settings, model
        self._llm: Any = None
        self._adapters: dict[Path, int] = {}  # the number by which vLLM knows each

    @property
    def is_loaded(self) -> bool:
        """Whether it holds memory of the GPU."""
        return self._llm is not None

    def make_room_for(self, rank: int) -> None:
        """See to it that adapters of this rank can be asked with; one that is loaded for a lower rank is closed."""
        if rank > self.settings.highest_rank:
            self.close()
            self.settings = replace(self.settings, highest_rank=rank)

    @property
    def window(self) -> int:
        """The longest sequence in tokens, which memory may have made shorter than the model's own. Loads it."""
        return int(self._loaded().llm_engine.vllm_config.model_config.max_model_len)

    def continue_texts(
        self, requests: Sequence[TextRequest], generation: Generation, ends: Sequence[int], adapter: Path | None
    ) -> list[Continuation]:
        """What is written behind each text, up to one of the tokens `ends`. Raises ModelError."""
        from vllm import SamplingParams
        from vllm.inputs import TokensPrompt
        from vllm.lora.request import LoRARequest

        llm = self._loaded()
        prompts = [TokensPrompt(prompt_token_ids=list(request.prompt)) for request in requests]
        parameters = [
            SamplingParams(**sampling_options(request, generation, ends), **_constraint_of(request))
            for request in requests
        ]
        lora = None
        if adapter is not None:
            number = self._adapters.setdefault(adapter, len(self._adapters) + 1)
            lora = LoRARequest(lora_name=adapter.name, lora_int_id=number, lora_path=str(adapter))
        try:
            outputs = llm.generate(prompts, parameters, use_tqdm=False, lora_request=lora)
        except Exception as error:  # of many kinds; none of them is the call's own
            raise self._stopped(error) from error
        return [continuation_of(output) for output in outputs]

    def close(self) -> None:
        """End the process of the engine, which gives its memory back."""
        if self._llm is not None:
            self._llm.llm_engine.engine_core.shutdown()
            self._llm = None
            self._adapters.clear()
            free_memory()

    def _loaded(self) -> Any:
        if self._llm is None:
            self._llm = self._load()
        return self._llm

    def _load(self) -> Any:
        import torch

        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        free, total = torch.cuda.mem_get_info()
        share = memory_share(free, total)
        if not share:
            raise ModelError(
                f"model {self.model}: the GPU has {gib(free)} of {gib(total)} free; end what else is on it"
            )
        log.info("loading %s into vLLM %s", self.model, engine_version())
        try:
            from vllm import LLM

            return LLM(**engine_arguments(self.settings, share))
        except Exception as error:  # of many kinds; in all of them the engine has not started
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ModelError(
                f"model {self.model}: vLLM could not load it into {share:.0%} of {gib(total)}: {reason}; where memory "
                "is short end what else is on the GPU or take a smaller model, else leave out engine: vllm"
            ) from error

    def _stopped(self, error: Exception) -> ModelError:
        """What is said of an error during a batch. An engine whose process has died is not asked again."""
        reason = " ".join(str(error).split()) or type(error).__name__
        if type(error).__name__ != "EngineDeadError":
            return ModelError(f"model {self.model}: vLLM refuses the request: {reason}")
        self.close()
        return DeviceGoneError(
            f"model {self.model}: vLLM's process has ended, as when the GPU fails or memory runs out ({reason}); what "
            "was answered is kept: run the same command again"
        )


def _constraint_of(request: TextRequest) -> dict[str, Any]:
    if request.schema is None:
        return {}
    from vllm.sampling_params import StructuredOutputsParams

    return {"structured_outputs": StructuredOutputsParams(json=dict(request.schema))}
