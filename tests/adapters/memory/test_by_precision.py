"""`harness plan MODEL`: the table of memory by precision, from the estimators that the plan of a suite uses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.memory.by_precision import model_needs
from adapters.memory.estimate import training_memory
from adapters.methods.full import Full
from adapters.methods.lora import Lora
from adapters.methods.qlora import Qlora
from adapters.training.settings import Recipe
from harness.cli import app
from harness.cli.model_plan import names_model
from harness.models.huggingface import HuggingFace

PARAMETERS, LINEAR = 102720, 2 * 30720  # by hand: test_estimate.py
REST = 4 * (PARAMETERS - LINEAR)  # embeddings, output layer and norms, which a CPU without bfloat16 holds in float32


def test_a_row_for_each_precision(base: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    needs = model_needs(base.path, 100)
    assert (needs.name, needs.parameters, needs.tokens) == ("Llama", PARAMETERS, 100)
    assert [(row.precision, row.weights) for row in needs.rows] == [
        ("float32", 4 * PARAMETERS),
        ("float16, bfloat16", 2 * PARAMETERS),
        ("int8", LINEAR + REST),
        ("4 bit", LINEAR // 2 + LINEAR // 64 * 4 + REST),  # half a byte, and a float32 scale for 64 weights
    ]
    assert all((row.answering or 0) > (row.weights or 0) for row in needs.rows)
    recipes = {name: Recipe(batch_size=1, cutoff=100, precision=name) for name in ("float32", "bfloat16")}
    full, lora = (
        {name: training_memory(base, m, r, 100).total for name, r in recipes.items()} for m in (Full(), Lora())
    )
    qlora = training_memory(base, Qlora(), recipes["float32"], 100).total
    assert [tuple(row.training.values()) for row in needs.rows] == [
        (full["float32"], lora["float32"], None),
        (full["bfloat16"], lora["bfloat16"], None),
        (None, None, None),
        (None, None, qlora),
    ]


def test_no_more_tokens_than_the_model_reads(base: HuggingFace) -> None:
    assert model_needs(base.path, 10**6).tokens == 256


def test_the_command_names_what_there_is(base: HuggingFace) -> None:
    result = CliRunner().invoke(app, ["plan", base.path, "--tokens", "64"])
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert [line.split("│")[1].strip() for line in lines if line.startswith("│")] == [
        "float32", "float16, bfloat16", "int8", "4 bit",
    ]  # fmt: skip
    assert any(line.startswith("102,720 parameters. This machine has ") for line in lines)


@pytest.mark.parametrize(
    ("text", "is_model"),
    [
        ("suite.yaml", False), ("suites/quickstart/suite.yml", False), ("nothing", False), ("folder", False),
        ("model", True), ("file.txt", False), ("weights.gguf", True), ("away/weights.GGUF", True),
        ("Qwen/Qwen3-0.6B", True), ("pypi:x", True), ("modelscope:a/b", True), ("", False),
    ],
)  # fmt: skip
def test_what_names_a_model(text: str, is_model: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "file.txt").write_text("")
    assert names_model(text) is is_model


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model", "cannot be loaded: "),  # a configuration of no known architecture
        ("model/config.json", "a suite is a mapping with models, tasks and variants"),
        ("broken.gguf", "transformers cannot read this GGUF: "),
        ("away.gguf", "does not exist"),
        ("folder", "is a folder without suite.yaml; name a suite file"),
    ],
)
def test_what_is_neither_is_one_line(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("[]" if "/" in name else "{}")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF, no weights at all, but long enough to have a header")
    result = CliRunner().invoke(app, ["plan", str(tmp_path / name)])
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.strip()]
    assert line.startswith("error: ")
    assert message in line
