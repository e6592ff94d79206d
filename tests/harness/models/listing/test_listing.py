"""`harness list models --server URL` against servers that answer as real ones did, and against what is no server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import ModelError
from harness.models.listing.listing import ListedModel
from harness.models.listing.lookup import list_server
from harness.models.listing.table import print_listing, size_text
from tests.shared.engines import Script
from tests.shared.ollama_stand_in import StandIn, serving
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted
from tests.shared.raw_server import RawServer, raw_server, reply

Routes = Mapping[str, Any]  # path → the JSON of the reply, or (status, body)
Start = Callable[[Routes], RawServer]

SMOL = {
    "name": "smollm2:135m", "model": "smollm2:135m", "size": 98363007, "digest": "e8a7",
    "details": {"format": "gguf", "family": "llama", "parameter_size": "134.52M", "quantization_level": "Q4_1"},
}  # fmt: skip
SHOWN = {"model_info": {"general.architecture": "llama", "llama.context_length": 8192}, "capabilities": ["completion"]}
NEW = {**SMOL, "details": {**SMOL["details"], "context_length": 8192}, "capabilities": ["completion", "thinking"]}  # type: ignore[dict-item]
RUNNING = {"name": "smollm2:135m", "model": "smollm2:135m", "size": 190948608, "context_length": 4096}
OLLAMA_24: Routes = {
    "/api/version": {"version": "0.24.0"},
    "/api/tags": {"models": [SMOL]},
    "/api/show": SHOWN,
    "/api/ps": {"models": [RUNNING]},
}
OLLAMA_33: Routes = {
    "/api/version": {"version": "0.33.0"},
    "/api/tags": {
        "models": [NEW, {**NEW, "name": "bge-m3:latest", "model": "bge-m3:latest", "capabilities": ["embedding"]}]
    },
    "/api/ps": {"models": []},
}
LLAMA_CPP: Routes = {
    "/v1/models": {
        "models": [{"name": "smol", "model": "smol", "capabilities": ["completion"]}],
        "data": [
            {
                "id": "smol", "object": "model", "owned_by": "llamacpp",
                "meta": {"n_ctx": 2048, "n_ctx_train": 8192, "n_params": 134515008, "size": 96576768, "ftype": "Q4_1"},
            }
        ],
    },
    "/props": {"build_info": "b6500-abc", "total_slots": 2},
}  # fmt: skip
VLLM: Routes = {
    "/v1/models": {"data": [{"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 40960}]},
    "/version": {"version": "0.11.0"},
}
HOSTED: Routes = {"/v1/models": {"object": "list", "data": [{"id": "b"}, {"id": "a", "context_window": 131072}]}}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a server of these routes; any other path is 404 of a web page."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OPENAI_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as running:

        def build(routes: Routes) -> RawServer:
            def answer(server: RawServer, request: bytes) -> Iterator[bytes]:
                content = routes.get(request.split()[1].decode(), (404, b"<html>404 page not found</html>"))
                status, body = content if isinstance(content, tuple) else (200, content)
                yield reply(body, status)

            return running.enter_context(raw_server(answer))

        yield build


SMOL_SHOWN = ListedModel(
    name="smollm2:135m", size=98363007, parameters="134.52M", quantisation="Q4_1", context=8192,
    capabilities=("completion",), loaded="yes, with context 4,096",
)  # fmt: skip


@pytest.mark.parametrize(
    ("routes", "path", "server", "models"),
    [
        (OLLAMA_24, "", "Ollama 0.24.0", (SMOL_SHOWN,)),
        (OLLAMA_24, "/", "Ollama 0.24.0", (SMOL_SHOWN,)),
        (OLLAMA_24, "/v1", "Ollama 0.24.0", (SMOL_SHOWN,)),  # its list of its own says more
        (OLLAMA_24, "/api/chat", "Ollama 0.24.0", (SMOL_SHOWN,)),
        (
            {**OLLAMA_24, "/api/show": (500, {"error": "broken"}), "/api/ps": (404, {})},
            "",
            "Ollama 0.24.0",
            (ListedModel(name="smollm2:135m", size=98363007, parameters="134.52M", quantisation="Q4_1"),),
        ),
        ({**OLLAMA_24, "/api/version": {"version": 3}, "/api/tags": {"models": []}}, "", "Ollama of an unknown version", ()),
        (
            LLAMA_CPP,
            "",
            "llama.cpp b6500-abc",
            (
                ListedModel(
                    name="smol", size=96576768, parameters="134.52M", quantisation="Q4_1", context=2048, trained=8192,
                    capabilities=("completion",),
                ),
            ),
        ),
        (VLLM, "/v1", "vLLM 0.11.0", (ListedModel(name="Qwen/Qwen3-8B", context=40960),)),
        ({**VLLM, "/version": b"<html>"}, "/v1/", "vLLM", (ListedModel(name="Qwen/Qwen3-8B", context=40960),)),
        (
            HOSTED, "/v1", "an OpenAI-compatible server",
            (ListedModel(name="a", context=131072), ListedModel(name="b")),
        ),
        ({"/serve/models": {"data": [{"id": "x"}]}}, "/serve", "an OpenAI-compatible server", (ListedModel(name="x"),)),
    ],
)  # fmt: skip
def test_a_server_and_its_models(
    start: Start, routes: Routes, path: str, server: str, models: tuple[ListedModel, ...]
) -> None:
    listing = list_server(start(routes).place + path, "OPENAI_API_KEY")
    assert listing.server == server
    assert listing.models == models


@pytest.mark.parametrize(
    ("kind", "settings", "path", "expected"),
    [
        (StandIn, {"version": "0.24.0"}, "", "Ollama 0.24.0"),
        (StandIn, {}, "/v1", "Ollama 0.33.0"),
        (LlamaServer, {}, "", "llama.cpp b0-unknown"),
        (Vllm, {}, "/v1", "vLLM 0.11.0"),
        (Hosted, {}, "/v1", "an OpenAI-compatible server"),
    ],
)
def test_the_stand_ins_of_real_servers(kind: Any, settings: Any, path: str, expected: str) -> None:
    """No model is loaded and nothing is generated for a list."""
    with serving(kind(Script(str), **settings)) as server:
        listing = list_server(server.place + path, "OPENAI_API_KEY")
    assert listing.server == expected
    assert [model.name for model in listing.models] == (["judge:latest"] if "Ollama" in expected else ["smol"])
    assert {route for route, _ in server.asked} <= {
        "/api/version", "/api/tags", "/api/show", "/api/ps", "/v1/models", "/props", "/version", "/v1/api/version",
        "/v1/api/tags",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"id": "x", "max_model_len": -1, "owned_by": "me"}, ListedModel(name="x")),
        ({"id": "x", "max_model_len": "4096", "meta": "none"}, ListedModel(name="x")),
        ({"id": "x", "max_model_len": True, "capabilities": {"a": 1}}, ListedModel(name="x")),
        ({"id": "x", "meta": {"n_ctx": 4096, "n_ctx_train": 4096}}, ListedModel(name="x", context=4096)),
        ({"id": "x", "meta": {"n_ctx_train": 4096}}, ListedModel(name="x", context=4096)),
        ({"id": "x", "meta": {"n_params": 8_030_261_248}}, ListedModel(name="x", parameters="8.03B")),
        ({"id": "x", "context_length": 200000, "capabilities": ["vision", 3]},
         ListedModel(name="x", context=200000, capabilities=("vision",))),
    ],
)  # fmt: skip
def test_what_a_server_tells_otherwise_is_unknown(start: Start, entry: Any, expected: ListedModel) -> None:
    server = start({"/v1/models": {"data": [entry, 7, {"id": None}]}})
    assert list_server(server.place, "OPENAI_API_KEY").models == (expected,)


@pytest.mark.parametrize(
    ("routes", "path", "said"),
    [
        ({}, "", r"is no model server: neither Ollama's list \(/api/tags\) nor OpenAI's"),
        ({"/": b"<html>hello</html>", "/v1/models": b"<html>hello</html>"}, "", "is no model server"),
        ({"/v1/models": {"data": "none"}}, "/v1", "is no model server"),
        ({"/v1/models": (401, {"error": "no key"})}, "/v1", "refuses the key .HTTP 401.; set .* OPENAI_API_KEY"),
        ({"/v1/models": (403, b"<html>")}, "", "refuses the key .HTTP 403."),
        ({"/api/version": {"version": "1"}}, "", "is no model server"),  # of something else
        ({"/v1/models": (500, {"error": "down"})}, "", "cannot list its models now: HTTP 500: down"),
        ({"/v1/models": (429, {"error": "slowly"})}, "/v1", "cannot list its models now: HTTP 429: slowly"),
    ],
)
def test_what_is_no_model_server(start: Start, routes: Routes, path: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        list_server(start(routes).place + path, "OPENAI_API_KEY")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("http://127.0.0.1:9", r"^nothing answers at http://127.0.0.1:9 \(ConnectError"),
        ("127.0.0.1:9/v1", "^nothing answers at 127.0.0.1:9/v1"),
        ("ftp://here", "^--server ftp://here is no address; write http://HOST:PORT/PATH"),
        ("http://u:geheim@host", "^--server http://host holds a password"),
        ("http://host:99999", "has a port that does not exist"),
        ("", "is no address"),
    ],
)
def test_an_address_that_leads_nowhere(written: str, said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        list_server(written, "OPENAI_API_KEY")
    assert "geheim" not in str(caught.value)


def test_the_key_goes_where_it_belongs(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-mine")
    monkeypatch.setenv("OLLAMA_API_KEY", "ollama-key")
    server = start(HOSTED)
    list_server(server.place, "MY_KEY")
    sent = {request.split()[1].decode(): b"Bearer sk-mine" in request for request in server.requests}
    assert sent == {"/api/version": False, "/api/tags": False, "/v1/models": True}


@pytest.mark.parametrize(
    ("size", "expected"),
    [(98363007, "98 MB"), (4_700_000_000, "4.7 GB"), (300, "1 MB"), (1_000_000_000, "1.0 GB")],
)
def test_sizes(size: int, expected: str) -> None:
    assert size_text(size) == expected


def printed(start: Start, routes: Routes, width: int = 120) -> list[str]:
    console = Console(width=width, record=True, markup=False, highlight=False)
    print_listing(list_server(start(routes).place, "OPENAI_API_KEY"), console)
    return [line.strip() for line in console.export_text().splitlines() if line.strip()]


def test_the_table(start: Start) -> None:
    first, head, _, row, last = (" ".join(line.split()) for line in printed(start, OLLAMA_33))
    assert first.startswith("Ollama 0.33.0 at http://127.0.0.1:")
    assert first.endswith(": 2 models")
    assert head == "name size parameters quantisation context capabilities loaded"
    assert row == "smollm2:135m 98 MB 134.52M Q4_1 8,192 completion, thinking no"
    assert last.startswith("In a suite: ollama: {model: NAME, host: http://127.0.0.1:")


NAMES = ["nomic-embed-text:latest", "hf.co/bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M", "模型" * 20]


@pytest.mark.parametrize("width", [40, 80, 100])
@pytest.mark.parametrize("name", NAMES)
def test_no_word_is_cut_where_the_table_does_not_fit(start: Start, width: int, name: str) -> None:
    entry = {**NEW, "name": name, "model": name}
    console = Console(width=width, record=True, markup=False, highlight=False)
    routes = {**OLLAMA_24, "/api/tags": {"models": [entry, SMOL]}}
    print_listing(list_server(start(routes).place, "OPENAI_API_KEY"), console)
    words = " ".join(console.export_text().split())
    facts = "98 MB · 134.52M parameters · Q4_1 · context 8,192 · "
    assert f"{facts}completion, thinking · loaded: no" in words
    assert f" smollm2:135m {facts}completion · loaded: yes, with context 4,096 " in words
    if width > 2 * len(name):
        assert f" {name} 98 MB" in words


def test_columns_of_which_nothing_is_told_are_left_out(start: Start) -> None:
    _, head, *rows, _ = (" ".join(line.split()) for line in printed(start, HOSTED))
    assert [head, *rows] == ["name context", "a 131,072", "b -"]
    assert " ".join(printed(start, LLAMA_CPP)[2].split()) == "smol 97 MB 134.52M Q4_1 2,048 of 8,192 completion"
    assert printed(start, {"/v1/models": {"data": []}})[0].endswith(": 0 models")
    assert printed(start, {**OLLAMA_33, "/api/tags": {"models": []}})[1:] == ["Pull one: ollama pull qwen2.5:0.5b"]


def test_names_cannot_steer_the_terminal(start: Start) -> None:
    server = {"/v1/models": {"data": [{"id": "a\x1b[31mb\nc", "owned_by": "\x1b]0;t\x07"}]}}
    assert "\x1b" not in "".join(printed(start, server))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["list", "models", "--server", "{place}"], 0, "llama.cpp b6500-abc at {place}/v1: 1 model"),
        (["list", "--server", "{place}/v1"], 0, "llama.cpp b6500-abc at {place}/v1: 1 model"),
        (["list", "model", "--server", "{place}"], 0, "openai: {{model: NAME, url: {place}/v1}}"),
        (["list", "metric", "--server", "{place}"], 2, "a server has models, no metric"),
        (["list", "models"], 2, "needs --server URL"),
        (["list", "models", "--server", "{place}/x/y/z"], 0, "{place}/v1: 1 model"),
    ],
)
def test_the_command(start: Start, arguments: list[str], code: int, said: str) -> None:
    place = start(LLAMA_CPP).place
    result = CliRunner().invoke(app, [argument.format(place=place) for argument in arguments])
    assert result.exit_code == code, result.output
    assert said.format(place=place) in " ".join(result.output.split())
