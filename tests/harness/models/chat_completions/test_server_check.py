"""What stands at an address is said as it is, with what would be right; to start a server only where none answers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.openai import OpenAI
from tests.shared.faults import PAGE, Fault
from tests.shared.ollama_stand_in import StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, Script
from tests.shared.raw_server import raw_server, reply

Serve = Callable[[Any], Any]
Asking = Callable[..., OpenAI]
LIST = {"data": [{"id": "smol"}]}


def script() -> Script:
    return Script(lambda body: "x")


@pytest.mark.parametrize("kind", [LlamaServer, Vllm, Hosted])
@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/v1", None),
        ("/v1/", None),
        ("", r"lists no models \(HTTP 404.*, but http://[\d.:]+/v1 does; set url: http://[\d.:]+/v1$"),
        ("/v1/chat/completions", r"but http://[\d.:]+/v1 does; set url"),
        ("/v1/models", r"but http://[\d.:]+/v1 does; set url"),
        ("/api", r"but http://[\d.:]+/v1 does; set url"),
        ("/v2", r"but http://[\d.:]+/v1 does; set url"),
    ],
)
def test_a_wrong_path_names_the_right_one(
    kind: Any, path: str, problem: str | None, serve: Serve, asking: Asking
) -> None:
    server = serve(kind(script()))
    model = asking(server, url=server.place + path)
    if problem is None or (kind is LlamaServer and not path):
        if problem is None:
            model.check()
        return
    with pytest.raises(ModelError, match=problem) as caught:
        model.check()
    assert "start" not in str(caught.value)


@pytest.mark.parametrize(
    ("listing", "call", "problem"),
    [
        (
            reply(PAGE, content_type="text/html"),
            reply(PAGE, content_type="text/html"),
            "HTTP 200, an HTML page, “Sign in”",
        ),
        (reply(PAGE, 404, "text/html"), reply(PAGE, 405, "text/html"), "HTTP 404, an HTML page"),
        (reply({"detail": "Not Found"}, 404), reply({"detail": "Not Found"}, 404), "speaks no chat completions"),
        (reply(b"404 page not found", 404), reply(b"", 405), "HTTP 404: 404 page not found"),
        (reply({}, 404), reply({"error": "model is required"}, 400), None),  # a service that lists nothing
        (reply(PAGE, 200, "text/html"), reply({"error": "key"}, 401), None),
        (reply(PAGE, 502, "text/html"), reply(PAGE, 502, "text/html"), None),  # a gateway whose server is down
        (reply({"error": "busy"}, 500), reply({}, 404), None),
    ],
)
def test_what_speaks_another_protocol_is_said(listing: bytes, call: bytes, problem: str | None, asking: Asking) -> None:
    def answer(server: Any, request: bytes) -> list[bytes]:
        return [call if request.startswith(b"POST") else listing]

    with raw_server(answer) as server:
        model = asking(server.place)
        if problem is None:
            model.check()
            return
        with pytest.raises(ModelError, match=problem) as caught:
            model.check()
    assert "start" not in str(caught.value)
    assert "/v1" in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [{"error": "key"}, {"error": {"message": "no"}}, {}])
def test_a_refused_key(status: int, body: Any, asking: Asking) -> None:
    with raw_server(lambda server, request: [reply(body, status)]) as server:
        for check in (asking(server.place).check, asking(server.place).check_server):
            with pytest.raises(ModelError, match="refuses the key; set the environment variable OPENAI_API_KEY"):
                check()


@pytest.mark.parametrize(
    "raw", [b"garbage\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", b"HTTP/9.9 abc\r\n\r\n"]
)
def test_what_answers_without_sense_is_not_to_be_started(raw: bytes, asking: Asking) -> None:
    with raw_server(lambda server, request: [raw]) as server, pytest.raises(ModelError) as caught:
        asking(server.place).check()
    assert "does not answer as it should" in str(caught.value)
    assert "start" not in str(caught.value)


def test_where_nothing_answers_the_server_is_to_be_started(serve: Serve, asking: Asking) -> None:
    server = serve(Hosted(script()))
    server.refuse()
    model = asking(server)
    with pytest.raises(ModelError, match="start the server or correct url"):
        model.check()
    model.check_server()  # it says nothing against the model


@pytest.mark.parametrize(
    ("server", "model", "problem"),
    [
        (LlamaServer(script()), "other", "has no model other; it has: smol; write one of them, or .* --alias other$"),
        (LlamaServer(script(), aliases=["tiny", "mine"]), "mine", None),  # the second name of --alias
        (LlamaServer(script(), aliases=["tiny", "mine"]), "smol", None),
        (LlamaServer(script(), aliases=["tiny"]), "mine", "has no model mine; it has: smol, tiny; write one of them"),
        (Vllm(script()), "Smol", "has no model Smol; it has: smol"),
        (Hosted(script()), "smol", None),
        (StandIn(script(), models=["smol:latest"]), "SMOL", None),  # as Ollama compares names
        (StandIn(script(), models=["smol:latest"]), "smol:1b", "has no model smol:1b; it has: smol:latest"),
    ],
)
def test_models_by_name(server: Any, model: str, problem: str | None, serve: Serve, asking: Asking) -> None:
    asked = asking(serve(server), model=model, server_context=2048)
    if problem is None:
        asked.check()
        return
    with pytest.raises(ModelError, match=problem):
        asked.check()


def test_a_busy_list_is_no_mistake(serve: Serve, asking: Asking) -> None:
    server = serve(Hosted(script()))
    server.faults = [Fault(body=json.dumps({"error": "later"}).encode(), status=429, at="/v1/models")]
    asking(server).check()
