"""Models behind any server that speaks OpenAI's chat completions: vLLM, llama.cpp, LM Studio, hosted services."""

import logging
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from harness.components.fields import AsWritten
from harness.errors import ModelError
from harness.models.remote.address import address_mistake, literal_secret, server_secrets, variables_digest
from harness.models.remote.call_error import CallError
from harness.models.remote.outcome import ServerReply, completion_of
from harness.models.remote.server_model import RemoteModel
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion
from harness.text.inert import inert_line
from harness.text.variables import expanded, is_variable_name, variables_in

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("harness")

CHECK_SECONDS = 10.0  # for the list of models
UNHELD = (
    "constrained: the server refuses response_format, so that nothing would hold the reply to the JSON schema; leave "
    "out constrained, or take a server that knows it"
)
NOT_A_NAME = "takes the name of an environment variable that holds the key, such as OPENAI_API_KEY, not the key itself"


class OpenAI(RemoteModel):
    """A model behind an OpenAI-compatible server."""

    model_config = ConfigDict(hide_input_in_errors=True)

    model: str
    url: Annotated[str, AsWritten()] = Field("https://api.openai.com/v1", pattern=r"^(https?://|\$\{)")
    api_key: Annotated[str, AsWritten()] = "OPENAI_API_KEY"  # the environment variable's name, never the key itself
    extra: Annotated[Mapping[str, JSON], AsWritten()] = Field(default_factory=dict)  # further fields of the request
    _refuses_schemas: bool = PrivateAttr(False)

    @field_validator("api_key", mode="before")
    @classmethod
    def _is_a_name(cls, value: object) -> object:
        """Refuse a pasted key; no message shows it."""
        if not isinstance(value, str) or not is_variable_name(value):
            is_expansion = isinstance(value, str) and "${" in value
            raise ValueError(NOT_A_NAME + ("; write it without ${…}" if is_expansion else ""))
        return value

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if (mistake := address_mistake(url)) is not None:
            raise ValueError(mistake)
        return url

    @field_validator("extra")
    @classmethod
    def _holds_no_secret(cls, extra: Mapping[str, JSON]) -> Mapping[str, JSON]:
        if (name := literal_secret(dict(extra))) is not None:
            raise ValueError(f"{name} holds a secret; put it into an environment variable and write ${{NAME}} for it")
        return extra

    def identity(self) -> dict[str, JSON]:
        """A server's weights cannot be seen: its address and model name stand for them.

        Variables stand by their names, and all their values by a digest. Replies from before failures under status 200
        were told apart may be such failures: hence `failures`.
        """
        digest = variables_digest([self.url, dict(self.extra)])
        return {
            "component": "openai", "url": self.url, "model": self.model, "extra": dict(self.extra),
            "failures": "told apart", **({} if digest is None else {"variables": digest}),
        }  # fmt: skip

    def describe(self) -> str:
        return f"{self.model} at {self.url}"

    def schema_problem(self) -> str | None:
        taken = "response_format" in self.extra
        return (
            "has a response_format in extra, which takes the place of the JSON schema; leave it out" if taken else None
        )

    def secrets(self) -> Mapping[str, str]:
        return server_secrets([self.url, dict(self.extra)], self.api_key, os.environ.get(self.api_key, "").strip())

    def mentions(self) -> Mapping[str, str]:
        return variables_in([self.url, dict(self.extra)])

    def check(self) -> None:
        from harness.models.remote.server_reply import object_of
        from harness.models.remote.transport import exchange

        try:
            with exchange(CHECK_SECONDS):
                response = self._client.get("/models")
                listing = object_of(response).get("data")
        except CallError as failure:
            reason = f"{self.url} does not answer ({self.failure_text(failure)}); start the server or correct url"
            raise ModelError(reason) from failure
        if response.status_code in (401, 403):
            raise ModelError(f"{self.url} refuses the key; set the environment variable {self.api_key}")
        entries = listing if isinstance(listing, list) else []
        names = [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
        if names and self.model not in names:
            known = inert_line(", ".join(sorted(set(names))[:20]))
            raise ModelError(f"{self.url} has no model {self.model}; it has: {self.redaction().redact_message(known)}")

    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        """One request. A server that refuses `response_format` is asked without it, then and from then on.

        So a reply may not follow the schema, and is read with care.
        """
        from harness.models.remote.server_reply import json_of, status_failure, text_of

        schema = None if self._refuses_schemas or "response_format" in self.extra else generation.schema
        if generation.strict and schema is None:
            raise CallError(UNHELD, lasting=True)
        response = self._post(prompt, generation, schema)
        if schema is not None and response.status_code in (400, 422) and "response_format" in text_of(response):
            log.warning("%s refuses response_format: %s is asked without a schema", self.url, self.model)
            self._refuses_schemas = True
            if generation.strict:
                raise CallError(UNHELD, lasting=True)
            response = self._post(prompt, generation, None)
        if response.status_code != 200:
            raise status_failure(response)
        return completion_of(_reply(json_of(response)))

    def _post(self, prompt: Prompt, generation: Generation, schema: Mapping[str, JSON] | None) -> "httpx.Response":
        """Send the request; with a schema, the reply must follow it."""
        body = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in prompt],
            "max_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "top_p": generation.top_p,
            "seed": generation.seed,
            **({"stop": list(generation.stop)} if generation.stop else {}),
            **({} if schema is None else {"response_format": _response_format(schema)}),
            **expanded(dict(self.extra)),
        }
        return self._client.post("/chat/completions", json=body)

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

        from harness.models.remote.transport import BoundedTransport

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        transport = BoundedTransport(self.workers)
        return httpx.Client(base_url=expanded(self.url), headers=headers, timeout=self.timeout, transport=transport)


def _response_format(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema), "strict": True}}


def _reply(content: Any) -> ServerReply:
    """The first choice in a response body. Raises CallError when there is none."""
    from harness.models.remote.server_reply import count_of, error_of

    try:
        choice = content["choices"][0]
        message = choice["message"]
        text = message["content"] or message.get("refusal") or ""
        if not isinstance(text, str):
            raise TypeError
    except (KeyError, IndexError, TypeError) as error:
        raise CallError(f"the reply has no choices[0].message.content: {content}", lasting=False) from error
    if (problem := error_of(content) or error_of(choice)) is not None:
        raise CallError(f"the server answered with an error: {problem}", lasting=False)
    usage = content["usage"] if isinstance(content.get("usage"), dict) else {}
    kept_apart = (message.get(name) for name in ("reasoning_content", "reasoning", "thinking"))
    return ServerReply(
        text=text,
        reasoning=next((part for part in kept_apart if isinstance(part, str) and part.strip()), ""),
        reason=choice.get("finish_reason"),
        tokens_in=count_of(usage.get("prompt_tokens")) or 0,
        tokens_out=count_of(usage.get("completion_tokens")),
    )
