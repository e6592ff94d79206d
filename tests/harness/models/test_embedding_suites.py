"""Suites whose passages a server embeds, from `harness check` to the report, where torch and FAISS cannot be imported."""

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.shared.commands import run_command
from tests.shared.engines import Body, Script
from tests.shared.faults import Fault
from tests.shared.light import HEAVY
from tests.shared.ollama_stand_in import ServedModel, StandIn, serving
from tests.shared.openai_servers import LlamaServer

CAPITALS = {"France": "Paris", "Italy": "Rome", "Norway": "Oslo", "Egypt": "Cairo"}
SUITE = """\
name: served
models:
  small: {{ollama: {{model: chat, host: "{ollama}"}}}}
  vectors: {vectors}
knowledge:
  atlas: {{texts: {{path: atlas.txt, gold: contains}}}}
tasks:
  capitals:
    data: {{jsonl: {{path: test.jsonl}}}}
    prompt: "Name the capital of {{{{ input }}}}."
    metrics: {{accuracy: exact_match}}
variants:
  zero-shot: {{prompting: {{model: small}}}}
  dense: {{rag: {{model: small, knowledge: atlas, k: 1, retriever: {{dense: {{model: vectors}}}}}}}}
"""
OLLAMA = '{{ollama_embedding: {{model: {name}, host: "{ollama}", pause: 0.01, patience: 0.2}}}}'
OPENAI = '{{openai_embedding: {{model: smol, url: "{llama}/v1", pause: 0.01, patience: 0.2}}}}'

Harness = Callable[..., subprocess.CompletedProcess[str]]


def answer(body: Body) -> str:
    """The capital that the passage names, else a wrong one."""
    shown = body["messages"][-1]["content"]
    return next((place for place in CAPITALS.values() if place in shown), "Lima")


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    engine = Script(answer)
    models = [
        ServedModel(name="chat:latest", engine=engine, digest="c4a7"),
        ServedModel(name="bge:latest", engine=engine, capabilities=("embedding",), digest="b9e"),
    ]
    with (
        serving(StandIn(engine, models=models)) as ollama,
        serving(LlamaServer(engine, embeds=True)) as llama,
        serving(LlamaServer(engine, embeds=False)) as chat,
    ):
        yield {"ollama": ollama, "llama": llama, "chat": chat}


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    """The command in this environment, in which torch, FAISS and their kin cannot be imported."""

    return partial(run_command, cwd=tmp_path, missing=HEAVY)


def write(folder: Path, servers: dict[str, Any], vectors: str, name: str = "bge") -> str:
    places = {kind: server.place for kind, server in servers.items()}
    rows = [{"input": country, "target": capital} for country, capital in CAPITALS.items()]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "atlas.txt").write_text("".join(f"{country}: {capital}\n" for country, capital in CAPITALS.items()))
    suite = SUITE.format(vectors=vectors.format(name=name, **places), **places)
    (folder / "suite.yaml").write_text(suite)
    return str(folder / "suite.yaml")


@pytest.mark.parametrize(
    ("vectors", "kind", "path"), [(OLLAMA, "ollama", "/api/embed"), (OPENAI, "llama", "/v1/embeddings")]
)
def test_retrieval_by_a_server_alone(
    harness: Harness, servers: dict[str, Any], tmp_path: Path, vectors: str, kind: str, path: str
) -> None:
    suite = write(tmp_path, servers, vectors)
    for arguments in (["check", suite], ["plan", suite], ["run", suite, "--out", "run"]):
        result = harness(*arguments)
        assert result.returncode == 0, f"{arguments}: {result.stderr or result.stdout}"
    texts = {text for body in servers[kind].bodies(path) for text in body["input"]}
    assert {f"{country}: {capital}" for country, capital in CAPITALS.items()} | set(CAPITALS) <= texts
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [index["passages"] for index in record["indexes"]] == [4]
    rows = [json.loads(line) for line in (tmp_path / "run" / "predictions.jsonl").read_text().splitlines()]
    assert [row["passages"][0]["text"] for row in rows if row["variant"] == "dense"] == [
        f"{country}: {capital}" for country, capital in CAPITALS.items()
    ]
    asked = len(servers[kind].bodies(path))
    assert harness("run", suite, "--out", "again").returncode == 0
    assert len(servers[kind].bodies(path)) <= asked + 1  # nothing but the look before the run


@pytest.mark.parametrize(
    ("vectors", "name", "said"),
    [
        (
            OLLAMA,
            "chat",
            "models.vectors: model chat: it is no embedding model (Ollama says that it can do completion)",
        ),
        (OLLAMA, "missing", "models.vectors: Ollama has no model missing: ollama pull missing"),
        (OPENAI.replace("{llama}", "{chat}"), "", "models.vectors: model smol cannot embed: HTTP 501"),
        (
            OPENAI.replace("{llama}", "{ollama}"),
            "",
            "cuts long texts in silence at this address; write ollama_embedding:",
        ),
    ],
)
def test_a_model_that_cannot_embed_is_refused_by_check(
    harness: Harness, servers: dict[str, Any], tmp_path: Path, vectors: str, name: str, said: str
) -> None:
    suite = write(tmp_path, servers, vectors, name)
    for command in ("check", "run"):
        result = harness(command, suite)
        assert result.returncode == 2, result.stdout
        assert said in result.stderr
        assert "Traceback" not in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(("vectors", "kind"), [(OLLAMA, "ollama"), (OPENAI, "llama")])
def test_a_server_that_is_gone_is_no_mistake_of_the_suite(
    harness: Harness, servers: dict[str, Any], tmp_path: Path, vectors: str, kind: str
) -> None:
    suite = write(tmp_path, servers, vectors)
    servers[kind].refuse()
    assert harness("check", suite).returncode == 0
    result = harness("run", suite)
    assert result.returncode == 2
    assert "does not answer" in result.stderr


def test_a_passage_that_is_too_long_stops_the_run_by_its_name(
    harness: Harness, servers: dict[str, Any], tmp_path: Path
) -> None:
    suite = write(tmp_path, servers, OLLAMA)
    with (tmp_path / "atlas.txt").open("a") as file:
        file.write("Peru: Lima. " * 3000 + "\n")
    result = harness("run", suite)
    assert result.returncode == 2
    assert "error: model bge: a text of" in result.stderr
    assert "is longer than it reads, and is not cut: “Peru: Lima." in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_embedding_server_that_goes_for_good_interrupts_the_run(
    harness: Harness, servers: dict[str, Any], tmp_path: Path
) -> None:
    suite = write(tmp_path, servers, OLLAMA)
    servers["ollama"].faults = [Fault(status=503, at="/api/embed")] * 100
    result = harness("run", suite, "--out", "run")
    assert result.returncode == 1, result.stdout
    assert "no call was taken for 0.2 s" in result.stderr
    assert "the run is interrupted" in result.stderr
    servers["ollama"].faults = []
    assert harness("run", suite, "--out", "run").returncode == 0
