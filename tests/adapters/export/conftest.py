"""A small suite with models to train, which is handed to other tools."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.suite.parser import load_suite
from tests.shared.training_rows import GENERAL

SUITE = """\
name: letters
models:
  base: {huggingface: {path: "FOLDER", dtype: float32, device: cpu, SETTINGS}}
  MODELS
datasets:
  general: {alpaca: {path: general.json}}
knowledge:
  notes: {texts: {path: notes.txt}}
tasks:
  letters:
    data: {sharegpt: {path: test.json, train: train.json, validation: validation.json}}
    prompt: "问题 {{ input }}?"
    system: "{{ system }}"
    metrics: {accuracy: exact_match}
variants:
  VARIANTS
"""
RECIPE = "batch_size: 4, epochs: 1, learning_rate: 0.03"
Make = Callable[..., Path]


def talk(number: int, history: bool = False, system: str = "Be brief.") -> dict[str, Any]:
    """A conversation of the data set."""
    turns = [("human", f"w{number:02d}"), ("gpt", "AB"[number % 2])]
    before = [("human", "旧 question"), ("gpt", "old answer")] if history else []
    return {"conversations": [{"from": a, "value": b} for a, b in [*before, *turns]], "system": system}


ROWS = [talk(i, history=i % 3 == 0, system="" if i % 4 == 0 else "Be 简短.") for i in range(12)]


@pytest.fixture
def suite(write_suite: Make, make_folder: Callable[..., Path]) -> Callable[..., Any]:
    """Load a suite with the tuned models given, as YAML."""

    def load(
        tuned: dict[str, str], base: Path | None = None, settings: str = "format: chat", recipe: str = RECIPE
    ) -> Any:
        models = "\n  ".join(f"{name}: {{tuned: {{{made}, {recipe}}}}}" for name, made in tuned.items())
        asked = "\n  ".join(f"{name}: {{prompting: {{model: {name}}}}}" for name in ("base", *tuned))
        text = SUITE.replace("FOLDER", str(base or make_folder())).replace("MODELS", models)
        text = text.replace("VARIANTS", asked).replace("SETTINGS", settings)
        return load_suite(
            write_suite(
                text, test__json=json.dumps([talk(90), talk(91)]), train__json=json.dumps(ROWS),
                validation__json=json.dumps([talk(50), talk(51)]), general__json=GENERAL, notes__txt="一 text.\n",
            )
        )  # fmt: skip

    return load
