"""The part of a stand-in server that no protocol changes: requests noted, faults, a queue, streams, an end and a return."""

import contextlib
import json
import logging
import select
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from tests.shared.engines import Body
from tests.shared.faults import RENDERING
from tests.shared.faults import Fault as Fault

Framing = Callable[[Body], bytes]


def one_json(part: Body) -> bytes:
    return json.dumps(part, ensure_ascii=False).encode()


def json_lines(part: Body) -> bytes:
    return one_json(part) + b"\n"


def server_sent_events(part: Body) -> bytes:
    return b"data: " + (b"[DONE]" if part.get("[DONE]") else one_json(part)) + b"\n\n"


TYPES = {
    one_json: "application/json; charset=utf-8",
    json_lines: "application/x-ndjson",
    server_sent_events: "text/event-stream",
}


@dataclass(frozen=True, kw_only=True)
class HttpReply:
    """A reply: one part, or a stream of them as they are made."""

    parts: Iterable[Body]
    framing: Framing = one_json
    status: int = 200
    text: str | None = None  # instead of parts, as text/plain


class RefusedError(Exception):
    """A request that the server answers with an error."""

    def __init__(self, status: int, error: str, kind: str = "api_error", **details: Any) -> None:
        super().__init__(error)
        self.status, self.kind, self.details = status, kind, details


class GoneError(Exception):
    """The client has given up waiting."""


class Queue:
    """At most `parallel` requests are worked on, in the order in which they came."""

    def __init__(self, parallel: int, limit: int = 512) -> None:
        self.parallel, self.limit = parallel, limit
        self.most = 0  # that were ever worked on at once
        self._tickets: list[object] = []
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, is_gone: Callable[[], bool]) -> Iterator[None]:
        """Wait for the turn, as long as the client does."""
        ticket = object()
        with self._changed:
            if len(self._tickets) >= self.limit + self.parallel:
                raise RefusedError(503, "server busy, please try again.  maximum pending requests exceeded")
            self._tickets.append(ticket)
        try:
            with self._changed:
                while self._tickets.index(ticket) >= self.parallel:
                    self._changed.wait(0.02)
                    if is_gone():
                        raise GoneError
                self.most = max(self.most, self._tickets.index(ticket) + 1)
            yield
        finally:
            with self._changed:
                self._tickets.remove(ticket)
                self._changed.notify_all()


def is_rendering(body: Body) -> bool:
    """Whether a request asks Ollama only for the rendered prompt."""
    return bool(body.get("_debug_render_only"))


class HttpStandIn(ThreadingHTTPServer, ABC):
    """A server. `faults` are used up one a request; `asked` holds every request in its order: path and body."""

    daemon_threads = True
    request_queue_size = 128
    generating: tuple[str, ...] = ()  # the paths that faults meet unless they name another

    def __init__(self, *, parallel: int = 1) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, Body]] = []
        self.queue = Queue(parallel)
        self.lock = threading.Lock()
        self.released = threading.Event()  # ends the waiting of slow replies
        self.replies = 0  # of the paths that generate
        self._later: list[tuple[int, Callable[[], None]]] = []
        self._connections: set[socket.socket] = set()
        self._thread: threading.Thread | None = None

    @property
    def place(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self, path: str | None = None) -> list[Body]:
        """The requests to a path, in their order; without one, to the first that generates. A rendering is none."""
        wanted = path or self.generating[0]
        return [body for asked, body in self.asked if asked == wanted and not is_rendering(body)]

    @abstractmethod
    def answer(self, method: str, path: str, body: Body, is_gone: Callable[[], bool]) -> HttpReply:
        """The reply to a request, or RefusedError."""

    def error(self, path: str, refusal: RefusedError) -> Body:
        """The body of an error."""
        return {"error": str(refusal)}

    def after(self, replies: int, action: Callable[[], None]) -> None:
        """Have something done once that many replies were given, before the next request is answered."""
        self._later.append((replies, action))

    def start(self) -> None:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def refuse(self) -> None:
        """Connections are refused from now on, and those that stand are broken."""
        if self._thread is None:
            return
        self.shutdown()
        self.server_close()
        self._thread.join()
        self._thread = None
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def vanish(self) -> None:
        """The same from within a request, whose reply is lost, too."""
        threading.Thread(target=self.refuse, daemon=True).start()
        raise GoneError

    def come_back(self) -> None:
        """Listen again at the same address."""
        address = self.server_address
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_address = address
        self.server_bind()
        self.server_activate()
        self.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is no news."""

    def note(self, path: str, body: Body) -> Fault:
        """Write a request down; the fault of its reply."""
        with self.lock:
            due = [action for replies, action in self._later if replies <= self.replies]
            self._later = [(replies, action) for replies, action in self._later if replies > self.replies]
        for action in due:
            action()
        place = RENDERING if is_rendering(body) else path
        with self.lock:
            self.asked.append((path, body))
            for fault in self.faults:
                if place == fault.at if fault.at is not None else place in self.generating:
                    self.faults.remove(fault)
                    return fault
        return Fault()


Server = TypeVar("Server", bound=HttpStandIn)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server, running in a thread until the end of the block."""
    server.start()
    try:
        yield server
    finally:
        server.released.set()
        server.refuse()


class Handler(BaseHTTPRequestHandler):
    server: HttpStandIn
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server._connections.add(self.connection)

    def finish(self) -> None:
        self.server._connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *arguments: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self._handle({})

    def do_HEAD(self) -> None:
        self._handle({})

    def do_POST(self) -> None:
        self._handle(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}"))

    def _handle(self, body: Body) -> None:
        try:
            fault = self.server.note(self.path, body)
            self._pause(fault.slow)
            self._reply(body, fault)
        except (GoneError, BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception as failure:
            logging.getLogger(__name__).exception("the stand-in failed at %s", self.path)
            self._send(HttpReply(parts=[{"error": f"the stand-in failed: {failure!r}"}], status=500), Fault())

    def _reply(self, body: Body, fault: Fault) -> None:
        if fault.hangs_up:
            raise GoneError
        if fault.status is not None or fault.body is not None:
            part = {"error": f"a fault of the script, {fault.status}"}
            self._send(HttpReply(parts=[part], status=fault.status or 200), fault)
            return
        try:
            self._send(self.server.answer(self.command, self.path, body, self._is_gone), fault)
        except RefusedError as refusal:
            self._send(HttpReply(parts=[self.server.error(self.path, refusal)], status=refusal.status), fault)
        self.server.replies += self.path in self.server.generating and not is_rendering(body)

    def _is_gone(self) -> bool:
        """Whether the client has closed its end."""
        if self.server.released.is_set():
            return True
        readable = select.select([self.connection], [], [], 0)[0]
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

    def _pause(self, seconds: float) -> None:
        """Wait, as long as the client does."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._is_gone():
                raise GoneError
            self.server.released.wait(min(0.02, left))

    def _send(self, reply: HttpReply, fault: Fault) -> None:
        parts = iter(fault.bend(reply.parts))
        if reply.framing is one_json or fault.is_of_bytes or reply.text is not None:
            content = (reply.text or "").encode() or b"".join(map(reply.framing, parts))
            self._send_bytes(content if fault.body is None else fault.body, reply, fault)
            return
        stall = fault.stalls
        first = next(parts, None)  # an error may still come before the first part, and is no stream then
        self._head(reply, fault, {"Transfer-Encoding": "chunked"})
        self._pause(fault.silent)
        while first is not None:
            piece = reply.framing(first)
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
            self._pause(stall)
            first, stall = next(parts, None), 0.0
        self.wfile.write(b"0\r\n\r\n")

    def _send_bytes(self, content: bytes, reply: HttpReply, fault: Fault) -> None:
        if fault.half:
            content = content[: len(content) // 2]
        self._head(reply, fault, {"Content-Length": str(len(content))})
        self._pause(fault.silent)
        if self.command == "HEAD":
            return
        if fault.cut is not None:
            content = content[: fault.cut(content)]
            self.close_connection = True
        for start in range(0, len(content), 1) if fault.drip else (0,):
            self._pause(fault.drip)
            self.wfile.write(content[start : start + 1] if fault.drip else content)

    def _head(self, reply: HttpReply, fault: Fault, size: Mapping[str, str]) -> None:
        usual = "text/plain" if reply.text is not None else TYPES[reply.framing]
        self.send_response(reply.status)
        self.send_header("Content-Type", fault.content_type or usual)
        if reply.status == 307:
            self.send_header("Location", self.path)  # once more, as a proxy may ask for
        for name, value in {**size, **fault.headers}.items():
            self.send_header(name, value)
        self.end_headers()
