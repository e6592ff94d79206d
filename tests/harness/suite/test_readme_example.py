"""The suite of the README can be followed: its file, its prompt and its data fit together."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checks.prompt_mismatch import prompt_mismatches
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from tests.shared.paths import ROOT


@pytest.fixture
def example(write_suite: Callable[..., Path]) -> Path:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    suite, prompt = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("yaml", "jinja"))
    assert suite is not None
    assert prompt is not None
    return write_suite(suite[1], norm__j2=prompt[1])


def test_the_file_has_no_mistakes(example: Path) -> None:
    suite = load_suite(example)
    assert suite.prompts["norm.j2"].startswith("手术原始词：{{ input }}")


def test_it_fits_the_data_that_it_names(example: Path, shared_data: Path) -> None:
    suite = load_suite(example)
    task = prepare(suite)["norm"]
    assert (len(task.data.test), len(task.data.train), task.language) == (1000, 4000, "zh")
    assert task.prompt(task.data.test[0])[-1].content == (
        "手术原始词：右侧甲状腺叶切除术\n对应的ICD-9-CM-3标准词（多个用##连接）："
    )
    assert not prompt_mismatches(suite, {"norm": task})
