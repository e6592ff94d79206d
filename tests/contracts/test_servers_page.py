"""Every suite of docs/servers.md can be copied: it is read, and checked with a server of its kind and rows of its form."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from harness.components.display import Display
from harness.errors import SuiteError
from harness.runtime.cache import Cache
from harness.runtime.dry_context import DryContext
from harness.stages.plan import plan
from harness.stages.prepare import check, prepare
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from tests.shared.light import answer
from tests.shared.ollama_stand_in import Script, ServedModel, StandIn, serving
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted
from tests.shared.paths import ROOT

PAGE = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
SUITES = dict(re.findall(r"```yaml\n# (\S+)\.yaml\n(.*?)```", PAGE, re.DOTALL))
PULLED = ("qwen2.5:1.5b", "qwen2.5:3b", "qwen2.5:7b", "qwen2.5:14b", "gemma3:12b", "my-finetune:latest")
ROWS = {
    "questions": {"input": "Which organ makes insulin?", "target": "pancreas"},
    "reports": {"input": "a cough", "target": json.dumps({"diagnosis": "cold", "plan": "rest"})},
    "exam": {
        "input": "Which is a vein?", "A": "aorta", "B": "vena cava", "C": "carotis", "D": "bronchus", "target": "B"
    },
}  # fmt: skip


@pytest.fixture
def place_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """A server for each address of the page: what stands there by its port."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    script = Script(answer)
    with ExitStack() as running:
        embedding = ServedModel(name="nomic-embed-text:latest", engine=script, capabilities=("embedding",))
        ollama = running.enter_context(serving(StandIn(script, models=[*PULLED, embedding])))
        others = {
            "127.0.0.1:8080": LlamaServer(script, model="local", context=8192),
            "127.0.0.1:8000": Vllm(script, model="Qwen/Qwen2.5-7B-Instruct", context=8192),
            "127.0.0.1:8001": LlamaServer(script, model="BAAI/bge-m3", embeds=True),
            "127.0.0.1:30000": Hosted(script, model="Qwen/Qwen3-8B", context=16384),
            "api.openai.com": Hosted(script, model="gpt-4o-mini", context=128000),
        }
        places = {host: running.enter_context(serving(server)).place for host, server in others.items()}
        places["127.0.0.1:11434"] = ollama.place
        monkeypatch.setenv("OLLAMA_HOST", ollama.place)
        yield lambda text: re.sub(r"https?://([\w.]+(?::\d+)?)", lambda match: places[match[1]], text)


@pytest.fixture
def copied(tmp_path: Path, place_of: Callable[[str], str]) -> Iterator[Callable[[str], Suite]]:
    """A suite of the page, copied into a folder with rows for it."""
    suites: list[Suite] = []

    def copy(name: str) -> Suite:
        for stem, row in ROWS.items():
            for file, count in ((stem, 4), (f"{stem}-train", 6)):
                rows = [{**row, "input": f"{row['input']} ({file} {i})"} for i in range(count)]
                (tmp_path / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (tmp_path / "handbook").mkdir()
        (tmp_path / "handbook" / "organs.md").write_text(
            "# Organs\n\nThe pancreas makes insulin.\n\nThe heart beats.\n"
        )
        path = tmp_path / f"{name}.yaml"
        path.write_text(place_of(SUITES[name]), encoding="utf-8")
        suites.append(load_suite(path))
        return suites[-1]

    yield copy
    for suite in suites:
        for model in suite.models.values():
            model.close()


def test_the_page_has_a_suite_for_each_server() -> None:
    assert list(SUITES) == [
        "ollama", "laptop", "two-models", "own-model", "llama-cpp", "vllm", "sglang", "hosted", "ollama-v1"
    ]  # fmt: skip


@pytest.mark.parametrize("name", SUITES)
def test_a_copied_suite_has_no_mistakes(name: str, copied: Callable[[str], Suite], tmp_path: Path) -> None:
    """By `check`, by what a run asks its servers before it begins, and by `plan`."""
    suite = copied(name)
    check(suite)
    prepare(suite, list(suite.models))
    with closing(Cache(tmp_path / "calls.sqlite")) as cache:
        assert plan(suite, DryContext(suite.models, cache, Display(), suite.seed)).cells


@pytest.mark.parametrize("name", SUITES)
def test_a_copied_suite_needs_no_model_in_this_process(name: str, copied: Callable[[str], Suite]) -> None:
    suite = copied(name)
    assert not [model for model in suite.models.values() if model.local or type(model).imports]


def test_ollama_through_v1_is_refused_without_its_context(
    copied: Callable[[str], Suite], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SUITES, "ollama-v1", SUITES["ollama-v1"].replace(", server_context: 4096", ""))
    suite = copied("ollama-v1")
    with pytest.raises(SuiteError, match="ollama:"):
        prepare(suite, list(suite.models))
