"""What a server tells of itself is part of the key, and a server that becomes another one stops the run."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.chat_completions.served_engine import root_of, with_tag
from harness.models.openai import OpenAI
from harness.records.inputs import Generation, Message
from tests.shared.faults import STRANGE_VERSIONS, Fault
from tests.shared.ollama_stand_in import StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, Script
from tests.shared.raw_server import chat, raw_server, reply

PROMPT = (Message("user", "Name a fruit."),)
Serve = Callable[[Any], Any]
Asking = Callable[..., OpenAI]


def script(text: str = "Apple", **settings: Any) -> Script:
    return Script(lambda body: text, **settings)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://h:8080/v1", "http://h:8080"), ("http://h:8080/v1/", "http://h:8080"), ("http://h:8080", "http://h:8080"),
        ("https://h/api/v1", "https://h/api"), ("https://h/api", "https://h/api"), ("https://h/v1beta", "https://h/v1beta"),
    ],
)  # fmt: skip
def test_the_root_of_an_address(url: str, root: str) -> None:
    assert root_of(url) == root


@pytest.mark.parametrize(
    ("name", "full"),
    [("Qwen3", "qwen3:latest"), ("qwen3:8B", "qwen3:8b"), ("hf.co/a/B", "hf.co/a/b:latest"), ("h:5000/a", "h:5000/a:latest")],
)  # fmt: skip
def test_names_are_compared_as_ollama_does(name: str, full: str) -> None:
    assert with_tag(name) == full


# -- the key ------------------------------------------------------------------------------------------------------------


def test_llama_cpp_tells_build_model_template_and_context(serve: Serve, asking: Asking) -> None:
    server = serve(LlamaServer(script(), context=512, parallel=3))
    model = asking(server)
    engine = model.identity()["server"]
    assert (engine["engine"], engine["version"], engine["model_path"]) == (
        "llama.cpp",
        "b0-unknown",
        "models/smol.gguf",
    )
    assert (engine["n_ctx"], engine["bytes"], engine["parameters"]) == (512, 96576768, 134515008)
    assert len(engine["template"]) == 16
    assert model.tells_version
    assert model.slots() == 3


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "b5001-abc"}, {"template": "{{ messages[0]['content'] }}"}, {"context": 1024},
        {"model": "other"},
    ],
)  # fmt: skip
def test_another_llama_cpp_is_another_key(change: dict[str, Any], serve: Serve, asking: Asking) -> None:
    server = serve(LlamaServer(script()))
    before = asking(server).identity()
    for name, value in change.items():
        setattr(server, name, value)
    assert asking(server).identity() != before


@pytest.mark.parametrize("version", ["0.11.0", "0.11.1rc1+cu128", "0.0.0"])
def test_vllm_tells_its_version(version: str, serve: Serve, asking: Asking) -> None:
    server = serve(Vllm(script(), version=version, context=777))
    model = asking(server)
    assert model.identity()["server"] == {"engine": "vLLM", "version": version, "root": "smol", "max_model_len": 777}
    assert model.tells_version


def test_a_service_that_tells_nothing_keeps_its_key(serve: Serve, asking: Asking) -> None:
    model = asking(serve(Hosted(script())))
    assert model.identity() == {
        "component": "openai", "url": model.url, "model": "smol", "extra": {}, "failures": "told apart"
    }  # fmt: skip
    assert not model.tells_version


@pytest.mark.parametrize("version", STRANGE_VERSIONS)
def test_an_ollama_is_known_whatever_its_version_says(version: Any, serve: Serve, asking: Asking) -> None:
    server = serve(StandIn(script(), models=["smol"], version=version))
    model = asking(server, server_context=4096)
    assert model.identity()["server"]["engine"] == "Ollama"
    assert model.identity()["server"].get("version") == (version or None)
    assert model.tells_version is bool(version)


@pytest.mark.parametrize("name", ["smol", "SMOL:latest", "smol:latest"])
def test_an_ollama_tells_the_models_digest(name: str, serve: Serve, asking: Asking) -> None:
    server = serve(StandIn(script(digest="abc123"), models=["smol:latest"]))
    assert asking(server, model=name, server_context=4096).identity()["server"]["digest"] == "abc123"


@pytest.mark.parametrize("body", [b"5", b"[]", b"<html>", b'{"version": 5}', b'{"build": 1}', b"\xff"])
def test_what_has_another_form_tells_nothing(body: bytes, asking: Asking) -> None:
    def answer(server: Any, request: bytes) -> list[bytes]:
        return [reply({"data": []}) if b"/models" in request else reply(body if b"/api/" not in request else b"{}")]

    with raw_server(answer) as server:
        assert "server" not in asking(server.place).identity()


@pytest.mark.parametrize("kind", [LlamaServer, Vllm])
def test_a_server_that_comes_after_its_identity_is_not_asked(kind: Any, serve: Serve, asking: Asking) -> None:
    """Its answers would stand under the key of a server that tells nothing."""
    server = serve(kind(script()))
    server.refuse()
    model = asking(server)
    assert "server" not in model.identity()
    assert not model.tells_version
    server.come_back()
    with pytest.raises(
        ModelError, match=r"did not answer when the run began, and now does.*run the same command again"
    ):
        model.generate([PROMPT], Generation(), [0])
    assert server.bodies() == []
    assert asking(server).identity()["server"]["engine"] in ("llama.cpp", "vLLM")


def test_what_a_service_answered_is_served_while_it_is_gone(serve: Serve, asking: Asking) -> None:
    server = serve(Hosted(script()))
    before = asking(server).identity()
    server.refuse()
    model = asking(server)
    assert model.identity() == before
    server.come_back()
    assert model.generate([PROMPT], Generation(), [0])[0].text == "Apple"


def test_a_server_that_still_loads_has_no_identity_yet(serve: Serve, asking: Asking) -> None:
    """It would be a server that tells nothing, whose answers have another key."""
    server = serve(LlamaServer(script()))
    server.faults = [Fault(status=503, at="/props")]
    model = asking(server)
    with pytest.raises(ModelError, match="HTTP 503"):
        model.identity()
    assert model.identity()["server"]["version"] == "b0-unknown"


@pytest.mark.parametrize("path", ["/props", "/apply-template"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_connection_that_was_closed_is_no_answer(path: str, count: int, serve: Serve, asking: Asking) -> None:
    """Else the server would tell nothing, under another key, and the reply would have no rendering."""
    server = serve(LlamaServer(script()))
    server.faults = [Fault(hangs_up=True, at=path)] * count
    model = asking(server)
    assert model.identity()["server"]["version"] == "b0-unknown"
    assert model.generate([PROMPT], Generation(), [0])[0].rendered


# -- in the middle of a run ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "change", "says"),
    [
        (LlamaServer(script()), {"fingerprint": "b5001"}, "version: b0-unknown → b5001"),
        (LlamaServer(script()), {"template": "{{ 1 }}"}, "template: "),
        (Vllm(script()), {"version": "0.12.0"}, "version: 0.11.0 → 0.12.0"),
        (Vllm(script()), {"context": 64}, "max_model_len: 2048 → 64"),
        (StandIn(script(), models=["smol"], version="0.24.0"), {"version": "0.33.0"}, "version: 0.24.0 → 0.33.0"),
        (StandIn(script(), models=["smol"], version="0.33.0"), {"version": None}, "version: 0.33.0 → not told"),
    ],
)
def test_a_server_that_changes_stops_the_run(
    server: Any, change: dict[str, Any], says: str, serve: Serve, asking: Asking
) -> None:
    model = asking(serve(server), server_context=2048 if isinstance(server, StandIn) else None)
    model.identity()
    model.still_the_same()
    for name, value in change.items():
        setattr(server, name, value)
    with pytest.raises(ModelError, match=r"^the server at [^\n]* changed during the run") as caught:
        model.still_the_same()
    assert says in str(caught.value)


def test_a_server_that_is_gone_is_no_other_one(serve: Serve, asking: Asking) -> None:
    server = serve(LlamaServer(script()))
    model = asking(server)
    model.identity()
    server.refuse()
    model.still_the_same()
    server.come_back()
    model.still_the_same()


def told(fingerprint: Any, model: str = "m") -> bytes:
    return reply(chat(system_fingerprint=fingerprint, model=model))


def test_a_fingerprint_of_llama_cpp_that_changes_makes_no_answer(asking: Asking) -> None:
    props = {"build_info": "b1", "default_generation_settings": {"n_ctx": 2048}}
    prints = ["b1", "b1", "b2", "b1"]

    def answer(server: Any, request: bytes) -> list[bytes]:
        if request.startswith(b"POST /v1/chat"):
            return [told(prints.pop(0))]
        return [reply(props if request.startswith(b"GET /props") else {}, 200 if b"/props" in request else 404)]

    with raw_server(answer) as server:
        model = asking(server.place, workers=1)
        completions = model.generate([PROMPT] * 2, Generation(), [0, 1])
        assert [completion.finish for completion in completions] == ["stop", "stop"]
        assert completions[0].serving is not None
        assert completions[0].serving.fingerprint == "b1"
        with pytest.raises(ModelError, match="fingerprint: b1 → b2"):
            model.generate([PROMPT] * 2, Generation(), [0, 1])


def test_a_fingerprint_of_a_service_that_changes_is_said_once(asking: Asking, caplog: pytest.LogCaptureFixture) -> None:
    prints = ["fp_1", "fp_2", "fp_1", "fp_2", None, "fp_3"]
    kept = list(prints)

    def answer(server: Any, request: bytes) -> list[bytes]:
        return [told(prints.pop(0)) if request.startswith(b"POST") else reply({}, 404)]

    with raw_server(answer) as server:
        model = asking(server.place, workers=1)
        completions = model.generate([PROMPT] * 6, Generation(), list(range(6)))
        model.still_the_same()
    assert [completion.serving.fingerprint for completion in completions if completion.serving] == kept
    assert [record.message.rpartition("replies ")[2] for record in caplog.records] == [
        "changed from fp_1 to fp_2",
        "changed from fp_1 to fp_3",
    ]


def test_the_version_is_asked_for_once(serve: Serve, asking: Asking) -> None:
    server = serve(LlamaServer(script()))
    model = asking(server)
    assert json.dumps(model.identity()) == json.dumps(model.identity())
    assert [path for path, _ in server.asked].count("/props") == 1


# -- the real server ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_llama_cpps_own_server_is_asked_as_it_is(llama_server: Any, asking: Asking) -> None:
    model = asking(llama_server.place)
    model.check()
    engine = model.identity()["server"]
    assert (engine["engine"], engine["n_ctx"], model.slots()) == ("llama.cpp", 2048, 2)
    prompt = (Message("system", "Answer in one word."), Message("user", "Name a fruit."))
    first, again = (model.generate([prompt], Generation(max_tokens=8), [0])[0] for _ in range(2))
    assert (first.text, first.tokens_in, first.finish) == (again.text, again.tokens_in, "length")
    assert "Answer in one word." in str(first.rendered)
    assert first.serving is not None
    assert again.serving is not None
    assert again.serving.fingerprint == engine["version"]
    assert 0 <= int(again.serving.cached_tokens or 0) < again.tokens_in  # either slot may have answered
    assert 0 < float(again.serving.compute_seconds or 0) <= float(again.serving.wall_seconds or 0) + 0.05
    (long,) = model.generate([(Message("user", "The weather was fine. " * 600),)], Generation(max_tokens=8), [0])
    assert "exceeds the available context size (2048 tokens)" in str(long.error)
    assert "does not score" in str(model.scoring_mistake())
    model.still_the_same()
