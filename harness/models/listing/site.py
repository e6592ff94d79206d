"""A server of unknown kind: what it answers to single requests."""

import os
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from harness.models.remote.call_error import CallError
from harness.models.remote.server_reply import json_of
from harness.models.remote.transport import BoundedTransport, exchange
from harness.records.inputs import JSON

if TYPE_CHECKING:
    import httpx

SECONDS = 15.0  # for one request


class Site:
    """Asks one server. The key is the value of an environment variable; without one, none is sent."""

    def __init__(self, key_name: str) -> None:
        import httpx

        key = os.environ.get(key_name, "").strip()
        headers = {"Authorization": f"Bearer {key}"} if key.isascii() and key.isprintable() and key else {}
        self._client = httpx.Client(headers=headers, transport=BoundedTransport(), timeout=SECONDS)

    def get(self, url: str) -> "httpx.Response":
        """The reply, read. Raises CallError where there is none."""
        with exchange(SECONDS):
            return self._client.get(url)

    def content(self, url: str, body: Mapping[str, JSON] | None = None) -> JSON:
        """The JSON of a successful reply, to a POST where there is a body; None for anything else."""
        try:
            with exchange(SECONDS):
                response = self._client.get(url) if body is None else self._client.post(url, json=body)
        except CallError:
            return None
        return json_of(response) if response.is_success else None

    def close(self) -> None:
        """End its connections."""
        self._client.close()


def site(key_name: str) -> "closing[Site]":
    """A site that is closed at the end of the block."""
    return closing(Site(key_name))
