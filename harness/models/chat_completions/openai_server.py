"""A server that speaks OpenAI's protocol, as a suite names it: its address, its key, the engine behind it."""

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field, field_validator

from harness.components.fields import AsWritten
from harness.errors import ModelError
from harness.models.chat_completions.served_engine import ServedEngine, ServerRoot, engine_at, is_unreachable, root_of
from harness.models.remote.address import address_mistake, literal_secret, server_secrets
from harness.models.remote.call_error import CallError
from harness.models.remote.hosted_model import HostedModel
from harness.records.inputs import JSON
from harness.text.inert import inert_line
from harness.text.variables import expanded, is_variable_name, variables_in

if TYPE_CHECKING:
    import httpx

CHECK_SECONDS = 10.0  # for the list of models
NOT_A_NAME = "takes the name of an environment variable that holds the key, such as OPENAI_API_KEY, not the key itself"


class OpenAIServer(HostedModel):
    """Base of models behind such a server."""

    model_config = ConfigDict(hide_input_in_errors=True)

    model: str
    """The model's name on the server."""
    url: Annotated[str, AsWritten()] = Field("https://api.openai.com/v1", pattern=r"^(https?://|\$\{)")
    """The server's address up to and including /v1; ${NAME} is taken from the environment."""
    api_key: Annotated[str, AsWritten()] = "OPENAI_API_KEY"
    """The name of the environment variable that holds the key, never the key itself."""
    extra: Annotated[Mapping[str, JSON], AsWritten()] = Field(default_factory=dict)
    """Further fields of the request, by the server's names."""

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

    @property
    def address(self) -> str:
        return self.url

    @property
    def tells_version(self) -> bool:
        """Whether the server says which version of its engine answers: then another one's answers are never served."""
        return bool(self._engine_or_none.version)

    def secrets(self) -> Mapping[str, str]:
        return server_secrets([self.url, dict(self.extra)], self.api_key, os.environ.get(self.api_key, "").strip())

    def mentions(self) -> Mapping[str, str]:
        return variables_in([self.url, dict(self.extra)])

    # -- the engine ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        if (fault := self._server_fault()) is not None:
            raise ModelError(inert_line(self.redaction().redact_message(fault)))

    def check_server(self) -> None:
        """What the server says against the model; one that does not answer says nothing."""
        try:
            self.check()
        except ModelError as error:
            if not self.is_silent(error):
                raise

    @staticmethod
    def is_silent(error: ModelError) -> bool:
        """Whether an error says that nothing answers at the address."""
        return isinstance(error.__cause__, CallError) and is_unreachable(error.__cause__)

    def _server_fault(self) -> str | None:
        """What keeps the model from being asked. Raises ModelError where the server does not answer."""
        from harness.models.chat_completions.server_check import ServerCheck
        from harness.models.remote.transport import exchange

        try:
            with exchange(CHECK_SECONDS):
                listing = self._client.get("/models")
            if listing.status_code in (401, 403):
                return f"{self.url} refuses the key; set the environment variable {self.api_key}"
            server = ServerCheck(client=self._client, url=self.url, model=self.model, engine=self._engine)
            with exchange(CHECK_SECONDS):
                return server.fault(listing, self.context_length())
        except CallError as failure:
            raise ModelError(self._silence(failure)) from failure

    def _look(self) -> ServedEngine:
        """What the server tells of itself now. Raises CallError."""
        from harness.models.chat_completions.server_check import model_entries, names_of
        from harness.models.remote.transport import exchange

        with exchange(CHECK_SECONDS):
            entries = model_entries(self._client.get("/models"))
        return engine_at(self._root, next((entry for entry in entries if self.model in names_of(entry)), {}))

    @cached_property
    def _engine(self) -> ServedEngine:
        """What the server tells of itself at first. Raises ModelError where nothing answers."""
        try:
            return self._look()
        except CallError as failure:
            raise ModelError(self._silence(failure)) from failure

    @property
    def _engine_or_none(self) -> ServedEngine:
        """The same; nothing is known of a server that is gone, whose calls say so."""
        with suppress(ModelError):
            return self._engine
        return ServedEngine()

    def _silence(self, failure: CallError) -> str:
        """Why a server could not be asked; to be started is the remedy only where nothing answered."""
        remedy = "start the server or correct url" if is_unreachable(failure) else "correct url, or look at the server"
        return f"{self.url} does not answer as it should ({self.failure_text(failure)}); {remedy}"

    @property
    def _root(self) -> ServerRoot:
        return ServerRoot(self._client, root_of(str(expanded(self.url))), self.model)

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
        transport = BoundedTransport()
        return httpx.Client(base_url=expanded(self.url), headers=headers, timeout=self.timeout, transport=transport)
