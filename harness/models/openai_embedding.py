"""Embedding models behind any server that speaks OpenAI's /v1/embeddings: vLLM, llama.cpp, TEI, hosted services."""

from collections.abc import Sequence

from harness.errors import ModelError
from harness.models.chat_completions.openai_server import OpenAIServer
from harness.models.chat_completions.served_engine import OLLAMA, changed_facts, root_of
from harness.models.remote.address import variables_digest
from harness.models.remote.call_error import CallError
from harness.models.remote.embedding_model import EmbeddingModel, refuse_at_once
from harness.models.remote.embedding_reply import EmbeddingReply, in_order
from harness.models.remote.server_reply import count_of, error_of, json_of, page_of, status_failure, text_of, unreadable
from harness.records.inputs import JSON
from harness.text.variables import expanded

PROBE_SECONDS = 60.0  # for one letter: the server may have to load the model


class OpenAIEmbedding(EmbeddingModel, OpenAIServer):
    """An embedding model behind an OpenAI-compatible server."""

    def identity(self) -> dict[str, JSON]:
        """What the server tells of its engine; its address and the model's name stand for weights that cannot be seen.

        Variables stand by their names, and all their values by a digest.
        """
        digest, engine = variables_digest([self.url, dict(self.extra)]), self._engine.identity()
        return {
            "component": "openai_embedding", "url": self.url, "model": self.model, "extra": dict(self.extra),
            **({} if digest is None else {"variables": digest}),
            **({"server": engine} if engine else {}),
            **self.output_identity(),
        }  # fmt: skip

    def check(self) -> None:
        """Whether a model embeds cannot be looked up at such a server: one letter is embedded."""
        if self._engine.name == OLLAMA:
            raise ModelError(
                f"{self.url} is an Ollama, which cuts long texts in silence at this address; "
                f"write ollama_embedding: {{model: {self.model}, host: {root_of(self.url)}}}"
            )
        self.probe(min(self.timeout, PROBE_SECONDS))

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
        if content is None:
            raise unreadable(text_of(response), page_of(response))
        if (problem := error_of(content)) is not None:
            raise refuse_at_once(CallError(f"the server answered with an error: {problem}", lasting=False, status=500))
        if not isinstance(content, dict):
            raise CallError(f"the reply of {self.url}/embeddings is no JSON object", lasting=False)
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
