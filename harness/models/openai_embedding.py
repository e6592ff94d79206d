"""Embedding models behind any server that speaks OpenAI's /v1/embeddings: vLLM, llama.cpp, TEI, hosted services."""

from collections.abc import Sequence
from functools import cached_property

from harness.errors import ModelError
from harness.models.chat_completions.served_engine import (
    OLLAMA,
    ServedEngine,
    ServerRoot,
    changed_facts,
    engine_at,
    is_gone,
    root_of,
)
from harness.models.remote.call_error import CallError
from harness.models.remote.embedding_model import EmbeddingModel, refuse_at_once
from harness.models.remote.embedding_reply import EmbeddingReply, in_order
from harness.models.remote.openai_access import OpenAIAccess
from harness.models.remote.server_reply import count_of, error_of, json_of, status_failure
from harness.records.inputs import JSON
from harness.text.variables import expanded

CHECK_SECONDS = 10.0  # for one question to the server
PROBE_SECONDS = 60.0  # for one letter: the server may have to load the model


class OpenAIEmbedding(EmbeddingModel, OpenAIAccess):
    """An embedding model behind an OpenAI-compatible server."""

    def identity(self) -> dict[str, JSON]:
        """Weights cannot be seen: address, name and what the server tells of itself stand for them."""
        return {
            "component": "openai_embedding", **self.address_identity(), "engine": self._engine.identity(),
            **self.output_identity(),
        }  # fmt: skip

    def check(self) -> None:
        """Whether the model embeds cannot be looked up at such a server: one letter is embedded."""
        if self._engine.name == OLLAMA:
            raise ModelError(
                f"{self.url} is an Ollama, which cuts long texts in silence at this address; "
                f"write ollama_embedding: {{model: {self.model}, host: {root_of(self.url)}}}"
            )
        self.probe(min(self.timeout, PROBE_SECONDS))

    def check_server(self) -> None:
        try:
            self.check()
        except ModelError as error:
            if not (isinstance(error.__cause__, CallError) and is_gone(error.__cause__)):
                raise

    def request(self, texts: Sequence[str]) -> EmbeddingReply:
        body = {
            "model": self.model,
            "input": list(texts),
            "encoding_format": "float",
            **({} if self.dimensions is None else {"dimensions": self.dimensions}),
            **expanded(dict(self.extra)),
        }
        response = self._client.post("/embeddings", json=body)
        if response.status_code != 200:
            raise refuse_at_once(status_failure(response))
        content = json_of(response)
        if (problem := error_of(content)) is not None:
            raise refuse_at_once(CallError(f"the server answered with an error: {problem}", lasting=False, status=500))
        if not isinstance(content, dict):
            raise CallError(f"the reply of {self.url}/embeddings is no JSON object, or was cut", lasting=False)
        usage = content.get("usage")
        tokens = count_of(usage.get("prompt_tokens")) if isinstance(usage, dict) else None
        return EmbeddingReply(in_order(content.get("data")), tokens)

    def advice(self, failure: CallError) -> str:
        if failure.status in (401, 403):
            return f"set the environment variable {self.api_key}"
        if failure.status in (404, 405, 501):
            return "name a model that embeds, at the server's address with its path, e.g. http://localhost:8000/v1"
        return ""

    def still_the_same(self) -> None:
        if not self._engine.name:
            return
        try:
            changes = changed_facts(self._engine, self._look())
        except CallError:
            return
        if changes:
            raise ModelError(
                f"the server of model {self.model} changed during the run ({changes}); vectors of both cannot be "
                "compared; run the same command again"
            )

    @cached_property
    def _engine(self) -> ServedEngine:
        try:
            return self._look()
        except CallError as failure:
            reason = f"{self.url} does not answer ({self.failure_text(failure)}); start the server or correct url"
            raise ModelError(reason) from failure

    def _look(self) -> ServedEngine:
        from harness.models.remote.transport import exchange

        with exchange(CHECK_SECONDS):
            listing = json_of(self._client.get("/models"))
            entries = listing.get("data") if isinstance(listing, dict) else None
            entry = next((e for e in entries or () if isinstance(e, dict) and e.get("id") == self.model), {})
            return engine_at(ServerRoot(self._client, root_of(str(expanded(self.url))), self.model), entry)
