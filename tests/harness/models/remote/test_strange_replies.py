"""A reply of a stranger is never a traceback: failure as data, or one line of ModelError."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.components.display import Display
from harness.errors import ModelError, ServerGoneError, SuiteError
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.models.remote.asking import Asking
from harness.models.remote.server_model import RemoteModel
from harness.models.remote.server_reply import count_of, wait_of
from harness.records.inputs import Generation, Message
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.suite.parser import load_suite
from tests.shared.pauses import repeating
from tests.shared.raw_server import RawServer, chat, ollama_chat, raw_server, reply

PROMPT = (Message("user", "q"),)
DEEP = b"[" * 100_000 + b"]" * 100_000
DEEP_OBJECT = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
Build = Callable[[str, str], RemoteModel]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Makes a model of either kind at a server."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    made: list[RemoteModel] = []

    def make(kind: str, place: str) -> RemoteModel:
        settings: dict[str, Any] = {"model": "tiny", "pause": 0, "retries": 0, "timeout": 30, "patience": 0}
        at_ollama = {"host": place, "unload": False, **settings}
        made.append(OpenAI(url=place, **settings) if kind == "openai" else Ollama(**at_ollama))
        return made[-1]

    yield make
    for model in made:
        model.close()


def ask(model: RemoteModel) -> Completion:
    (completion,) = model.generate([PROMPT], Generation(), [0])
    return completion


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    "body",
    [
        DEEP, DEEP_OBJECT, b"", b"null", b"5", b'"text"', b"[]", b"[1, {}]", b"{", b"\xff\xfe\x00", b"\x00" * 50, b"NaN",
        b'{"error": 5}', b'{"error": ["no"]}', b'{"error": {"message": 7}}', b'{"error": {"message": null}}', b'{"error": true}',
        b'{"choices": 5}', b'{"choices": {"0": 1}}', b'{"choices": "text"}', b'{"choices": [5]}', b'{"choices": ["x"]}',
        b'{"choices": [{"message": "x"}]}', b'{"choices": [{"message": {"content": {"a": 1}}}]}', b'{"message": 5}',
        b'{"message": {"role": 5, "content": []}}', b'{"n": ' + b"9" * 5000 + b"}", b'{"choices": [' + DEEP + b"]}",
        b'{"choices": [{"message": {"content": 5, "x": "\\ud83d"}}], "message": {"content": 1, "role": "\\ud83d"}}',
        b"<html>\x1b[31mbad gateway</html>",
    ],
    ids=lambda body: body[:20].decode("latin-1").encode("unicode_escape").decode(),
)  # fmt: skip
def test_no_body_is_a_traceback(kind: str, status: int, body: bytes, build: Build, tmp_path: Path) -> None:
    with raw_server(lambda server, request: [reply(body, status)]) as server:
        model = build(kind, server.place)
        cache = Cache(tmp_path / "calls.sqlite")
        (completion,) = (
            Context({"m": model}, cache, Display(), 0).generate("m", [PROMPT], Generation())
            if kind == "openai"
            else (ask(model),)
        )
        cache.close()
    assert (completion.text, completion.finish) == ("", "error")
    assert completion.error
    assert len(completion.error) <= 300
    assert "\n" not in completion.error
    assert "\x1b" not in completion.error
    if status != 200:
        assert f"HTTP {status}" in completion.error


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (5, (0, 0)), ("many", (0, 0)), ([1], (0, 0)), (True, (0, 0)),
        ({"prompt_tokens": 5.5, "completion_tokens": 2}, (0, 2)),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, (0, 0)),
        ({"prompt_tokens": -5, "completion_tokens": 1e400}, (0, 0)),
        ({"prompt_tokens": "5", "completion_tokens": [2]}, (0, 0)),
        ({"prompt_tokens": 5.0, "completion_tokens": True}, (5, 0)),
        ({"prompt_tokens": 10**30, "completion_tokens": {}}, (0, 0)),
    ],
)  # fmt: skip
def test_usage_of_any_kind(usage: Any, tokens: tuple[int, int], build: Build) -> None:
    """The answer stands; a count that is none is not told."""
    with raw_server(lambda server, request: [reply(chat(usage=usage))]) as server:
        completion = ask(build("openai", server.place))
    assert (completion.text, completion.tokens_in, completion.tokens_out) == ("fine", *tokens)


@pytest.mark.parametrize("value", [5.5, "many", [1], {}, float("nan"), -5, None])
def test_counts_of_ollama_of_any_kind(value: Any, build: Build) -> None:
    """Without the prompt's count a cut prompt could not be noticed: a failure."""
    body = json.dumps(ollama_chat(prompt_eval_count=value)).encode()
    with raw_server(lambda server, request: [reply(body)]) as server:
        completion = ask(build("ollama", server.place))
    assert (completion.text, completion.finish) == ("", "error")


@pytest.mark.parametrize(
    ("value", "count"),
    [(0, 0), (7, 7), (7.0, 7), (2**53, 2**53), (2**53 + 1, None), (7.5, None), (-1, None), (True, None), ("7", None),
     (float("nan"), None), (float("inf"), None), (float("-inf"), None), (None, None), ([7], None)],
)  # fmt: skip
def test_counts(value: Any, count: int | None) -> None:
    assert count_of(value) == count


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("utf-8", "utf-8"), ("iso-8859-1", "utf-8"), ("gbk", "gbk"), ("big5", "big5"), ("utf-16", "utf-16"), ("utf-8", "utf-8-sig"),
        ("no-such-thing", "utf-8"), ("hex", "utf-8"), ("undefined", "utf-8"), ('"', "utf-8"), ("idna", "utf-8"), ("", "utf-8"),
    ],
)  # fmt: skip
def test_odd_charsets(charset: str, encoding: str, build: Build) -> None:
    """UTF-8 is tried first, because servers name charsets that they do not use; then what is named."""
    body = json.dumps(chat("診斷"), ensure_ascii=False).encode(encoding)
    with raw_server(
        lambda server, request: [reply(body, content_type=f"application/json; charset={charset}")]
    ) as server:
        assert ask(build("openai", server.place)).text == "診斷"


@pytest.mark.parametrize("charset", ["no-such-thing", "undefined", "hex", "ascii"])
@pytest.mark.parametrize("status", [200, 500])
def test_bytes_that_are_no_text(charset: str, status: int, build: Build) -> None:
    body = b'{"error": "\xff\xfe\xfa"}'
    with raw_server(lambda server, request: [reply(body, status, f"text/plain; charset={charset}")]) as server:
        for kind in ("openai", "ollama"):
            assert ask(build(kind, server.place)).finish == "error"


@pytest.mark.parametrize("text", ["half \ud83d", "\udc00", "a\ud83d\ud83db"])
@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_halves_of_characters_can_be_stored(kind: str, text: str, build: Build, tmp_path: Path) -> None:
    """In an answer, in a failure's reason, and in a prompt."""
    for body in (chat(text) if kind == "openai" else ollama_chat(text), {"error": {"message": text}}):
        with raw_server(lambda server, request, body=body: [reply(body)]) as server:
            model = build(kind, server.place)
            cache = Cache(tmp_path / f"{len(body)}.sqlite")
            context = Context({"m": model}, cache, Display(), 0)
            if kind == "ollama":
                model.__dict__["_digest"] = "abc"  # the raw server lists no models
            (completion,) = context.generate("m", [PROMPT], Generation())
            cache.close()
        (completion.text + str(completion.error)).encode()
    with raw_server(lambda server, request: [reply(chat())]) as server:
        (completion,) = build(kind, server.place).generate([(Message("user", text),)], Generation(), [0])
    assert "half a character" in str(completion.error)


@pytest.mark.parametrize(
    "raw",
    [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/9.9 abc\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 300_000 + b"\r\n\r\n", b"HTTP/1.1 101 Switching\r\n\r\n",
     b"HTTP/1.1 307 X\r\nLocation: http://[::bad\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
     b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\xfe; expires=never\r\nContent-Length: 2\r\n\r\n{}"],
    ids=lambda raw: raw[:40].decode("latin-1").encode("unicode_escape").decode(),
)  # fmt: skip
@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_no_http_is_a_traceback(kind: str, raw: bytes, build: Build) -> None:
    with raw_server(lambda server, request: [raw]) as server:
        completion = ask(build(kind, server.place))
        assert (completion.text, completion.finish) == ("", "error")
        model = build(kind, server.place)
        if kind == "ollama" or raw.startswith(b"garbage"):
            with pytest.raises(ModelError, match=r"^[^\n]*does not answer[^\n]*$"):
                model.check()


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_a_connection_that_ends_without_a_word_is_an_outage(kind: str, build: Build) -> None:
    with raw_server(lambda server, request: [b""]) as server, pytest.raises(ServerGoneError, match="disconnected"):
        ask(build(kind, server.place))


@pytest.mark.parametrize(
    "listing",
    [b"5", b"[]", b'{"data": 5}', b'{"data": "x"}', b'{"data": [5, null, {"id": ["x"]}, {"id": {}}]}', DEEP, b"\xff",
     b'{"models": 5}', b'{"models": [5]}', b'{"models": [{"model": 5}]}', b'{"models": [{"model": null}]}'],
    ids=lambda body: body[:30].decode("latin-1"),
)  # fmt: skip
@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_no_list_of_models_is_a_traceback(kind: str, listing: bytes, build: Build) -> None:
    with raw_server(lambda server, request: [reply(listing)]) as server:
        model = build(kind, server.place)
        if kind == "openai":
            model.check()  # a server that lists nothing is believed
        else:
            with pytest.raises(ModelError, match=r"Ollama (does not answer|has no model)"):
                model.check()


@pytest.mark.parametrize("name", ["\x1b[31mred", "two\nlines", "half \ud83d", "\u2028x"])
@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_names_from_a_server_are_one_inert_line(kind: str, name: str, build: Build) -> None:
    listing = {"data": [{"id": name}], "models": [{"model": name, "digest": "abc"}]}
    with raw_server(lambda server, request: [reply(listing)]) as server, pytest.raises(ModelError) as caught:
        build(kind, server.place).check()
    assert len(str(caught.value).splitlines()) == 1
    assert "\x1b" not in str(caught.value)
    str(caught.value).encode()


@pytest.mark.parametrize(
    "shown", [b'{"model_info": 5}', b'{"model_info": {"general.architecture": ["x"]}}', b"[]", DEEP, b'{"model_info": {"llama.context_length": 1.5}}']
)  # fmt: skip
def test_no_description_of_a_model_is_a_traceback(shown: bytes, build: Build) -> None:
    with raw_server(lambda server, request: [reply(shown)]) as server:
        model = build("ollama", server.place)
        assert isinstance(model, Ollama)
        assert model.trained_length() is None


# -- addresses ----------------------------------------------------------------------------------------------------------

SUITE = """
name: s
models: {{m: {{{kind}: {{model: tiny, {field}: "{address}"}}}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, target: a}}}}
    prompt: "{{{{ input }}}}"
    metrics: {{accuracy: exact_match}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""


@pytest.mark.parametrize(("kind", "field"), [("openai", "url"), ("ollama", "host")])
@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://", "is no address"), ("http://[::1", "is no address"), ("http://a b/", "is no address"), ("http://a..b/", "is no address"),
        ("http://host:99999/v1", "port"), ("http://host:0", "port"), ("http://host:x/v1", "is no address"), ("http:///v1", "is no address"),
        ("http://" + "a" * 64 + ".org", "is no address"), ("http://" + "a." * 130 + "org", "is no address"), ("http://a\\x01b/v1", "is no address"),
        ("http://\\u2603\\u0301 .org", "is no address"), ("http://host/v1?key=5", "before ? and #"), ("http://host/v1#x", "before ? and #"),
        ("http://me:hunter2@host/v1", "holds a password"),
    ],
)  # fmt: skip
def test_malformed_addresses_are_mistakes_of_the_suite(
    kind: str, field: str, address: str, problem: str, write_suite: Callable[..., Path]
) -> None:
    path = write_suite(SUITE.format(kind=kind, field=field, address=address), rows__jsonl='{"q": "1", "a": "2"}\n')
    with pytest.raises(
        SuiteError, match=rf"^suite.yaml:3: models.m.{kind}.{field}: [^\n]*{problem.replace('?', '[?]')}"
    ) as caught:
        load_suite(path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:11434", "http://[::1]:5", "https://a.b.example/ollama", "http://bücher.example"]
)
def test_addresses_that_are_good(host: str) -> None:
    assert Ollama(model="tiny", host=host).host == host


@pytest.mark.parametrize("host", ["http://[::1", "localhost:x", "http://a b"])
def test_an_address_from_the_environment_is_one_line(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    with pytest.raises(ModelError, match="Ollama does not answer"):
        Ollama(model="tiny").check()


# -- waiting ------------------------------------------------------------------------------------------------------------


def date(seconds: float, form: str = "rfc 1123") -> str:
    """A date of HTTP so many seconds from now."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    if form == "rfc 850":
        return moment.strftime("%A, %d-%b-%y %H:%M:%S GMT")
    return moment.strftime("%a %b %d %H:%M:%S %Y") if form == "asctime" else format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry-after": "3"}, 3, 3), ({"retry-after": "0.5"}, 0.5, 0.5), ({"retry-after": "3600"}, 60, 60), ({}, 0, 0),
        ({"retry-after": "rfc 1123 20"}, 17, 20), ({"retry-after": "rfc 850 20"}, 17, 20),
        ({"retry-after": "asctime 20"}, 17, 20), ({"retry-after": "rfc 1123 9000"}, 60, 60),
        ({"retry-after": "rfc 1123 -50"}, 0, 0), ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0, 0),
        ({"retry-after-ms": "1500"}, 1.5, 1.5), ({"retry-after-ms": "250", "retry-after": "9"}, 0.25, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9, 9), ({"retry-after-ms": "1e9"}, 60, 60), ({"retry-after-ms": "-5"}, 0, 0),
        ({"retry-after": "nan"}, 0, 0), ({"retry-after": "inf"}, 60, 60), ({"retry-after": "-7"}, 0, 0), ({"retry-after": "soon"}, 0, 0),
        ({"retry-after": "Wed, 99 Foo 2015"}, 0, 0), ({"retry-after": "Fri, 31 Dec 99999 23:59:59 GMT"}, 0, 60), ({"retry-after": ""}, 0, 0),
    ],
)  # fmt: skip
def test_what_a_server_asks_to_wait(headers: dict[str, str], low: float, high: float) -> None:
    form, _, seconds = headers.get("retry-after", "").rpartition(" ")
    if form in ("rfc 1123", "rfc 850", "asctime"):
        headers = {"retry-after": date(float(seconds), form)}
    assert low <= wait_of(httpx.Headers(headers)) <= high


@pytest.mark.parametrize("kind", ["openai", "ollama"])
def test_the_wait_is_kept(kind: str, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(Asking, "_rest", repeating(waited))
    replies = [
        reply({}, 429, headers=["Retry-After-Ms: 1500"]),
        reply({}, 503, headers=[f"Retry-After: {date(30)}"]),
    ]
    fine = reply(chat() if kind == "openai" else ollama_chat())
    version = reply({"version": "0.33.0"})

    def answer(server: RawServer, request: bytes) -> list[bytes]:
        return [version if request.startswith(b"GET") else replies.pop(0) if replies else fine]

    with raw_server(answer) as server:
        model = build(kind, server.place).model_copy(update={"retries": 2, "patience": 600})
        assert ask(model).text == "fine"
        model.close()
    assert waited[0] == 1.5
    assert 25 < waited[1] <= 30.5
