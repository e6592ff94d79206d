"""A local model whose replies another engine may write: vLLM in place of transformers. Texts are scored as ever."""

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from pydantic import PrivateAttr

from harness.models.local.batching_model import Place
from harness.models.local.failures import failure, too_long
from harness.models.local.generating import GeneratingModel
from harness.models.offline.drafts import Draft, write_in_rounds
from harness.models.offline.vllm_engine import PACKAGE, VllmEngine, check_gpu, check_package, engine_version
from harness.models.offline.vllm_requests import EngineSettings
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion

REQUESTS = 2048  # to an engine at once; each batch is kept before the next begins


class EngineModel(GeneratingModel):
    """A local model that is answered by transformers, or by an engine that is loaded in its place.

    One of both holds the weights: scoring texts closes vLLM, and a reply of vLLM releases the network.
    """

    engine: Literal["transformers", "vllm"] = "transformers"
    """What writes its replies, and those of models made of it; vllm: on a GPU, from the extra vllm."""

    _highest_rank: int = PrivateAttr(0)  # of the LoRA adapters that the engine will be asked with

    def identity(self) -> dict[str, JSON]:
        identity = super().identity()
        if self.engine == "transformers":
            return identity
        return {**identity, "engine": PACKAGE, "packages": {**identity["packages"], PACKAGE: engine_version()}}

    def check_path(self) -> None:
        if self.engine == "vllm":
            check_package(self.path)
        super().check_path()

    def check(self) -> None:
        self.check_path()
        if self.engine == "vllm":
            check_gpu(self.path, self.device_name)
        super().check()

    def describe(self) -> str:
        return f"{super().describe()}, by vLLM" if self.engine == "vllm" else super().describe()

    def schema_problem(self) -> str | None:
        return None if self.engine == "vllm" else super().schema_problem()

    def schema_identity(self) -> dict[str, JSON]:
        return {PACKAGE: engine_version()} if self.engine == "vllm" else super().schema_identity()

    # -- the engine ---------------------------------------------------------------------------------------------------

    @cached_property
    def offline(self) -> VllmEngine:
        """The engine over this model's weights; loaded at the first request."""
        settings = EngineSettings(
            folder=self.offline_folder, tokenizer=self.tokenizer_folder, dtype=self.dtype_name,
            trust_remote_code=self.trust_remote_code, highest_rank=self._highest_rank,
        )  # fmt: skip
        return VllmEngine(settings, self.path)

    def expect_adapter(self, rank: int) -> None:
        """Have the engine loaded so that it can be asked with LoRA adapters of this rank."""
        self._highest_rank = max(rank, self._highest_rank)
        if "offline" in self.__dict__:
            self.offline.make_room_for(rank)

    @property
    def offline_folder(self) -> Path:
        """The folder of the weights that an engine loads."""
        return self.weights_folder

    @property
    def tokenizer_folder(self) -> Path:
        """The folder of the tokenizer that an engine loads, to find stop strings."""
        return self.weights_folder

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        if self.engine == "vllm":
            return by_prefix([self._fit(prompt, self._window) for prompt in prompts])
        return super().plan(prompts, generation)

    def _generate(self, encoded: list[list[int]], generation: Generation, seeds: Sequence[str]) -> Iterable[Place]:
        if self.engine == "vllm":
            return enumerate(self.write(encoded, generation, seeds))
        return super()._generate(encoded, generation, seeds)

    @property
    def _ends(self) -> set[int]:
        return set(self.end_tokens()) if self.engine == "vllm" else super()._ends  # no weights in this process

    def write(self, encoded: Sequence[list[int]], generation: Generation, seeds: Sequence[str]) -> list[Completion]:
        """The replies of the engine to prompts as token ids, by the rules of `Model.generate`."""
        return self._write(self.engine_in_place(), None, encoded, generation, seeds)

    def engine_in_place(self) -> VllmEngine:
        """The engine, with the GPU to itself."""
        if self._network is not None:
            super().close()
        return self.offline

    def _write(
        self,
        engine: VllmEngine,
        adapter: Path | None,
        encoded: Sequence[list[int]],
        generation: Generation,
        seeds: Sequence[str],
    ) -> list[Completion]:
        window, ends, limits = engine.window, sorted(self._ends), self._limits(generation)
        drafts: list[Draft | None] = [None] * len(encoded)
        for place, (ids, seed) in enumerate(zip(encoded, seeds, strict=True)):
            if len(ids) + generation.max_tokens <= window:
                drafts[place] = Draft(
                    prompt=ids, begin=partial(self._reply, limits, ids),
                    seed=int(seed[:8], 16),
                    schema=generation.schema if generation.strict else None, may_reason_first=self.enable_thinking,
                )  # fmt: skip
        fit = [draft for draft in drafts if draft is not None]
        write_in_rounds(fit, lambda requests: engine.continue_texts(requests, generation, ends, adapter), set(ends))
        return [
            too_long(len(ids), window - generation.max_tokens) if draft is None else self._completed(draft)
            for ids, draft in zip(encoded, drafts, strict=True)
        ]

    def _completed(self, draft: Draft) -> Completion:
        if draft.failure is not None:
            return failure(f"vLLM gave the reply up: {draft.failure}")
        return self._completion(draft)

    def _model(self) -> Any:
        if "offline" in self.__dict__:
            self.offline.close()
        return super()._model()

    def close(self) -> None:
        super().close()
        if "offline" in self.__dict__:
            self.offline.close()


def by_prefix(encoded: Sequence[Sequence[int] | Completion]) -> list[list[int]]:
    """Indices of prompts in batches for an engine, those that begin alike next to each other."""
    order = sorted(range(len(encoded)), key=lambda i: (isinstance(ids := encoded[i], Completion), _tokens(ids), i))
    return [order[start : start + REQUESTS] for start in range(0, len(order), REQUESTS)]


def _tokens(ids: Sequence[int] | Completion) -> Sequence[int]:
    return () if isinstance(ids, Completion) else list(ids)
