"""The viewer on this machine: a server that only reads, for browsers here only."""

import errno
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.errors import HarnessError, reason_of
from reports.viewer.routes import OWN_POLICY, Routes, WebReply, message
from reports.wording import say, speaking

SCHEME, ADDRESS = "http://", "127.0.0.1"
HIGHEST = 65535
TRIES = 50  # ports after the one that was asked for
SILENCE = 30.0  # seconds after which a connection without a request is closed


class ViewerServer(ThreadingHTTPServer):
    """Serves the routes until it is shut down. Other machines cannot reach it; pages of other sites are refused."""

    daemon_threads = True
    allow_reuse_address = sys.platform != "win32"  # there it would share a port with whoever has it

    def __init__(self, port: int, routes: Routes) -> None:
        """Raises OSError where the port is taken or may not be."""
        self.routes = routes
        super().__init__((ADDRESS, port), ViewerHandler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return SCHEME + f"{ADDRESS}:{self.port}{self.routes.start}"

    def server_bind(self) -> None:
        """Without asking the network for this machine's name, as the base does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(self.allow_reuse_address))
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = ADDRESS, self.port

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is nothing to tell."""


class ViewerHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE
    server: ViewerServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body is not read, so what follows would not be understood
        try:
            reply = self._reply()
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print("error:", f"{self.path[:200]!r}:", reason, file=sys.stderr)
            reply = message("viewer.failed", 500, reason=reason)
        self._send(reply)

    def _reply(self) -> WebReply:
        if not self._is_meant_for_here():
            return message("viewer.refused_host", 403)
        path, _, query = self.path.partition("?")
        return self.server.routes.reply(path, query, self.headers.get("Accept-Language", ""))

    def _is_meant_for_here(self) -> bool:
        """Whether the browser knows that it talks to this machine: a foreign name that leads here is refused."""
        hosts = [host.strip().lower() for host in self.headers.get_all("Host") or []]
        return len(hosts) == 1 and hosts[0] in {f"{name}:{self.server.port}" for name in (ADDRESS, "localhost")}

    def _send(self, reply: WebReply) -> None:
        headers = getattr(self, "headers", None)  # a request that cannot be understood has none
        is_current = reply.status == 200 and headers is not None and headers.get("If-None-Match") == reply.tag
        content = b"" if is_current else reply.content
        self.send_response_only(304 if is_current else reply.status)
        for name, value in {
            "Content-Type": reply.type,
            "ETag": reply.tag,
            "Cache-Control": "no-cache",
            "Content-Security-Policy": reply.policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            **reply.headers,
        }.items():
            self.send_header(name, value)
        if not is_current:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message_text: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses: a method other than GET and HEAD, and what is no request."""
        self.close_connection = True
        self.request_version = self.protocol_version  # what is no request has none, and would get no headers
        is_method = code == 501
        refusal = message("viewer.only_reading", 405) if is_method else message("viewer.not_understood", code)
        headers = {**refusal.headers, **({"Allow": "GET, HEAD"} if is_method else {})}
        self._send(WebReply(status=refusal.status, content=refusal.content, policy=OWN_POLICY, headers=headers))

    def log_message(self, format: str, *arguments: Any) -> None:
        """The terminal is not told of every request."""


def open_server(port: int, routes: Routes, note: Callable[[str], None]) -> ViewerServer:
    """The server at this port, or at the next one that is free, which is noted. Raises HarnessError for none."""
    ports = range(port, min(port + TRIES, HIGHEST) + 1) if port else range(1)
    for candidate in ports:
        try:
            server = ViewerServer(candidate, routes)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise HarnessError(
                f"--port {candidate}: {reason_of(error)}; choose another, e.g. --port 0 for any"
            ) from error
        if candidate != port != 0:
            with speaking(routes.language or "en"):
                note(say("viewer.port_taken", port=port, other=candidate))
        return server
    raise HarnessError(f"--port {port}: no port from it to {ports[-1]} is free; choose another, e.g. --port 0 for any")


def serve(server: ViewerServer, announce: Callable[[str], None], is_opened: bool) -> None:
    """Answer until Ctrl-C. The address is announced, and opened in the browser where that is asked."""
    announce(server.address)
    if is_opened:
        threading.Thread(
            target=webbrowser.open, args=[server.address], daemon=True
        ).start()  # a text browser never ends
    with server, suppress(KeyboardInterrupt):
        server.serve_forever(poll_interval=0.2)
