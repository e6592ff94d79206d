"""What `--help` says of the daily commands: every option, with what it does, and an example or the exit status."""

import pytest
from typer.testing import CliRunner

import harness
from harness.cli import app

OPTIONS = {
    "run": ("--limit N", "--only VARIANT", "--task TASK", "--skip-training", "--dry-run", "--lang", "--quiet", "--json",
            "harness run suite.yaml --limit 10 --only base,rag", "Exit status: 0 the run is complete; 1"),
    "plan": ("--limit N", "--only VARIANT", "--task TASK", "--skip-training", "--discordance", "--tokens"),
    "status": ("--follow", "--json", "harness status runs/demo --follow", "Exit status: 0"),
    "doctor": ("--json", "Exit status: 0 runs can be made; 1"),
    "cache": ("--runs DIR", "--json", "verify", "prune", "publish", "harness cache prune --below 20GB --older 90d"),
    "cache verify": ("--repair", "--json", "Exit status: 0"),
    "cache prune": ("--below SIZE", "--older AGE", "--dry-run", "harness cache prune --below 20GB --older 90d"),
    "cache publish": ("HARNESS_SHARED_CACHE=DIR", "harness cache publish /mnt/team/harness-cache"),
    "": ("--version", "--install-completion", "--show-completion", "status", "doctor", "cache"),
}  # fmt: skip


@pytest.mark.parametrize("command", list(OPTIONS))
def test_help_names_every_option(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    text = " ".join(result.output.split())
    assert result.exit_code == 0
    assert [option for option in OPTIONS[command] if option not in text] == []


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"harness {harness.__version__}\n")
