"""Where the tests find an Ollama: the scripted stand-in, the one over a real small model, or a real Ollama.

With OLLAMA_HOST set, tests of a real model ask the Ollama there instead of the stand-in, and of its models
OLLAMA_MODEL, else the first that fits. Scripted tests always use the stand-in.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from ollama import Client

from harness.models.local.weights import Weights
from tests.shared.llama_cpp import SMOLLM2, LlamaCpp
from tests.shared.ollama_stand_in import BARE, Answer, Script, StandIn, full_name, serving
from tests.shared.paths import MODELS
from tests.shared.recorded_models import recorded_models

HOST = os.environ.get("OLLAMA_HOST")
SCRIPTED = {"seconds", "prompt_seconds", "thought", "first", "digest", "width"}  # settings of Script
PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True)
class Place:
    """A model in an Ollama server. `server` is None when it is a real one."""

    host: str
    model: str
    server: StandIn | None


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., StandIn]]:
    """Starts a scripted Ollama; its model is `judge`. Settings are those of Script and of StandIn."""
    for name in (*PROXIES, "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as running:

        def start(answer: Answer, trained: int = 32768, **settings: Any) -> StandIn:
            scripted = {name: settings.pop(name) for name in SCRIPTED & set(settings)}
            return running.enter_context(serving(StandIn(Script(answer, trained, **scripted), **settings)))

        yield start


@pytest.fixture(scope="session")
def _smollm2() -> Iterator[LlamaCpp]:
    """The weights are downloaded once for all tests and loaded once a process."""
    pytest.importorskip("xllamacpp", reason="the real model behind the stand-in needs xllamacpp: pip install xllamacpp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(MODELS))
        weights = Weights(SMOLLM2)
        engine = LlamaCpp(weights.locate(), weights.digest())
    yield engine
    engine.close()


@pytest.fixture
def real_ollama(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """An Ollama with a real model."""
    if HOST:
        yield Place(HOST, model_there(HOST, os.environ.get("OLLAMA_MODEL")), None)
        return
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    engine = request.getfixturevalue("_smollm2")
    with serving(StandIn(engine, models=recorded_models(engine))) as server:
        yield Place(server.place, "smollm2:135m", server)


def model_there(host: str, wanted: str | None = None) -> str:
    """The model to ask at a real Ollama, as it is listed there: the one that is named, else the first that fits.

    A model fits that writes, does not think unasked, and has a template which shows every turn.
    """
    client = Client(host=host)
    try:
        names = [str(entry.model) for entry in client.list().models]
        if wanted:
            matching = [name for name in names if full_name(name) == full_name(wanted)]
            return matching[0] if matching else pytest.fail(f"the Ollama at {host} has no model {wanted}: {names}")
        for name in names:
            shown = client.show(name)
            can, template = set(shown.capabilities or ()), shown.template or ""
            if can & {"completion"} and "thinking" not in can and template.strip() != BARE:
                return name
    finally:
        client.close()
    pytest.skip(f"the Ollama at {host} has no model for these tests: ollama pull qwen2.5:0.5b")
