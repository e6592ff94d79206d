"""The plugin in a pytest of its own: one run a session, kept where it is asked for, and a message that tells why."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

PLUGIN = "harness.testing.plugin"
TESTS = """\
import sys


def test_nothing_heavy_was_imported():
    assert not {"numpy", "pydantic", "pandas", "harness.run"} & {*sys.modules}


def test_it_is_run_once(harness_run):
    assert harness_run(SUITE) is harness_run(SUITE)
    assert harness_run(SUITE).folder.name == NAME
    assert harness_run(RUN).folder.name == "run"


def test_it_fails(harness_run):
    from harness.testing import assert_better

    assert_better(harness_run(RUN), "some", "most", "t.accuracy")
"""


def test_the_fixture_runs_a_suite_once(known_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = known_run.folder.parent
    names = f"SUITE, RUN, NAME = {str(folder / 'suite.yaml')!r}, {str(known_run.folder)!r}, {folder.name!r}\n"
    (tmp_path / "test_it.py").write_text(names + TESTS, encoding="utf-8")
    monkeypatch.setenv("HARNESS_CACHE", str(folder / "cache"))
    is_installed = any(entry.value == PLUGIN for entry in entry_points(group="pytest11"))  # pytest loads it by itself
    plugin = [] if is_installed else ["-p", PLUGIN]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "-p", "no:cacheprovider", "-p", "no:xdist",
               "--rootdir", str(tmp_path), "--harness-out", str(tmp_path / "kept"), str(tmp_path)]  # fmt: skip
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 2 passed" in result.stdout, result.stdout + result.stderr
    assert "AssertionError: some is shown to be worse than most on t.accuracy: 40.0 % against 70.0 %" in result.stdout
    assert (tmp_path / "kept" / folder.name / "report.html").is_file()
