"""Embedding models served by Ollama, through /api/embed; a text that does not fit is refused, never cut."""

from collections.abc import Sequence

from pydantic import Field

from harness.errors import ModelError
from harness.models.remote.call_error import CallError
from harness.models.remote.embedding_model import EmbeddingModel, refuse_at_once
from harness.models.remote.embedding_reply import EmbeddingReply
from harness.models.remote.ollama_address import CHECKING
from harness.models.remote.ollama_host import OllamaHost
from harness.models.remote.ollama_server import whole_name
from harness.models.remote.server_reply import count_of
from harness.records.inputs import JSON

EXAMPLE = "ollama pull nomic-embed-text"


class OllamaEmbedding(EmbeddingModel, OllamaHost):
    """An embedding model pulled into an Ollama server."""

    num_ctx: int | None = Field(None, ge=1)
    """Most tokens of a text; null: the server's own bound."""

    def identity(self) -> dict[str, JSON]:
        """The digest stands for the weights, the version for what computes with them; num_ctx changes nothing."""
        return {
            "component": "ollama_embedding",
            "digest": self._digest,
            "version": self._version,
            **self.output_identity(),
        }

    def describe(self) -> str:
        return f"{self.model} in Ollama, which embeds"

    def loading_key(self) -> str:
        return f"{self._host} {whole_name(self.model)} {self.num_ctx}"

    def check(self) -> None:
        """A model that writes text is refused: Ollama up to 0.24 gives vectors of it, which mean little."""
        from harness.models.remote.transport import exchange

        _ = self._digest
        try:
            with exchange(CHECKING):
                able, trained, width = self._served.capabilities, self._served.trained_length, self._width()
        except CallError as failure:
            raise self._unusable(failure) from failure
        if able and "embedding" not in able:
            raise ModelError(
                f"model {self.model}: it is no embedding model (Ollama says that it can do {', '.join(sorted(able))}); "
                f"take one that is: {EXAMPLE}"
            )
        self._refuse_more("num_ctx", self.num_ctx, trained, "tokens it was trained with")
        self._refuse_more("dimensions", self.dimensions, width, "dimensions of its vectors")

    def _width(self) -> int | None:
        """The length of its vectors, where that is told."""
        information = self._served.facts.get("model_info")
        sizes = information if isinstance(information, dict) else {}
        return count_of(sizes.get(f"{sizes.get('general.architecture')}.embedding_length"))

    def _refuse_more(self, name: str, setting: int | None, most: int | None, meaning: str) -> None:
        if setting is not None and most and setting > most:
            raise ModelError(
                f"model {self.model}: {name} {setting} is more than the {most} {meaning}; set {name}: {most} or less"
            )

    def request(self, texts: Sequence[str]) -> EmbeddingReply:
        body: dict[str, JSON] = {
            "model": self.model, "input": list(texts), "truncate": False, "keep_alive": self.keep_alive,
            **({} if self.num_ctx is None else {"options": {"num_ctx": self.num_ctx}}),
            **({} if self.dimensions is None else {"dimensions": self.dimensions}),
        }  # fmt: skip
        self._used = True
        try:
            reply = self._client.reply("/api/embed", body)
        except CallError as failure:
            raise refuse_at_once(failure) from failure
        vectors = reply.get("embeddings")
        if not isinstance(vectors, list):
            raise ModelError("the reply has no list of vectors (embeddings)")
        return EmbeddingReply(vectors, count_of(reply.get("prompt_eval_count")))

    def advice(self, failure: CallError) -> str:
        if failure.status == 501:
            return f"it is no embedding model; name one that is: {EXAMPLE}"
        return f"ollama pull {self.model}" if failure.status == 404 else ""

    @property
    def _long_text_advice(self) -> str:
        return ", raise num_ctx where the model was trained with more, or name a model with a longer context"
