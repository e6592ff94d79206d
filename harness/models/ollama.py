"""Models served by Ollama, through its official client and /api/chat, with the context length always explicit."""

import json
import logging
import os
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr

from harness.errors import ModelError, nearest
from harness.models.remote.server_model import CallError, RemoteModel
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion, Finish

if TYPE_CHECKING:
    import httpx
    from ollama import ChatResponse, Client

log = logging.getLogger("harness")

DEFAULT_HOST = "http://127.0.0.1:11434"
REFUSING = (0, 12, 6)  # the version from which Ollama answers an error where it used to cut a prompt
UNLOADING = 10.0  # seconds that a run waits at most to have a model unloaded


class Ollama(RemoteModel):
    """A model pulled into an Ollama server."""

    model: str
    host: str | None = None  # OLLAMA_HOST, else this machine
    num_ctx: int = Field(8192, ge=256)  # Ollama cuts longer prompts silently, so it is always sent and checked
    think: bool = False
    keep_alive: str = "5m"
    unload: bool = True  # when the run is done with it: the accelerator may be needed for another model
    _used: bool = PrivateAttr(False)

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

    def trained_length(self) -> int | None:
        """The context length that the model was trained with, in tokens; None when the server does not state it."""
        import httpx
        from ollama import ResponseError

        try:
            information = self._client.show(self.model).modelinfo or {}
        except (httpx.HTTPError, ConnectionError, ResponseError, ValueError, TypeError):
            return None
        length = information.get(f"{information.get('general.architecture')}.context_length")
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
        import httpx
        from ollama import ResponseError

        try:
            models = self._client.list().models
        except (httpx.HTTPError, ConnectionError, ResponseError, ValueError, TypeError) as error:
            raise ModelError(f"Ollama does not answer at {self._host}; start it with `ollama serve`") from error
        by_name = {str(entry.model): str(entry.digest) for entry in models}
        name = self.model if ":" in self.model else f"{self.model}:latest"
        if name not in by_name:
            raise ModelError(f"Ollama has no model {self.model}: ollama pull {self.model} ({nearest(name, by_name)})")
        return by_name[name]

    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        """One request. A reply to a prompt that was cut, or may have been, is a CallError, never an answer."""
        reply = self._chat(prompt, generation)
        tokens_in, tokens_out = reply.prompt_eval_count or 0, reply.eval_count or 0
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
        finish: Finish = "length" if reply.done_reason == "length" else "stop"
        return Completion(text=reply.message.content or "", finish=finish, tokens_in=tokens_in, tokens_out=tokens_out)

    @cached_property
    def _refuses_to_cut(self) -> bool:
        """Whether the server knows `truncate: false`, by its version; a server without one counts as old."""
        import httpx

        try:
            with closing(httpx.Client(base_url=str(self._client._client.base_url), timeout=UNLOADING)) as client:
                version = str(client.get("/api/version").json()["version"])
            return tuple(int(part) for part in version.split("-")[0].split(".")[:3]) >= REFUSING
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return False

    def _chat(self, prompt: Prompt, generation: Generation) -> "ChatResponse":
        import httpx
        from ollama import ResponseError

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
        except ResponseError as error:
            if error.status_code == 400 and "context" in error.error:
                reason = f"the prompt does not fit num_ctx {self.num_ctx}; raise num_ctx: {error.error[:200]}"
                raise CallError(reason, lasting=True) from error
            passing = error.status_code == 429 or error.status_code >= 500
            raise CallError(f"Ollama: HTTP {error.status_code}: {error.error[:200]}", not passing) from error
        except (httpx.HTTPError, ConnectionError, ValueError, TypeError) as error:  # the last two: not Ollama's JSON
            raise CallError(f"Ollama: {type(error).__name__}: {error}", lasting=False) from error

    def close(self) -> None:
        if self._used and self.unload:
            self._release()
        self._used = False
        super().close()

    def _release(self) -> None:
        """Have the weights unloaded. A server that is gone or slow holds up no run: nothing is raised."""
        import httpx
        from ollama import Client, ResponseError

        try:
            with closing(Client(host=self._host, timeout=min(UNLOADING, self.timeout))) as client:
                client.generate(self.model, keep_alive=0)  # without a prompt: Ollama's way of unloading
        except (httpx.HTTPError, ConnectionError, ResponseError, ValueError, TypeError) as error:
            log.info("model %s stays loaded in Ollama for %s: %s", self.model, self.keep_alive, error)

    @property
    def _host(self) -> str:
        return self.host or os.environ.get("OLLAMA_HOST") or DEFAULT_HOST

    @cached_property
    def _client(self) -> "Client":
        from ollama import Client

        return Client(host=self._host, timeout=self.timeout, event_hooks={"request": [_forbid_cutting]})


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
