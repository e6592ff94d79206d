"""Models behind any server that speaks OpenAI's chat completions: vLLM, llama.cpp, LM Studio, hosted services."""

import logging
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from harness.errors import ModelError
from harness.models.remote.server_model import CallError, RemoteModel
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion, Finish

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("harness")


class OpenAI(RemoteModel):
    """A model behind an OpenAI-compatible server."""

    model: str
    url: str = Field("https://api.openai.com/v1", pattern=r"^https?://")
    api_key: str = "OPENAI_API_KEY"  # the environment variable that holds the key; never the key itself
    extra: Mapping[str, JSON] = Field(default_factory=dict)  # further fields of the request, sent as they are
    _refuses_schemas: bool = PrivateAttr(False)

    def identity(self) -> dict[str, JSON]:
        """A server's weights cannot be seen: its address and model name stand for them."""
        return {"component": "openai", "url": self.url, "model": self.model, "extra": dict(self.extra)}

    def describe(self) -> str:
        return f"{self.model} at {self.url}"

    def check(self) -> None:
        import httpx

        try:
            response = self._client.get("/models", timeout=10)
        except httpx.HTTPError as error:
            raise ModelError(f"{self.url} does not answer ({error}); start the server or correct url") from error
        if response.status_code in (401, 403):
            raise ModelError(f"{self.url} refuses the key; set the environment variable {self.api_key}")
        listed = {entry.get("id") for entry in _json(response).get("data") or [] if isinstance(entry, dict)}
        if listed and self.model not in listed:
            raise ModelError(
                f"{self.url} has no model {self.model}; it has: {', '.join(sorted(map(str, listed))[:20])}"
            )

    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        """One request. A server that refuses `response_format` is asked without it, then and from then on.

        So a reply may not follow the schema, and is read with care.
        """
        schema = None if self._refuses_schemas or "response_format" in self.extra else generation.schema
        response = self._post(prompt, generation, schema)
        if schema is not None and response.status_code in (400, 422) and "response_format" in response.text:
            log.warning("%s refuses response_format: %s is asked without a schema", self.url, self.model)
            self._refuses_schemas = True
            response = self._post(prompt, generation, None)
        if response.status_code != 200:
            passing = response.status_code == 429 or response.status_code >= 500
            reason = response.text.replace(self._key, "…") if self._key else response.text
            raise CallError(f"HTTP {response.status_code}: {reason[:200]}", not passing, _wait(response))
        return _completion(_json(response))

    def _post(self, prompt: Prompt, generation: Generation, schema: Mapping[str, JSON] | None) -> "httpx.Response":
        """Send the request; with a schema, the reply must follow it."""
        import httpx

        body = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in prompt],
            "max_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "top_p": generation.top_p,
            "seed": generation.seed,
            **({"stop": list(generation.stop)} if generation.stop else {}),
            **({} if schema is None else {"response_format": _response_format(schema)}),
            **self.extra,
        }
        try:
            return self._client.post("/chat/completions", json=body)
        except httpx.HTTPError as error:
            raise CallError(f"{type(error).__name__}: {error}", lasting=False) from error

    @property
    def _key(self) -> str:
        """Empty when the variable is not set. Refused here, because the transport's error would show it."""
        key = os.environ.get(self.api_key, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise ModelError(f"the environment variable {self.api_key} holds characters that no key has")
        return key

    @cached_property
    def _client(self) -> "httpx.Client":
        import httpx

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx.Limits(max_connections=self.workers)
        return httpx.Client(base_url=self.url, headers=headers, timeout=self.timeout, limits=limits)


def _response_format(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema), "strict": True}}


def _json(response: "httpx.Response") -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {}


def _completion(content: dict[str, Any]) -> Completion:
    """The answer in a response body. Raises CallError when there is none."""
    try:
        choice = content["choices"][0]
        text = choice["message"]["content"] or ""
        if not isinstance(text, str):
            raise TypeError
    except (KeyError, IndexError, TypeError) as error:
        raise CallError(f"the reply has no choices[0].message.content: {str(content)[:200]}", lasting=False) from error
    usage = content.get("usage") or {}
    finish: Finish = "length" if choice.get("finish_reason") == "length" else "stop"
    return Completion(
        text=text,
        finish=finish,
        tokens_in=usage.get("prompt_tokens") or 0,
        tokens_out=usage.get("completion_tokens") or 0,
    )


def _wait(response: "httpx.Response") -> float:
    """Seconds that the server asks to wait; at most a minute."""
    try:
        return min(60.0, float(response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0
