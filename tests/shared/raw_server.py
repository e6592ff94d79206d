"""A server that answers with bytes of the test's choice, well-formed or not, at the speed of its choice.

Each reply ends its connection. Ollama's renderings are answered without asking the test.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Chunks = Callable[["RawServer", bytes], Iterable[bytes]]  # what is sent for a request, piece by piece


class RawServer:
    """Accepts connections in threads; `answer` gives the pieces for each request. `requests` holds them as they came."""

    def __init__(self, answer: Chunks) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def place(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def chats(self) -> list[bytes]:
        """The requests that a model is to reply to; others ask for what there is."""
        return [request for request in self.requests if b'"stream":true' in request]

    def close(self) -> None:
        self.stopped.set()
        for end in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            request = read_request(connection)
            if b'"_debug_render_only"' in request:
                connection.sendall(reply({"_debug_info": {"rendered_template": rendering(request)}}))
            elif request and not self.stopped.is_set():
                self.requests.append(request)
                for chunk in self.answer(self, request):
                    if self.stopped.is_set():
                        return
                    connection.sendall(chunk)
        connection.close()


def read_request(connection: socket.socket) -> bytes:
    """One request with its body; empty at the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    sizes = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < int(sizes[0] if sizes else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def rendering(request: bytes) -> str:
    """The texts of the messages that a request to Ollama has rendered."""
    messages = json.loads(request.partition(b"\r\n\r\n")[2])["messages"]
    return "\n".join(message["content"] for message in messages)


@contextlib.contextmanager
def raw_server(answer: Chunks) -> Iterator[RawServer]:
    """The server, running until the end of the block."""
    server = RawServer(answer)
    try:
        yield server
    finally:
        server.close()


def reply(
    body: bytes | Any, status: int = 200, content_type: str = "application/json", headers: Iterable[str] = ()
) -> bytes:
    """A whole HTTP reply; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + content


def in_turn(*bodies: Any) -> Chunks:
    """One body after the other for what a model is to reply to, and an empty one for whatever else is asked."""

    def answer(server: RawServer, request: bytes) -> list[bytes]:
        is_chat = b'"stream":true' in request
        return [reply(bodies[min(len(server.chats), len(bodies)) - 1] if is_chat else {})]

    return answer


def dripping(server: RawServer, pieces: Iterable[bytes], pause: float = 0.2) -> Iterator[bytes]:
    """The pieces one by one, until the test is over."""
    for piece in pieces:
        if server.stopped.wait(pause):
            return
        yield piece


def chat(text: Any = "fine", reason: Any = "stop", **further: Any) -> dict[str, Any]:
    """The body of a reply of OpenAI's form."""
    return {"choices": [{"message": {"content": text}, "finish_reason": reason}], "usage": {}, **further}


def ollama_chat(text: Any = "fine", reason: Any = "stop", **further: Any) -> dict[str, Any]:
    """The body of a reply of Ollama's form."""
    message = {"role": "assistant", "content": text}
    counts = {"prompt_eval_count": 5, "eval_count": 3}
    return {"model": "tiny", "message": message, "done": True, "done_reason": reason, **counts, **further}


def elapsed(began: float) -> float:
    """Seconds since a time of time.monotonic()."""
    return time.monotonic() - began
