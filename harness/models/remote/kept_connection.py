"""Requests on connections that are kept: a server may close one just when the next request is sent on it.

RFC 9112, section 9.3.1. llama.cpp's server does so after a streamed reply, without a word.
"""

import time
from collections.abc import Callable

import httpx

AT_ONCE = 1.0  # seconds within which a connection shows that it was closed


def send_on_kept(send: Callable[[httpx.Request], httpx.Response], request: httpx.Request) -> httpx.Response:
    """The response to a request, sent again where the connection kept for it turns out to be closed.

    A connection that was opened for the request, or that ends later, is the server's failure. Raises httpx.HTTPError.
    """
    connections: list[str] = []

    def trace(event: str, details: object) -> None:
        if event.endswith("connect_tcp.started"):
            connections.append(event)

    request.extensions = {**request.extensions, "trace": trace}
    while True:
        began = time.monotonic()
        try:
            return send(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            is_cut = not isinstance(error, httpx.RemoteProtocolError) or "disconnected without" in str(error)
            if connections or not is_cut or time.monotonic() - began > AT_ONCE:
                raise
