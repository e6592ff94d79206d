"""A model in an Ollama server, as a suite names it: where the server is, what it tells, and how it is unloaded."""

import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import PrivateAttr, field_validator

from harness.components.fields import AsWritten
from harness.errors import ModelError, nearest
from harness.models.remote.address import address_mistake, server_secrets
from harness.models.remote.call_error import CallError
from harness.models.remote.hosted_model import HostedModel
from harness.models.remote.ollama_address import CHECKING, KEY, address_fault, is_silent
from harness.models.remote.ollama_check import refuse_change
from harness.models.remote.ollama_model import UNTOLD, ServedModel
from harness.models.remote.ollama_server import PREFIX, OllamaServer, whole_name
from harness.text.inert import inert_line
from harness.text.variables import expanded, variables_in

log = logging.getLogger("harness")

DEFAULT_HOST = "http://127.0.0.1:11434"
GLANCE = 5.0  # seconds that a look at a server waits which may be gone
UNLOADING = 10.0  # seconds that a run waits at most to have a model unloaded
HURRIED = 0.3  # the same after Ctrl-C
POLL = 0.02  # seconds between two looks whether a model is unloaded


class OllamaHost(HostedModel):
    """Base of models that were pulled into an Ollama server."""

    prefix: ClassVar[str] = PREFIX

    model: str
    """The model, as `ollama list` names it."""
    host: Annotated[str | None, AsWritten()] = None
    """The server's address; null: OLLAMA_HOST, else this machine."""
    keep_alive: str = "5m"
    """How long the server keeps the model loaded after a call, e.g. 5m, 1h."""
    unload: bool = True
    """Whether the model is unloaded when the run is done with it; false: for a server that others share."""
    _used: bool = PrivateAttr(False)

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, host: str | None) -> str | None:
        if host is not None and (mistake := address_mistake(host)) is not None:
            raise ValueError(mistake)
        return host

    def secrets(self) -> Mapping[str, str]:
        return server_secrets([self.address], KEY, os.environ.get(KEY, "").strip())

    def mentions(self) -> Mapping[str, str]:
        return variables_in(self.address)

    @property
    def tells_version(self) -> bool:
        return self._version != UNTOLD

    # -- what the server tells ----------------------------------------------------------------------------------------

    def check_server(self) -> None:
        from harness.models.remote.transport import exchange

        try:
            with exchange(GLANCE):
                _ = self._served.listed
        except CallError as failure:
            if is_silent(failure):
                return
        self.check()

    def still_the_same(self) -> None:
        from harness.models.remote.transport import exchange

        try:
            with exchange(GLANCE):
                refuse_change(self._served, ServedModel(lambda: self._client, self.model))
        except CallError:
            return  # a server that is gone is met by its calls

    @cached_property
    def _served(self) -> ServedModel:
        return ServedModel(lambda: self._client, self.model)

    @property
    def _version(self) -> str:
        from harness.models.remote.transport import exchange

        try:
            with exchange(CHECKING):
                return self._served.version
        except CallError as failure:
            raise self._unusable(failure) from failure

    @cached_property
    def _digest(self) -> str:
        from harness.models.remote.transport import exchange

        try:
            with exchange(CHECKING):
                digest, names = self._served.digest, self._served.listed
        except CallError as failure:
            raise self._unusable(failure) from failure
        if digest is None:
            suggestion = nearest(whole_name(self.model), [inert_line(name) for name in names])
            suggestion = self.redaction().redact_message(suggestion)
            raise ModelError(f"Ollama has no model {self.model}: ollama pull {self.model} ({suggestion})")
        return digest

    def _unusable(self, failure: CallError) -> ModelError:
        fault = address_fault(self.address, CHECKING, failure)
        return ModelError(self.redaction().redact_message(fault))

    # -- coming and going ---------------------------------------------------------------------------------------------

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
            with exchange(limit), closing(self._new_server()) as server:
                server.unload(self.model)
                while whole_name(self.model) in map(whole_name, server.running()):
                    time.sleep(POLL)
        except CallError as failure:
            log.info(
                "model %s stays loaded in Ollama for %s: %s", self.model, self.keep_alive, self.failure_text(failure)
            )

    @property
    def address(self) -> str:
        return self.host or os.environ.get("OLLAMA_HOST") or DEFAULT_HOST

    @property
    def _host(self) -> str:
        return str(expanded(self.address))

    @cached_property
    def _client(self) -> OllamaServer:
        return self._new_server()

    def _new_server(self) -> OllamaServer:
        return OllamaServer(self._host, self.timeout)
