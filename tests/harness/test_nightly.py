"""A suite night after night: the first one, one that is held against a baseline, one that was killed, two at once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from tests.shared.commands import run_command
from tests.shared.paths import ROOT

SUITE = {
    "name": "small",
    "models": {"m": {"scripted": {"rules": [{"match": "1", "reply": "one"}], "default": "?"}}},
    "tasks": {
        "t": {"data": {"tsv": {"path": "t.tsv"}}, "prompt": "{{ input }}", "metrics": {"accuracy": "exact_match"}}
    },
    "variants": {"v": {"prompting": {"model": "m"}}},
    "latency": {"items": 0},
}
NIGHTLY = Path("runs/small/nightly")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "suite.yaml").write_text(json.dumps(SUITE))
    (tmp_path / "t.tsv").write_text("input\ttarget\n" + "1\tone\n2\ttwo\n" * 10)
    return tmp_path


def runs_of(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in (folder / "runs" / "small").glob("*/run.json"))


def test_nights_follow_each_other(folder: Path) -> None:
    first = run_command("nightly", "suite.yaml", cwd=folder)
    assert first.returncode == 0, first.stderr
    (run,) = runs_of(folder)
    assert f"harness baseline accept runs/small/{run} --into baseline/small" in first.stdout
    assert {path.name for path in (folder / NIGHTLY).iterdir()} >= {"summary.md", "trend.html"}
    assert not (folder / NIGHTLY / "gate.json").exists()

    accepted = run_command(
        "baseline", "accept", f"runs/small/{run}", "--into", "baseline/small", "--why", "t", cwd=folder
    )
    assert accepted.returncode == 0, accepted.stderr
    second = run_command("nightly", "suite.yaml", "--keep", "1", cwd=folder)
    assert second.returncode == 0, second.stderr
    assert len(runs_of(folder)) == 2  # the first one is that of the baseline
    assert json.loads((folder / NIGHTLY / "gate.json").read_text())["verdict"] == "PASS"
    assert {"junit.xml", "summary.md", "trend.html"} <= {path.name for path in (folder / NIGHTLY).iterdir()}

    (folder / "baseline").rename(folder / "lost")
    gone = run_command("nightly", "suite.yaml", cwd=folder)
    assert gone.returncode == 2
    assert "held against a baseline, and there is none here now" in gone.stderr
    assert len(runs_of(folder)) == 2  # nothing was paid for


def test_a_night_that_was_cut_short_is_gone_on_with(folder: Path) -> None:
    assert run_command("nightly", "suite.yaml", cwd=folder).returncode == 0
    (run,) = runs_of(folder)
    state = folder / NIGHTLY / ".night.json"
    state.write_text(json.dumps({"run": run}))  # as it is between the run and its verdict
    again = run_command("nightly", "suite.yaml", cwd=folder)
    assert "went on with its verdict" in again.stdout
    assert runs_of(folder) == [run]

    record = folder / "runs" / "small" / run / "run.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "status": "predicted"}))
    state.write_text(json.dumps({"run": run}))
    again = run_command("nightly", "suite.yaml", cwd=folder)
    assert "went on with its run" in again.stdout
    assert runs_of(folder) == [run]
    assert json.loads(record.read_text())["status"] == "complete"


def test_what_is_unfit_is_refused_before_the_run(folder: Path) -> None:
    (folder / "gate.yaml").write_text("max_dorp: 1\n")
    refused = run_command("nightly", "suite.yaml", "--policy", "gate.yaml", cwd=folder)
    assert refused.returncode == 2
    assert "gate.yaml:1" in refused.stderr
    assert runs_of(folder) == []
    with FileLock(folder / NIGHTLY / ".lock"):
        twice = run_command("nightly", "suite.yaml", cwd=folder)
    assert twice.returncode == 2
    assert "another `harness nightly` of this suite is at work" in twice.stderr
    assert len(twice.stderr.splitlines()) == 1


@pytest.mark.nightly
@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.2, 0.5])
def test_killed_at_any_moment_the_same_command_goes_on(folder: Path, seconds: float) -> None:
    """Killed some time after it began to write; the next command ends with one finished run, or a second one."""
    program = "from harness.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    night = subprocess.Popen(
        [sys.executable, "-c", program, "nightly", "suite.yaml"], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    while not (folder / NIGHTLY / ".night.json").exists():
        time.sleep(0.01)
        assert night.poll() is None
    time.sleep(seconds)
    night.send_signal(signal.SIGKILL)
    night.wait()
    again = run_command("nightly", "suite.yaml", cwd=folder)
    assert again.returncode == 0, again.stderr
    runs = runs_of(folder)
    assert 1 <= len(runs) <= 2
    records = [json.loads((folder / "runs" / "small" / run / "run.json").read_text()) for run in runs]
    assert [record["status"] for record in records] == ["complete"] * len(runs)
    assert (folder / NIGHTLY / "summary.md").is_file()
