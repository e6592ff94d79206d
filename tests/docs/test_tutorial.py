"""The tutorial can be followed: its files are written, its commands run, and it ends in the decision that it tells of."""

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from tests.shared.commands import run_command
from tests.shared.paths import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
ADDED = ", at its end"
SUITE = "suite.yaml"


Command = Callable[..., "subprocess.CompletedProcess[str]"]


def follow(folder: Path, change: Callable[[str], str] = str, command: Command = run_command) -> list[str]:
    """Do what the page says, in its order, in a folder; the suite is changed before it is written. What was printed."""
    printed: list[str] = []
    for language, title, text in BLOCK.findall(PAGE):
        name = title.removesuffix(ADDED)
        if title.endswith(ADDED):
            (folder / name).write_text((folder / name).read_text(encoding="utf-8") + text, encoding="utf-8")
        elif title:
            (folder / name).write_text(change(text) if name == SUITE else text, encoding="utf-8")
        elif language == "sh":
            printed += [perform(shlex.split(line), folder, command) for line in text.splitlines()]
    return printed


def perform(words: list[str], folder: Path, command: Command) -> str:
    """One command line of the page. Fails where it does."""
    if words[0] == "python":
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            runpy.run_path(words[1])
        return ""
    assert words[0] == "harness", words
    done = command(*words[1:], cwd=folder)
    assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_unhurried(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """The command in an interpreter of its own: a real model takes longer than other tests may."""
    program = [sys.executable, "-c", "from harness.cli import main; main()", *arguments]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        program, cwd=cwd, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )


def with_scripted_models(text: str) -> str:
    """The suite with models that copy the last example's answer, instead of weights."""
    suite = yaml.safe_load(text)
    suite["models"] = {name: {"scripted": {"echo": "last_example"}} for name in suite["models"]}
    return yaml.safe_dump(suite, sort_keys=False, allow_unicode=True)


def figures(folder: Path) -> Mapping[str, float]:
    """The accuracy of each variant in the only run."""
    (summary,) = folder.glob("runs/tickets/*/summary.json")
    results = json.loads(summary.read_text(encoding="utf-8"))["results"]
    return {result["variant"]: result["mean"] for result in results if result["metric"] == "accuracy"}


def test_the_tutorial_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted model copies the nearest row's answer, which is right for half of the tickets: all but one thing of
    each queue stands in the train rows, the problem tells nothing, and the floor says the same."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    _, check, describe, plan, *_ = follow(tmp_path, with_scripted_models)
    assert "no mistakes" in check
    assert "train 144, test 48" in describe
    assert "20.6" in plan
    assert "20.6" in PAGE
    assert figures(tmp_path)["few-shot"] == figures(tmp_path)["nearest-row"] == 0.5
    assert (tmp_path / "baseline" / "tickets").is_dir()
    assert (tmp_path / "tickets-tables" / "items.csv").is_file()


@pytest.mark.nightly
@pytest.mark.slow
def test_the_tutorial_ends_in_the_decision_that_it_tells_of(tmp_path: Path) -> None:
    follow(tmp_path, command=run_unhurried)
    told = dict(re.findall(r"^\| ([\w-]+)(?: \(floor\))? \| ([\d.]+) % \|", PAGE, re.MULTILINE))
    measured = {variant: f"{100 * mean:.1f}" for variant, mean in figures(tmp_path).items()}
    assert set(told) == set(measured)
    assert (
        max(told, key=lambda name: float(told[name])) == max(measured, key=lambda name: float(measured[name])) == "rag"
    )
    assert all(abs(float(told[name]) - float(measured[name])) < 15 for name in told), measured
