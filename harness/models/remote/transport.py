"""How bytes travel to a server and back: an exchange ends in time, within a size, at the host that was named.

httpx bounds each read, so a server that sends a byte now and then keeps a call for ever; here `time_limit` bounds all
of an exchange: look-up, connection, request, redirects and body. A call of a model is timed by its `CallClock` instead,
which knows queues and streamed replies.
"""

import math
import socket
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import Any

import httpcore
import httpx

from harness.models.remote.call_clock import CLOCK, CallClock, running
from harness.models.remote.call_error import Blame, CallError
from harness.models.remote.kept_connection import send_on_kept
from harness.models.remote.pace import MOST

MOST_BYTES = 64 * 2**20  # of a body, unpacked
WRITTEN_AT_ONCE = 2**16  # bytes; between two writes the clock is read
_END: ContextVar[float] = ContextVar("end of the exchange", default=math.inf)  # by time.monotonic


class RefusedReplyError(httpx.TransportError):
    """A reply that is not taken: too large, packed in a way that was not asked for, or one that leads elsewhere."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Everything that this thread exchanges inside the block ends within so many seconds, by httpx.TimeoutException."""
    token = _END.set(min(_END.get(), time.monotonic() + seconds))
    try:
        with running(None):
            yield
    finally:
        _END.reset(token)


@contextmanager
def exchange(seconds: float, prefix: str = "") -> Iterator[None]:
    """One exchange with a server, bounded in time. Whatever goes wrong with its bytes is a CallError."""
    try:
        with time_limit(seconds), _translated(prefix):
            yield
    except httpx.TimeoutException as error:
        reason = f"{type(error).__name__}: no whole reply within {seconds:g} s; raise timeout if it needs longer"
        raise CallError(prefix + reason, lasting=False, blame="server") from error


@contextmanager
def timed_call(clock: CallClock, prefix: str = "") -> Iterator[None]:
    """One call of a model, timed by its clock. Whatever goes wrong with its bytes is a CallError."""
    try:
        with running(clock), _translated(prefix):
            yield
    except httpx.ConnectTimeout as error:
        reason = f"ConnectTimeout: no connection within {min(clock.silence, clock.longest):g} s"
        raise CallError(prefix + reason, lasting=False, blame="server") from error
    except httpx.TimeoutException as error:
        reason = f"{type(error).__name__}: {clock.verdict()}"
        blame: Blame = "silence" if clock.has_begun else "server"  # which has let it wait, and answered no other call
        raise CallError(prefix + reason, lasting=False, blame=blame) from error


@contextmanager
def _translated(prefix: str) -> Iterator[None]:
    """CallErrors for all but timeouts. A client library may raise anything over a reply of another shape."""
    try:
        yield
    except UnicodeEncodeError as error:
        reason = f"{prefix}the prompt holds half a character, which cannot be sent"
        raise CallError(reason, lasting=True, blame="prompt") from error
    except httpx.TimeoutException:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ImportError) as error:
        lasting = isinstance(error, RefusedReplyError | httpx.InvalidURL | httpx.TooManyRedirects | ImportError)
        raise CallError(f"{prefix}{type(error).__name__}: {error}", lasting, blame=_blame(error)) from error
    except RecursionError as error:
        raise CallError(f"{prefix}the reply is nested too deeply to be read", lasting=False) from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise CallError(f"{prefix}the reply cannot be read: {type(error).__name__}: {error}", lasting=False) from error


def _blame(error: Exception) -> Blame:
    """Whether nothing answers at the address: no connection, or one that ends before the reply begins.

    What speaks no TLS, or has a certificate that is not trusted, is there.
    """
    if isinstance(error, httpx.ConnectError | ConnectionError):
        return "call" if "SSL" in str(error) else "server"
    clock = CLOCK.get()
    is_cut = isinstance(error, httpx.ReadError | httpx.WriteError) or "disconnected without" in str(error)
    return "server" if is_cut and clock is not None and not clock.has_begun else "call"


class BoundedTransport(httpx.BaseTransport):
    """httpx's own transport with the bounds of this module, for one client of one server.

    The first request says which host that is. The environment's proxies are used as httpx uses them by itself.
    """

    def __init__(self) -> None:
        self._limits = httpx.Limits(max_connections=None, max_keepalive_connections=MOST)
        self._lock = threading.Lock()
        self._first: httpx.URL | None = None
        self._inner: httpx.HTTPTransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises httpx.HTTPError, RefusedReplyError among them."""
        inner = self._transport_to(request.url)
        if (clock := CLOCK.get()) is not None:
            clock.begin()
        request.headers["accept-encoding"] = "gzip, deflate"
        response = send_on_kept(inner.handle_request, request)
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        length = response.headers.get("content-length", "")
        if encoding not in ("identity", "gzip", "deflate", ""):
            response.close()
            raise RefusedReplyError("the reply is packed in a way that was not asked for")
        if length.isdecimal() and (len(length) > 18 or int(length) > MOST_BYTES):
            response.close()
            raise RefusedReplyError(_too_large())
        kept = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
        return httpx.Response(
            response.status_code, headers=kept, stream=_BoundedBody(response), extensions=response.extensions
        )

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()

    def _transport_to(self, url: httpx.URL) -> httpx.HTTPTransport:
        with self._lock:
            if self._inner is None or self._first is None:
                self._first = url
                self._inner = httpx.HTTPTransport(limits=self._limits, proxy=_proxy_for(url))
                self._inner._pool._network_backend = _TimedBackend()
        if not _is_same_host(self._first, url):
            raise RefusedReplyError(f"the server redirects to another host ({url.host}), which is not followed")
        return self._inner


def _is_same_host(first: httpx.URL, url: httpx.URL) -> bool:
    """Whether a redirect stays: the same host and port, or from http to https on it."""
    ports = {"http": 80, "https": 443}
    places = [(place.scheme, place.port or ports.get(place.scheme)) for place in (first, url)]
    is_upgrade = first.scheme == "http" and url.scheme == "https" and (url.port is None or url.port == first.port)
    return first.host == url.host and (places[0] == places[1] or is_upgrade)


def _proxy_for(url: httpx.URL) -> str | None:
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _too_large() -> str:
    return f"the reply is larger than {MOST_BYTES // 2**20} MB"


class _BoundedBody(httpx.SyncByteStream):
    """The unpacked body of a reply, which ends where it grows too large; each part of it is a sign of life."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        size, clock = 0, CLOCK.get()
        for chunk in self._response.iter_bytes():
            if clock is not None and chunk:
                clock.flow()
            size += len(chunk)
            if size > MOST_BYTES:
                raise RefusedReplyError(_too_large())
            yield chunk

    def close(self) -> None:
        self._response.close()


def _left(timeout: float | None, error: type[Exception]) -> float:
    """Seconds that one step may take: its own timeout, and no more than is left of the exchange.

    A call's clock takes the place of the timeout, except for the connection, which must stand within the silence that
    the clock allows.
    """
    clock = CLOCK.get()
    if clock is not None:
        timeout = min(clock.left(), clock.silence) if error is httpcore.ConnectTimeout else clock.left()
    left = min(math.inf if timeout is None else timeout, _END.get() - time.monotonic())
    if left <= 0:
        raise error("the time for the exchange is over")
    return min(left, threading.TIMEOUT_MAX)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step knows when the exchange must end."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            try:
                return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))
            except httpcore.ReadTimeout:
                clock = CLOCK.get()
                if clock is None or clock.left() <= 0:  # a sign of life on another call gives this one more time
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITTEN_AT_ONCE):
            self._stream.write(buffer[start : start + WRITTEN_AT_ONCE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        with suppress(OSError):  # wakes a thread that still waits here, which closing does not
            self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = _left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, limit))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _TimedBackend(httpcore.NetworkBackend):
    """Connects within the time of the exchange, however many addresses a host has."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in _addresses(host, port, _left(timeout, httpcore.ConnectTimeout)):
            limit = _left(timeout, httpcore.ConnectTimeout)
            try:
                return _TimedStream(self._plain.connect_tcp(address, port, limit, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host, looked up in a thread of its own, because nothing else ends a look-up in time."""
    results: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))
        except (OSError, ValueError) as error:
            results.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except Empty as error:
        raise httpcore.ConnectTimeout(f"the address of {host} was not found in time") from error
    if isinstance(result, Exception):
        raise httpcore.ConnectError(str(result)) from result
    return result
