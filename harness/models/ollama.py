"""Models served by Ollama, through its official client and /api/chat, with the context length always explicit."""

import os
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field

from harness.errors import ModelError, nearest
from harness.models.network import CallError, NetworkModel
from harness.types import JSON, Completion, Finish, Generation, Prompt

if TYPE_CHECKING:
    from ollama import Client

DEFAULT_HOST = "http://127.0.0.1:11434"


class Ollama(NetworkModel):
    """A model pulled into an Ollama server."""

    model: str
    host: str | None = None  # OLLAMA_HOST, else this machine
    num_ctx: int = Field(8192, ge=256)  # Ollama cuts longer prompts silently, so it is always sent and checked
    think: bool = False
    keep_alive: str = "5m"

    def identity(self) -> dict[str, JSON]:
        """The server's own digest of the model stands for its weights, template and defaults."""
        return {"component": "ollama", "digest": self._digest, "num_ctx": self.num_ctx, "think": self.think}

    def describe(self) -> str:
        return f"{self.model} in Ollama, context {self.num_ctx}"

    def context_length(self) -> int | None:
        return self.num_ctx

    def check(self) -> None:
        _ = self._digest

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
        import httpx
        from ollama import ResponseError

        options = {
            "num_ctx": self.num_ctx, "num_predict": generation.max_tokens, "temperature": generation.temperature,
            "top_p": generation.top_p, "seed": generation.seed, "stop": list(generation.stop),
        }  # fmt: skip
        messages = [{"role": message.role, "content": message.content} for message in prompt]
        try:
            reply = self._client.chat(
                self.model, messages, options=options, think=self.think, keep_alive=self.keep_alive
            )
        except ResponseError as error:
            passing = error.status_code == 429 or error.status_code >= 500
            raise CallError(f"Ollama: HTTP {error.status_code}: {error.error[:200]}", not passing) from error
        except (httpx.HTTPError, ConnectionError, ValueError, TypeError) as error:  # the last two: not Ollama's JSON
            raise CallError(f"Ollama: {type(error).__name__}: {error}", lasting=False) from error
        tokens_in, tokens_out = reply.prompt_eval_count or 0, reply.eval_count or 0
        if tokens_in + _droppable(prompt) >= self.num_ctx - 1:
            raise CallError(
                f"the prompt fills num_ctx {self.num_ctx}: Ollama may have cut it; raise num_ctx", lasting=True
            )
        finish: Finish = "length" if reply.done_reason == "length" else "stop"
        return Completion(reply.message.content or "", finish, tokens_in, tokens_out)

    def close(self) -> None:
        if "_client" in self.__dict__:
            self.__dict__.pop("_client").close()

    @property
    def _host(self) -> str:
        return self.host or os.environ.get("OLLAMA_HOST") or DEFAULT_HOST

    @cached_property
    def _client(self) -> "Client":
        from ollama import Client

        return Client(host=self._host, timeout=self.timeout)


def _droppable(prompt: Prompt) -> int:
    """An upper estimate of the longest message that Ollama may have dropped, at a token a character.

    Ollama makes a long conversation fit by leaving out its oldest messages and reports the tokens of the rest: then
    the rest and one dropped message exceed num_ctx together.
    """
    return max((len(message.content) for message in prompt[:-1] if message.role != "system"), default=0)
