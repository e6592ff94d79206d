"""The examples of jobs, nightly and divided: they parse, and every command in them is one that `harness` has."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
import yaml

from harness.cli import app
from tests.shared.paths import ROOT

FOLDER = ROOT / "examples" / "nightly"
SHARDS = ROOT / "examples" / "shards"
FILES = sorted(file for folder in (FOLDER, SHARDS) for file in folder.iterdir() if file.is_file())
DOCUMENTS = (*FILES, ROOT / "docs" / "nightly.md", ROOT / "docs" / "scale.md")
LINE = re.compile(r"^\s*(?:- )?(?:run: )?(?:\{ )?(?:harness|& \$Harness) ([a-z].*)$", re.MULTILINE)
INLINE = re.compile(r"`harness ([a-z]+ [^`]+)`")  # in the page; without arguments it is only a name
SCHEMAS = {"github-actions.yml": "github-workflows", "gitlab-ci.yml": "gitlab-ci"}


def commands() -> list[tuple[str, str]]:
    """Each command line in the examples and their page, up to where a shell takes something else."""
    lines = []
    for file in DOCUMENTS:
        text = file.read_text(encoding="utf-8")
        written = [*LINE.findall(text), *(INLINE.findall(text) if file.suffix == ".md" else ())]
        lines += [(file.name, re.split(r"\s+(?:\d?>+|\*>+|#|\||&&)", line)[0].strip()) for line in written]
    return lines


def test_commands_are_noticed() -> None:
    assert {name for name, _ in commands()} >= {
        "github-actions.yml",
        "gitlab-ci.yml",
        "nightly.sh",
        "nightly.ps1",
        "nightly.md",
        "slurm.sh",
        "scale.md",
    }
    assert len(commands()) >= 10


@pytest.mark.parametrize(("file", "line"), commands())
def test_every_command_is_one_that_harness_has(file: str, line: str) -> None:
    """Parsed by the real command line, without being carried out: an unknown option, or a value that is none, fails."""
    name, *arguments = shlex.split(line)
    group: Any = typer.main.get_command(app)
    command = group.commands[name]
    if hasattr(command, "commands") and arguments:
        name, *arguments = arguments
        command = command.commands[name]
    with command.make_context(name, arguments):
        pass


@pytest.mark.parametrize("name", SCHEMAS)
def test_ci_files_are_yaml_with_what_a_night_needs(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    job = document["jobs"]["night"] if "jobs" in document else document["nightly"]
    assert "harness nightly" in text
    assert "runs" in str(job)  # kept from night to night
    assert "HARNESS_CACHE" in text
    if name.startswith("github"):
        uses = [step.get("uses", "") for step in job["steps"]]
        assert any(use.startswith("actions/cache/save") for use in uses)
        assert any(use.startswith("actions/upload-artifact") for use in uses)
        assert "GITHUB_STEP_SUMMARY" in text
    else:
        assert job["artifacts"]["reports"]["junit"].endswith("junit.xml")
        assert job["cache"]["when"] == "always"  # a night that blocks keeps what it computed


def test_a_divided_job_asks_every_shard_and_joins_all() -> None:
    document = yaml.safe_load((SHARDS / "github-actions.yml").read_text(encoding="utf-8"))
    jobs = document["jobs"]
    assert jobs["answer"]["strategy"]["matrix"]["shard"] == list(range(1, document["env"]["SHARDS"] + 1))
    assert (jobs["answer"]["needs"], jobs["merge"]["needs"]) == ("train", "answer")
    steps = "\n".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    assert '--shard "${{ matrix.shard }}/$SHARDS"' in steps
    assert "harness merge parts" in steps


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_ci_files_keep_to_the_public_schemas(name: str, schema: str) -> None:
    program = shutil.which("check-jsonschema")
    if program is None:
        pytest.skip("check-jsonschema is not installed")
    checked = subprocess.run(
        [program, "--builtin-schema", f"vendor.{schema}", "--data-transform", "gitlab-ci", str(FOLDER / name)]
        if schema == "gitlab-ci"
        else [program, "--builtin-schema", f"vendor.{schema}", str(FOLDER / name), str(SHARDS / name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("program", "script"),
    [
        *((program, FOLDER / "nightly.sh") for program in (["bash", "-n"], ["sh", "-n"], ["shellcheck"])),
        *((program, SHARDS / "slurm.sh") for program in (["bash", "-n"], ["shellcheck"])),
    ],
)
def test_the_shell_script_is_one(program: list[str], script: Path) -> None:
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed")
    checked = subprocess.run([*program, str(script)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert script.stat().st_mode & 0o111


def test_the_windows_task_runs_the_script_once_at_a_time() -> None:
    namespace = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    task = ElementTree.parse(FOLDER / "windows-task.xml").getroot()
    assert task.tag == f"{{{namespace['t']}}}Task"
    assert task.findtext("t:Settings/t:MultipleInstancesPolicy", namespaces=namespace) == "IgnoreNew"
    arguments = task.findtext("t:Actions/t:Exec/t:Arguments", namespaces=namespace)
    assert arguments is not None
    assert arguments.endswith("nightly.ps1")
    script = (FOLDER / "nightly.ps1").read_text(encoding="utf-8")
    assert script.count("{") == script.count("}")
    assert Path(FOLDER / "nightly.ps1").is_file()
