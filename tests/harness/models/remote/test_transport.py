"""An exchange ends: in time whatever drips, within 64 MB, at the host that was named; real sockets on both sides."""

import gzip
import itertools
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from harness.errors import ServerGoneError
from harness.models.chat_completions.served_engine import ServedEngine
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.models.remote.server_model import RemoteModel
from harness.records.inputs import Generation, Message
from harness.records.outputs import Completion
from tests.shared.raw_server import Chunks, RawServer, chat, dripping, elapsed, ollama_chat, read_request, reply
from tests.shared.raw_server import raw_server as serving

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LONG = HEAD + b"Content-Length: 900\r\n\r\n"
MB = 2**20


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)


def raw_server(answer: Chunks) -> AbstractContextManager[RawServer]:
    """A server that tells nothing of itself, and answers calls so."""
    return serving(lambda server, request: answer(server, request) if b"POST" in request[:4] else [reply({}, 404)])


def model_at(kind: str, place: str, **settings: Any) -> RemoteModel:
    settings = {"model": "tiny", "pause": 0, "retries": 0, "patience": 0, **settings}
    return OpenAI(url=f"{place}/v1", **settings) if kind == "openai" else Ollama(host=place, unload=False, **settings)


def ask(model: RemoteModel, count: int = 1) -> list[Completion]:
    prompts = [(Message("user", "q"),)] * count
    try:
        return model.generate(prompts, Generation(max_tokens=5), [0] * count)
    finally:
        model.close()


def right(kind: str) -> dict[str, Any]:
    return chat() if kind == "openai" else ollama_chat()


# -- time ---------------------------------------------------------------------------------------------------------------


def silent(server: RawServer, request: bytes) -> Iterator[bytes]:
    server.stopped.wait(30)
    yield b""


def dripped_body(server: RawServer, request: bytes) -> Iterator[bytes]:
    return dripping(server, [LONG, *[b" "] * 900])


def dripped_head(server: RawServer, request: bytes) -> Iterator[bytes]:
    return dripping(server, [b"HTTP/1.1 200 OK\r\n", *[b"X"] * 900])


def dripped_chunks(server: RawServer, request: bytes) -> Iterator[bytes]:
    return dripping(server, [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 900])


def endless_preliminaries(server: RawServer, request: bytes) -> Iterator[bytes]:
    return dripping(server, itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), 0.05)


def dripped_error(server: RawServer, request: bytes) -> Iterator[bytes]:
    return dripping(server, [LONG.replace(b"200 OK", b"500 No"), *[b"x"] * 900])


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("answer", [dripped_body, dripped_chunks, dripped_error])
def test_longest_bounds_the_whole_call(answer: Any, kind: str) -> None:
    with raw_server(answer) as server:
        began = time.monotonic()
        (completion,) = ask(model_at(kind, server.place, longest=0.7))
        assert 0.6 < elapsed(began) < 2.2
    assert (completion.text, completion.finish) == ("", "error")
    assert "0.7 s; raise longest if it needs more" in str(completion.error)


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("answer", [silent, dripped_head, endless_preliminaries])
def test_a_server_that_never_begins_to_reply_is_gone(answer: Any, kind: str) -> None:
    """It may be frozen: then nothing is unknown for it."""
    with raw_server(answer) as server:
        began = time.monotonic()
        with pytest.raises(
            ServerGoneError, match=r"no reply within 0\.4 s; raise longest if it needs more: no call was"
        ):
            ask(model_at(kind, server.place, longest=0.4, patience=0.2), 3)
        assert 0.7 < elapsed(began) < 2.2
        assert len(server.chats) <= 3


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("workers", ["auto", 1, 4])
@pytest.mark.parametrize("place", [0, 2, 5])
def test_a_prompt_that_never_begins_to_be_answered_is_unknown_by_itself(place: int, workers: Any, kind: str) -> None:
    """The others show that the server is there; where it is the last one, a short question does."""

    def answer(server: RawServer, request: bytes) -> Iterable[bytes]:
        return silent(server, request) if b"mute" in request else [reply(right(kind))]

    words = ["mute" if number == place else f"q{number}" for number in range(6)]
    with raw_server(answer) as server:
        model = model_at(kind, server.place, longest=0.4, patience=60, retries=1, workers=workers)
        answers = model.generate([(Message("user", word),) for word in words], Generation(max_tokens=5), [0] * 6)
        model.close()
    assert [number for number, completion in enumerate(answers) if completion.finish == "error"] == [place]
    assert "no reply within 0.4 s" in str(answers[place].error)


def flowing_then_silent(server: RawServer, request: bytes) -> Iterator[bytes]:
    yield LONG + b'{"choices": ['
    server.stopped.wait(30)


def queued_then_flowing(server: RawServer, request: bytes) -> Iterator[bytes]:
    server.stopped.wait(1.2)
    yield reply(chat())


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_a_reply_that_falls_silent_is_left_in_time(kind: str) -> None:
    with raw_server(flowing_then_silent) as server:
        began = time.monotonic()
        (completion,) = ask(model_at(kind, server.place, timeout=0.5))
        assert 0.4 < elapsed(began) < 1.5
    assert "the reply fell silent for 0.5 s; raise timeout if it needs more" in str(completion.error)


def test_the_queue_of_a_server_is_no_silence() -> None:
    with raw_server(queued_then_flowing) as server:
        assert ask(model_at("openai", server.place, timeout=0.3))[0].text == "fine"


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("shown", [reply({"model_info": {}}), reply({}, 404), reply({"parameters": 'stop "x"'})])
def test_what_a_call_looks_up_before_does_not_begin_its_reply(shown: bytes, kind: str) -> None:
    """Ollama is asked for its model's facts inside the first call; then that call waits in the queue."""

    def answer(server: RawServer, request: bytes) -> Iterator[bytes]:
        if b"/api/show" in request:
            yield shown
            return
        server.stopped.wait(0.6)
        yield reply(right(kind))

    with raw_server(answer) as server:
        model = model_at(kind, server.place, timeout=0.3)
        (completion,) = model.generate([(Message("user", "q"),)], Generation(max_tokens=5, stop=("x",)), [0])
        model.close()
        assert (completion.text, completion.error) == ("fine", None)
        assert len(server.chats) == 1


def test_waiting_counts_from_the_last_sign_of_life() -> None:
    """Two calls of one second each, one after the other: the second waits longer than a reply may take."""
    line = threading.Lock()

    def one_by_one(server: RawServer, request: bytes) -> Iterator[bytes]:
        with line:
            server.stopped.wait(0.6)
            yield reply(chat())

    with raw_server(one_by_one) as server:
        answers = ask(model_at("openai", server.place, longest=1.0, workers=4), 5)
    assert [answer.text for answer in answers] == ["fine"] * 5


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_a_slow_reply_within_the_timeout_is_an_answer(kind: str) -> None:
    whole = reply(right(kind))
    pieces = [whole[start : start + 40] for start in range(0, len(whole), 40)]
    with raw_server(lambda server, request: dripping(server, pieces, 0.05)) as server:
        assert ask(model_at(kind, server.place, timeout=20))[0].text == "fine"


def test_a_reader_that_takes_nothing_is_left_in_time() -> None:
    """A server that does not read a long request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        model = model_at("openai", f"http://127.0.0.1:{listener.getsockname()[1]}", longest=1.5)
        model.__dict__["_engine"] = ServedEngine()
        began = time.monotonic()
        with pytest.raises(ServerGoneError, match=r"no reply within 1\.5 s"):
            model.generate([(Message("user", "x" * 20_000_000),)], Generation(), [0])
        model.close()
    assert elapsed(began) < 4


def test_a_handshake_that_drips_is_left_in_time() -> None:
    with raw_server(silent) as server:
        model = OpenAI(model="tiny", url=f"https://127.0.0.1:{server.port}/v1", patience=0, timeout=0.5)
        began = time.monotonic()
        with pytest.raises(ServerGoneError, match=r"no connection within 0\.5 s"):
            ask(model)
    assert elapsed(began) < 2.5


def test_a_look_up_that_hangs_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: released.wait(20) and [])
    began = time.monotonic()
    with pytest.raises(ServerGoneError, match=r"ConnectTimeout: no connection within 0\.5 s"):
        ask(model_at("openai", "http://slow.example", timeout=0.5))
    released.set()
    assert elapsed(began) < 2.5


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_checks_are_bounded_too(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.errors import ModelError

    monkeypatch.setattr("harness.models.chat_completions.openai_server.CHECK_SECONDS", 0.5)
    monkeypatch.setattr("harness.models.remote.ollama_host.CHECKING", 0.5)
    with raw_server(dripped_body) as server:
        model = model_at(kind, server.place)
        began = time.monotonic()
        with pytest.raises(ModelError, match="does not answer"):
            model.check()
        assert elapsed(began) < 1.5
        model.close()


# -- size ---------------------------------------------------------------------------------------------------------------


def endless(server: RawServer, request: bytes) -> Iterable[bytes]:
    yield HEAD + b"\r\n"  # until the connection ends
    while True:
        yield b" " * MB


def announced(server: RawServer, request: bytes) -> Iterable[bytes]:
    yield HEAD + b"Content-Length: 999999999\r\n\r\n"
    yield b" " * MB


def exploding(server: RawServer, request: bytes) -> Iterable[bytes]:
    yield reply(gzip.compress(b" " * (80 * MB), 1), headers=["Content-Encoding: gzip"])


def packed_twice(server: RawServer, request: bytes) -> Iterable[bytes]:
    yield reply(gzip.compress(gzip.compress(b" " * MB)), headers=["Content-Encoding: gzip, gzip"])


def endless_error(server: RawServer, request: bytes) -> Iterable[bytes]:
    yield HEAD.replace(b"200 OK", b"502 Bad") + b"\r\n"
    while True:
        yield b"x" * MB


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(endless, "larger than 64 MB", marks=pytest.mark.nightly),
        (announced, "larger than 64 MB"),
        (exploding, "larger than 64 MB"),
        (packed_twice, "packed in a way that was not asked for"),
        (endless_error, "larger than 64 MB"),
    ],
)
def test_bodies_are_bounded(answer: Any, reason: str, kind: str) -> None:
    with raw_server(answer) as server:
        (completion,) = ask(model_at(kind, server.place, retries=2, timeout=60))
        assert reason in str(completion.error)
        assert len(server.chats) == 1  # trying again cannot help


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_packed_replies_are_read(encoding: str, pack: Callable[[bytes], bytes], kind: str) -> None:
    body = reply(right(kind)).partition(b"\r\n\r\n")[2]
    whole = reply(pack(body), headers=[f"Content-Encoding: {encoding}"])
    with raw_server(lambda server, request: [whole]) as server:
        assert ask(model_at(kind, server.place))[0].text == "fine"


# -- place --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_redirect_to_another_host_is_not_followed(host: str, status: int, kind: str) -> None:
    with raw_server(lambda server, request: [reply(right(kind))]) as other:
        place = f"Location: http://{host}:{other.port}/v1/chat/completions"
        with raw_server(lambda server, request: [reply({}, status, headers=[place])]) as server:
            (completion,) = ask(model_at(kind, server.place, retries=2))
            assert (completion.text, completion.finish) == ("", "error")
            assert "which is not followed" in str(completion.error)
            assert len(server.chats) == 1
        assert other.requests == []


def test_a_circle_of_redirects_ends() -> None:
    with raw_server(lambda server, request: [reply({}, 307, headers=["Location: /api/chat"])]) as server:
        (completion,) = ask(model_at("ollama", server.place, timeout=5))
        assert "TooManyRedirects" in str(completion.error)


@pytest.mark.parametrize(("bypass", "through"), [("", True), ("127.0.0.1", False), ("*", False)])
def test_the_proxy_of_the_environment_is_used(bypass: str, through: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        raw_server(lambda server, request: [reply(chat("proxied"))]) as proxy,
        raw_server(lambda server, request: [reply(chat("direct"))]) as server,
    ):
        monkeypatch.setenv("http_proxy", proxy.place)
        monkeypatch.setenv("no_proxy", bypass)
        assert ask(model_at("openai", server.place))[0].text == ("proxied" if through else "direct")


# -- threads ------------------------------------------------------------------------------------------------------------


def test_calls_keep_their_connection() -> None:
    """A connection is used again: not every call pays for a new one."""
    connections: set[int] = set()
    body = reply(chat("ok")).replace(b"Connection: close", b"X-Kept: yes")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, address = listener.accept()
            connections.add(address[1])
            with connection:
                while read_request(connection):
                    connection.sendall(body)

        threading.Thread(target=serve, daemon=True).start()
        model = model_at("openai", f"http://127.0.0.1:{listener.getsockname()[1]}", workers=1, timeout=5)
        texts = [completion.text for completion in ask(model, 3)]
    assert (texts, len(connections)) == (["ok"] * 3, 1)


def test_what_speaks_no_tls_is_a_failure() -> None:
    with raw_server(lambda server, request: [b"no tls here"]) as server:
        model = OpenAI(model="tiny", url=f"https://127.0.0.1:{server.port}", retries=0, timeout=2, patience=0)
        with pytest.raises(ServerGoneError):
            ask(model)
