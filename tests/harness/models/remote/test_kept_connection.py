"""A server that closes the connection it kept, without a word, just when the next request comes, loses no call."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from harness.models.remote.transport import BoundedTransport
from tests.shared.raw_server import read_request

BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class ClosingServer:
    """Answers `kept` requests on each connection; the next one is read and the connection is closed without a byte."""

    def __init__(self, kept: int, seconds: float) -> None:
        self.kept, self.seconds = kept, seconds
        self.unanswered = 0
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            for _ in range(self.kept):
                if not read_request(connection):
                    return
                connection.sendall(BODY)
            if read_request(connection):
                self.unanswered += 1
                self.stopped.wait(self.seconds)


@contextmanager
def closing_server(kept: int, seconds: float = 0.0) -> Iterator[ClosingServer]:
    server = ClosingServer(kept, seconds)
    try:
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("kept", "calls", "unanswered"),
    [
        (1, 5, 4),  # each connection answers once: every call but the first meets one that is closed
        (2, 5, 2),
        (4, 5, 1),
        (9, 5, 0),
    ],
)
def test_a_closed_connection_loses_no_call(method: str, kept: int, calls: int, unanswered: int) -> None:
    with closing_server(kept) as server, httpx.Client(transport=BoundedTransport()) as client:
        statuses = [client.request(method, server.place, content=b"{}").status_code for _ in range(calls)]
    assert (statuses, server.unanswered) == ([200] * calls, unanswered)


@pytest.mark.parametrize(
    ("kept", "seconds", "unanswered"),
    [
        (0, 0.0, 1),  # a new connection that is closed is the server's failure
        (0, 1.2, 1),
        (1, 1.2, 1),  # it was worked on: not asked a second time
    ],
)
def test_what_fails_otherwise_is_said(kept: int, seconds: float, unanswered: int) -> None:
    with closing_server(kept, seconds) as server, httpx.Client(transport=BoundedTransport()) as client:
        for _ in range(kept):
            client.post(server.place, content=b"{}")
        with pytest.raises(httpx.HTTPError, match="disconnected without"):
            client.post(server.place, content=b"{}")
    assert server.unanswered == unanswered
