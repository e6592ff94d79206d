"""Vectors of a real model: through Ollama's and llama.cpp's own protocol the same ranking as NumPy gives.

With OLLAMA_HOST set, OLLAMA_EMBEDDING_MODEL names the embedding model of the Ollama there.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from baselines.retrievers.dense import Dense
from harness.components.display import Display
from harness.components.model import Model
from harness.errors import ModelError
from harness.models.ollama_embedding import OllamaEmbedding
from harness.models.openai_embedding import OpenAIEmbedding
from harness.records.inputs import Passage
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from tests.shared.llama_cpp import LlamaCpp, started
from tests.shared.ollama_fixtures import HOST
from tests.shared.ollama_stand_in import ServedModel, StandIn, serving

pytestmark = pytest.mark.slow

PASSAGES = ["liver surgery", "heart attack", "a broken leg", "阑尾炎", "stomach ulcer", "Appendizitis", "eye drops"]
QUERIES = ["myocardial infarction", "阑尾切除术", "fracture of the tibia"]


@pytest.fixture(scope="module")
def llama_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """llama.cpp's own server, which embeds."""
    xllamacpp = pytest.importorskip("xllamacpp")
    engine: LlamaCpp = request.getfixturevalue("_smollm2")
    mean = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = started(engine._gguf, 512, embedding=True, pooling_type=mean, n_ubatch=512)
    yield server.listening_address
    del server


@pytest.fixture
def ollama(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaEmbedding]:
    if HOST:
        name = os.environ.get("OLLAMA_EMBEDDING_MODEL") or pytest.skip("OLLAMA_EMBEDDING_MODEL names no model there")
        yield OllamaEmbedding(model=name, host=HOST)
        return
    engine = request.getfixturevalue("_smollm2")
    models = [ServedModel(name="smollm2-embed:latest", engine=engine, capabilities=("embedding",))]
    with serving(StandIn(engine, models=models)) as server:
        model = OllamaEmbedding(model="smollm2-embed", host=server.place, batch_size=3)
        yield model
        model.close()


def ranking(model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch, has_faiss: bool) -> list[list[int]]:
    """The places of the passages for each query, best first, through the whole path."""
    if not has_faiss:
        monkeypatch.setitem(sys.modules, "faiss", None)
    context = Context({"m": model}, Cache(folder / "calls.sqlite"), Display(), 42)
    passages = [Passage(id=str(i), text=text) for i, text in enumerate(PASSAGES)]
    found = Dense(model="m").index(passages, context).search(QUERIES, len(PASSAGES))
    context.vectors.close()
    context.cache.close()
    return [[place for place, _ in hits] for hits in found]


def cosines(vectors: Sequence[Sequence[float]]) -> Any:
    matrix = np.array(vectors, dtype=np.float64)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix[len(PASSAGES) :] @ matrix[: len(PASSAGES)].T


@pytest.mark.parametrize("has_faiss", [True, False])
def test_ollama_ranks_as_numpy(
    ollama: OllamaEmbedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_faiss: bool
) -> None:
    ollama.check()
    body = {"model": ollama.model, "input": [*PASSAGES, *QUERIES], "truncate": False}
    reply = httpx.post(f"{ollama.host}/api/embed", json=body, timeout=120).json()
    scores = cosines(reply["embeddings"])
    assert ranking(ollama, tmp_path, monkeypatch, has_faiss) == np.argsort(-scores, axis=1, kind="stable").tolist()


@pytest.mark.parametrize("has_faiss", [True, False])
def test_llama_cpp_ranks_as_numpy(
    llama_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_faiss: bool
) -> None:
    model = OpenAIEmbedding(model="smol", url=f"{llama_server}/v1", batch_size=4)
    model.check()
    assert model.identity()["server"]["engine"] == "llama.cpp"  # type: ignore[index, call-overload]
    reply = httpx.post(f"{llama_server}/v1/embeddings", json={"input": [*PASSAGES, *QUERIES]}, timeout=120).json()
    scores = cosines([entry["embedding"] for entry in reply["data"]])
    assert ranking(model, tmp_path, monkeypatch, has_faiss) == np.argsort(-scores, axis=1, kind="stable").tolist()
    model.close()


@pytest.mark.parametrize("words", [600, 5000])
def test_a_text_that_is_too_long_for_llama_cpp_is_named(llama_server: str, words: int) -> None:
    model = OpenAIEmbedding(model="smol", url=f"{llama_server}/v1", pause=0)
    with pytest.raises(ModelError, match="is longer than it reads, and is not cut: “fever fever"):
        model.embed([*PASSAGES, "fever " * words, *QUERIES], "passage")
    model.close()


def test_a_text_that_is_too_long_for_ollama_is_named(ollama: OllamaEmbedding) -> None:
    with pytest.raises(ModelError, match="is longer than it reads, and is not cut: “fever fever"):
        ollama.embed([*PASSAGES, "fever " * 9000], "passage")
