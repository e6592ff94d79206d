"""Servers of OpenAI's form for tests: any stand-in, and llama.cpp's own server over a real small model."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from harness.models.local.weights import Weights
from tests.shared.http_stand_in import HttpStandIn, serving
from tests.shared.llama_cpp import SMOLLM2, started
from tests.shared.ollama_fixtures import PROXIES
from tests.shared.paths import MODELS

Server = TypeVar("Server", bound=HttpStandIn)
CONTEXT, SLOTS = 2048, 2


@dataclass(frozen=True)
class NativeServer:
    """llama.cpp's own server; its model is `smol`, each slot has 2,048 tokens."""

    place: str
    model: str = "smol"
    context: int = CONTEXT
    slots: int = SLOTS

    @property
    def url(self) -> str:
        return f"{self.place}/v1"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Server], Server]]:
    """Runs a stand-in until the end of the test: `serve(Vllm(Script(answer)))`."""
    for name in (*PROXIES, "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as running:
        yield lambda server: running.enter_context(serving(server))


@pytest.fixture(scope="session")
def llama_server() -> Iterator[NativeServer]:
    """The second real server. It is slow: mark its tests so."""
    pytest.importorskip("xllamacpp", reason="llama.cpp's own server needs xllamacpp: pip install xllamacpp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(MODELS))
        weights = Weights(SMOLLM2).locate()
    server: Any = started(weights, CONTEXT * SLOTS, model_alias={"smol"}, n_parallel=SLOTS, endpoint_slots=True)
    yield NativeServer(server.listening_address)
    del server
