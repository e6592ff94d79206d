"""Models served by Ollama, through its official client and /api/chat, with the context length always explicit."""

import json
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, PrivateAttr, field_validator

from harness.components.fields import AsWritten
from harness.errors import ModelError, nearest
from harness.models.remote.address import address_mistake, server_secrets, without_credentials
from harness.models.remote.call_error import CallError
from harness.models.remote.outcome import ServerReply, completion_of
from harness.models.remote.server_model import RemoteModel
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion
from harness.text.inert import inert_line
from harness.text.variables import expanded, variables_in

if TYPE_CHECKING:
    import httpx
    from ollama import ChatResponse, Client

log = logging.getLogger("harness")

DEFAULT_HOST = "http://127.0.0.1:11434"
REFUSING = (0, 12, 6)  # the version from which Ollama answers an error where it used to cut a prompt
KEY = "OLLAMA_API_KEY"  # the environment variable whose value the client sends, where it is set
CHECKING = 30.0  # seconds that a check waits at most
UNLOADING = 10.0  # seconds that a run waits at most to have a model unloaded
HURRIED = 0.3  # the same after Ctrl-C


class Ollama(RemoteModel):
    """A model pulled into an Ollama server."""

    prefix: ClassVar[str] = "Ollama: "

    model: str
    host: Annotated[str | None, AsWritten()] = None  # OLLAMA_HOST, else this machine
    num_ctx: int = Field(8192, ge=256)  # Ollama cuts longer prompts silently, so it is always sent and checked
    think: bool = False
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
        """The server's own digest of the model stands for its weights, template and defaults."""
        return {
            "component": "ollama", "digest": self._digest, "num_ctx": self.num_ctx, "think": self.think,
            "truncate": False,  # replies from before that was asked for may answer a cut prompt
        }  # fmt: skip

    def describe(self) -> str:
        return f"{self.model} in Ollama, context {self.num_ctx}"

    @property
    def is_set_to_reason(self) -> bool:
        return self.think

    def context_length(self) -> int | None:
        return self.num_ctx

    def secrets(self) -> Mapping[str, str]:
        return server_secrets([self._written_host], KEY, os.environ.get(KEY, "").strip())

    def mentions(self) -> Mapping[str, str]:
        return variables_in(self._written_host)

    def trained_length(self) -> int | None:
        """The context length that the model was trained with, in tokens; None when the server does not state it."""
        from harness.models.remote.transport import exchange

        try:
            with exchange(CHECKING):
                information = self._client.show(self.model).modelinfo or {}
                length = information.get(f"{information.get('general.architecture')}.context_length")
        except CallError:
            return None
        return length if isinstance(length, int) and length > 0 else None

    def check(self) -> None:
        _ = self._digest
        trained = self.trained_length()
        if trained is not None and self.num_ctx > trained:
            raise ModelError(
                f"model {self.model}: num_ctx {self.num_ctx} is more than the {trained} tokens it was trained with, "
                f"and Ollama would lower it silently; set num_ctx: {trained} or less"
            )

    @cached_property
    def _digest(self) -> str:
        from harness.models.remote.transport import exchange

        try:
            with exchange(CHECKING):
                models = self._client.list().models
        except CallError as failure:
            host = inert_line(without_credentials(self._written_host))
            raise ModelError(f"Ollama does not answer at {host}; start it with `ollama serve`") from failure
        by_name = {inert_line(str(entry.model)): str(entry.digest) for entry in models}
        name = self.model if ":" in self.model else f"{self.model}:latest"
        if name not in by_name:
            known = self.redaction().redact_message(nearest(name, by_name))
            raise ModelError(f"Ollama has no model {self.model}: ollama pull {self.model} ({known})")
        return by_name[name]

    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        """One request. A reply to a prompt that was cut, or may have been, is a CallError, never an answer."""
        reply = self._chat(prompt, generation)
        completion = completion_of(
            ServerReply(
                text=reply.message.content or "",
                reasoning=reply.message.thinking or "",
                reason=reply.done_reason if reply.done is not False else "not done",
                tokens_in=max(0, reply.prompt_eval_count or 0),
                tokens_out=max(0, reply.eval_count or 0),  # Ollama leaves out a count of 0
            )
        )
        self._refuse_cut(prompt, completion.tokens_in, completion.tokens_out)
        return completion

    def _refuse_cut(self, prompt: Prompt, tokens_in: int, tokens_out: int) -> None:
        """Raise CallError for a prompt that lost a part, or may have."""
        if not tokens_in:
            raise CallError(
                "Ollama did not count the prompt's tokens, so a cut prompt could not be detected; update Ollama",
                lasting=True,
            )
        droppable = 0 if self._refuses_to_cut else _droppable(prompt)
        if tokens_in + droppable >= self.num_ctx - 1:
            raise CallError(
                f"the prompt fills num_ctx {self.num_ctx}: Ollama may have cut it; raise num_ctx", lasting=True
            )
        if tokens_in + tokens_out > self.num_ctx + 1:  # the last token generated takes no place
            raise CallError(
                f"prompt and reply overflow num_ctx {self.num_ctx}: Ollama cut the prompt on the way; raise num_ctx",
                lasting=True,
            )

    @cached_property
    def _refuses_to_cut(self) -> bool:
        """Whether the server knows `truncate: false`, by its version; a server without one counts as old."""
        from harness.models.remote.transport import exchange

        try:
            with exchange(UNLOADING):
                version = str(self._client._client.get("/api/version").json()["version"])
                return tuple(int(part) for part in version.split("-")[0].split(".")[:3]) >= REFUSING
        except CallError:
            return False

    def _chat(self, prompt: Prompt, generation: Generation) -> "ChatResponse":
        options = {
            "num_ctx": self.num_ctx, "num_predict": generation.max_tokens, "temperature": generation.temperature,
            "top_p": generation.top_p, "seed": generation.seed, "stop": list(generation.stop),
        }  # fmt: skip
        messages = [{"role": message.role, "content": message.content} for message in prompt]
        schema = None if generation.schema is None else dict(generation.schema)
        self._used = True
        try:
            return self._client.chat(
                self.model, messages, options=options, think=self.think, keep_alive=self.keep_alive, format=schema
            )
        except CallError as failure:
            if failure.status == 400 and "context" in str(failure):
                reason = str(failure).removeprefix(f"{self.prefix}HTTP 400: ")
                reason = f"the prompt does not fit num_ctx {self.num_ctx}; raise num_ctx: {reason}"
                raise CallError(reason, lasting=True) from failure
            raise

    def close(self) -> None:
        if self._used and self.unload:
            self._release()
        self._used = False
        super().close()

    def _release(self) -> None:
        """Have the weights unloaded. A server that is gone or slow holds up no run: nothing is raised."""
        from harness.models.remote.transport import exchange

        is_interrupted = isinstance(sys.exception(), KeyboardInterrupt)
        limit = HURRIED if is_interrupted else min(UNLOADING, self.timeout)
        try:
            with exchange(limit), closing(self._new_client()) as client:
                client.generate(self.model, keep_alive=0)  # without a prompt: Ollama's way of unloading
        except CallError as failure:
            log.info(
                "model %s stays loaded in Ollama for %s: %s", self.model, self.keep_alive, self.failure_text(failure)
            )

    @property
    def _written_host(self) -> str:
        return self.host or os.environ.get("OLLAMA_HOST") or DEFAULT_HOST

    @property
    def _host(self) -> str:
        return str(expanded(self._written_host))

    @cached_property
    def _client(self) -> "Client":
        return self._new_client()

    def _new_client(self) -> "Client":
        from ollama import Client

        from harness.models.remote.transport import BoundedTransport

        hooks = {"request": [_forbid_cutting], "response": [_refuse_failure]}
        transport = BoundedTransport()
        return Client(host=self._host, timeout=self.timeout, transport=transport, event_hooks=hooks)


def _refuse_failure(response: "httpx.Response") -> None:
    """Raise CallError for a failure, also under status 200, before the client tries to read it."""
    from harness.models.remote.server_reply import error_of, json_of, status_failure

    if response.has_redirect_location:
        return
    response.read()
    if not response.is_success:
        raise status_failure(response, Ollama.prefix)
    if (problem := error_of(json_of(response))) is not None:
        raise CallError(f"{Ollama.prefix}the server answered with an error: {problem}", lasting=False)


def _forbid_cutting(request: "httpx.Request") -> None:
    """Ask for an error where Ollama would cut the prompt silently: fields that its client has no arguments for.

    Ollama knows them from 0.12.6 on and ignores them before. They matter most from 0.30 on, which cuts a prompt to
    about half of num_ctx, where its token count looks harmless.
    """
    import httpx

    body = request.read()  # of a redirected request, too
    if body and request.url.path.endswith("/api/chat"):
        content = json.dumps(json.loads(body) | {"truncate": False, "shift": False}).encode()
        request.stream = httpx.ByteStream(content)
        request.headers["Content-Length"] = str(len(content))


def _droppable(prompt: Prompt) -> int:
    """An upper estimate of the longest message that Ollama may have dropped, at a token a character.

    Ollama makes a long conversation fit by leaving out its oldest messages and reports the tokens of the rest: then
    the rest and one dropped message exceed num_ctx together.
    """
    return max((len(message.content) for message in prompt[:-1] if message.role != "system"), default=0)
