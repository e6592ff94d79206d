"""Embedding models served by Ollama, through /api/embed; a text that does not fit is refused, never cut."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, TypeVar

from pydantic import Field, PrivateAttr, field_validator

from harness.components.fields import AsWritten
from harness.errors import ModelError, nearest
from harness.models.remote.address import address_mistake, server_secrets
from harness.models.remote.call_error import CallError
from harness.models.remote.embedding_model import EmbeddingModel, refuse_at_once
from harness.models.remote.embedding_reply import EmbeddingReply
from harness.models.remote.ollama_address import CHECKING, address_fault, is_silent
from harness.models.remote.ollama_check import refuse_change
from harness.models.remote.ollama_model import ServedModel
from harness.models.remote.ollama_server import PREFIX, OllamaServer, whole_name
from harness.models.remote.server_reply import count_of
from harness.records.inputs import JSON
from harness.text.inert import inert_line
from harness.text.variables import expanded, variables_in

log = logging.getLogger("harness")

DEFAULT_HOST = "http://127.0.0.1:11434"
KEY = "OLLAMA_API_KEY"  # the environment variable whose value the client sends, where it is set
LOOKING = 10.0  # seconds that a look at the server takes at most, in the middle of a run
UNLOADING = 10.0  # seconds that a run waits at most to have a model unloaded
EXAMPLE = "ollama pull nomic-embed-text"

T = TypeVar("T")


class OllamaEmbedding(EmbeddingModel):
    """An embedding model pulled into an Ollama server."""

    prefix: ClassVar[str] = PREFIX

    host: Annotated[str | None, AsWritten()] = None  # OLLAMA_HOST, else this machine
    num_ctx: int | None = Field(None, ge=1)  # tokens of a text at most; the server's own when not given
    keep_alive: str = "5m"
    unload: bool = True  # when the run is done with it: the accelerator may be needed for another model
    _used: bool = PrivateAttr(False)

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, host: str | None) -> str | None:
        if host is not None and (mistake := address_mistake(host)) is not None:
            raise ValueError(mistake)
        return host

    def identity(self) -> dict[str, JSON]:
        """The digest stands for the weights, the version for what computes with them; num_ctx changes nothing."""
        version, digest = self._look(lambda served: (served.version, self._digest_of(served)))
        return {"component": "ollama_embedding", "digest": digest, "version": version, **self.output_identity()}

    def describe(self) -> str:
        return f"{self.model} in Ollama, which embeds"

    def loading_key(self) -> str:
        return f"{expanded(self._written_host)} {whole_name(self.model)} {self.num_ctx}"

    def secrets(self) -> Mapping[str, str]:
        return server_secrets([self._written_host], KEY, os.environ.get(KEY, "").strip())

    def mentions(self) -> Mapping[str, str]:
        return variables_in(self._written_host)

    def check(self) -> None:
        """A model that writes text is refused: Ollama up to 0.24 gives vectors of it, which mean little."""
        able, trained, width = self._look(self._abilities)
        if able and "embedding" not in able:
            raise ModelError(
                f"model {self.model}: it is no embedding model (Ollama says that it can do {', '.join(sorted(able))}); "
                f"take one that is: {EXAMPLE}"
            )
        self._refuse_more("num_ctx", self.num_ctx, trained, "tokens it was trained with")
        self._refuse_more("dimensions", self.dimensions, width, "dimensions of its vectors")

    def check_server(self) -> None:
        from harness.models.remote.transport import exchange

        try:
            with exchange(LOOKING):
                _ = self._served.listed
        except CallError as failure:
            if is_silent(failure):
                return
        self.check()

    def _abilities(self, served: ServedModel) -> tuple[frozenset[str], int | None, int | None]:
        """What it can do, the tokens it was trained with, and the length of its vectors."""
        self._digest_of(served)
        information = served.facts.get("model_info")
        sizes = information if isinstance(information, dict) else {}
        width = count_of(sizes.get(f"{sizes.get('general.architecture')}.embedding_length"))
        return served.capabilities, served.trained_length, width

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

    def still_the_same(self) -> None:
        from harness.models.remote.transport import exchange

        try:
            with exchange(LOOKING):
                refuse_change(self._served, ServedModel(lambda: self._client, self.model))
        except CallError:
            return  # a server that is gone is met by its calls

    def close(self) -> None:
        if self._used and self.unload:
            self._release()
        self._used = False
        super().close()

    def _release(self) -> None:
        """Have the weights unloaded, and wait until they are. A server that is gone holds up no run."""
        from harness.models.remote.transport import exchange

        try:
            with exchange(min(UNLOADING, self.timeout)):
                self._client.unload(self.model)
                while whole_name(self.model) in map(whole_name, self._client.running()):
                    time.sleep(0.05)
        except CallError as failure:
            log.info("model %s stays loaded for %s: %s", self.model, self.keep_alive, self.failure_text(failure))

    def _look(self, question: Callable[[ServedModel], T]) -> T:
        """What the server tells. Raises ModelError where it tells nothing."""
        from harness.models.remote.transport import exchange

        try:
            with exchange(CHECKING, PREFIX):
                return question(self._served)
        except CallError as failure:
            fault = address_fault(self._written_host, CHECKING, failure)
            raise ModelError(self.redaction().redact_message(fault)) from failure

    def _digest_of(self, served: ServedModel) -> str:
        digest = served.digest
        if digest is None:
            suggestion = nearest(whole_name(self.model), [inert_line(name) for name in served.listed])
            suggestion = self.redaction().redact_message(suggestion)
            raise ModelError(f"Ollama has no model {self.model}: ollama pull {self.model} ({suggestion})")
        return digest

    @cached_property
    def _served(self) -> ServedModel:
        return ServedModel(lambda: self._client, self.model)

    @property
    def _written_host(self) -> str:
        return self.host or os.environ.get("OLLAMA_HOST") or DEFAULT_HOST

    @cached_property
    def _client(self) -> OllamaServer:
        return OllamaServer(str(expanded(self._written_host)), self.timeout, 1)
