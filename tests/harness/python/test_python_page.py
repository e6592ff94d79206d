"""The example of docs/python.md does what the page says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.shared.paths import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def block(mark: str) -> str:
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, mark
    return found[1]


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("clinic.csv", "suite.yaml"):
        (tmp_path / name).write_text(block(f"file: {name}"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block("executed"), "docs/python.md", "exec"), {})
    assert printed.getvalue() == block("printed")
