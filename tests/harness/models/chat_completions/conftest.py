"""Servers for the tests here; see tests/shared/served_fixtures.py."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.models.openai import OpenAI
from tests.shared.http_stand_in import HttpStandIn
from tests.shared.ollama_fixtures import stand_in as stand_in
from tests.shared.served_fixtures import llama_server as llama_server
from tests.shared.served_fixtures import serve as serve

Asking = Callable[..., OpenAI]


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Makes a model at a server; its connections are closed at the end."""
    models: list[OpenAI] = []

    def make(server: HttpStandIn | str, model: str = "smol", **settings: Any) -> OpenAI:
        place = server if isinstance(server, str) else server.place
        settings = {"url": f"{place}/v1", "pause": 0, "retries": 0, "patience": 0, **settings}
        models.append(OpenAI(model=model, **settings))
        return models[-1]

    yield make
    for model in models:
        model.close()
