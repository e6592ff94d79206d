"""How a suite names an OpenAI-compatible server: its address, the variable that holds its key, further fields."""

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, field_validator

from harness.components.fields import AsWritten
from harness.errors import ModelError
from harness.models.remote.address import address_mistake, literal_secret, server_secrets, variables_digest
from harness.models.remote.hosted_model import HostedModel
from harness.records.inputs import JSON
from harness.text.variables import expanded, is_variable_name, variables_in

if TYPE_CHECKING:
    import httpx

NOT_A_NAME = "takes the name of an environment variable that holds the key, such as OPENAI_API_KEY, not the key itself"


class OpenAIAccess(HostedModel):
    """Base of models behind such a server."""

    model_config = ConfigDict(hide_input_in_errors=True)

    model: str
    url: Annotated[str, AsWritten()] = Field("https://api.openai.com/v1", pattern=r"^(https?://|\$\{)")
    api_key: Annotated[str, AsWritten()] = "OPENAI_API_KEY"  # the environment variable's name, never the key itself
    extra: Annotated[Mapping[str, JSON], AsWritten()] = Field(default_factory=dict)  # further fields of the request

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

    def describe(self) -> str:
        return f"{self.model} at {self.url}"

    def secrets(self) -> Mapping[str, str]:
        return server_secrets([self.url, dict(self.extra)], self.api_key, os.environ.get(self.api_key, "").strip())

    def mentions(self) -> Mapping[str, str]:
        return variables_in([self.url, dict(self.extra)])

    def address_identity(self) -> dict[str, JSON]:
        """Address, model name and further fields; variables stand by their names, and all their values by a digest."""
        digest = variables_digest([self.url, dict(self.extra)])
        return {
            "url": self.url, "model": self.model, "extra": dict(self.extra),
            **({} if digest is None else {"variables": digest}),
        }  # fmt: skip

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
        return httpx.Client(
            base_url=expanded(self.url), headers=headers, timeout=self.timeout, transport=BoundedTransport()
        )
