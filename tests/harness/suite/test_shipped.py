"""Suites by folder and by name, what they lack, and a copy to change."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite.needs import read_needs
from harness.suite.shipped import shipped_suites, suite_file
from tests.shared.commands import run_command
from tests.shared.paths import ROOT

QUICKSTART = ROOT / "suites" / "quickstart" / "suite.yaml"
SUITE = """\
models: {robot: {scripted: {default: 甲}}}
tasks:
  norm:
    data: {tsv: {path: "${DATA}/terms/val.tsv", train: "${DATA}/terms/train.tsv", input: 词, target: 名}}
    prompt: "{{ input }}"
    metrics: {accuracy: exact_match}
variants: {plain: {prompting: {model: robot}}}
"""
NEEDS = """\
question: Which name?
data:
  terms: {name: Terms, files: [val.tsv, [train.tsv, train.xlsx]], source: "https://example.org/terms", licence: research only}
runs: {suite.yaml: {hardware: any, memory_gb: 1, minutes: 1}}
"""
GET = "; get Terms from https://example.org/terms (licence: research only) and put it into terms/ below the folder that the variable DATA names "
Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("quickstart", QUICKSTART),
        ("suites/quickstart", QUICKSTART),
        ("suites/quickstart/suite.yaml", QUICKSTART),
        ("quickstart/needs.yaml", QUICKSTART.with_name("needs.yaml")),
        ("mine", Path("mine/suite.yaml")),  # a folder here
        ("reading", Path("reading/suite.yaml")),  # goes before what ships
        ("empty", Path("empty")),
        ("quickstart/away.yaml", Path("quickstart/away.yaml")),
        ("unknown", Path("unknown")),
        ("/quickstart", Path("/quickstart")),
    ],
)
def test_which_file_is_meant(written: str, expected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mine", "reading", "empty"):
        (tmp_path / name).mkdir()
    for name in ("mine", "reading"):
        (tmp_path / name / "suite.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert suite_file(Path(written)) == expected


def test_missing_data_is_one_line(write_suite: Write, tmp_path: Path) -> None:
    suite = write_suite(SUITE, needs__yaml=NEEDS)
    place = tmp_path / "data" / "terms"
    result = run_command("check", str(suite.parent), cwd=tmp_path, DATA="")
    unset = f"(DATA is not set, so it is {tmp_path / 'data'})"
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"error: suite.yaml:4: {place / 'val.tsv'}: not there, and 1 more file{GET}{unset}\n"
    place.mkdir(parents=True)
    (place / "val.tsv").write_text("词\t名\na\t甲\n", encoding="utf-8")
    result = run_command("plan", str(suite.parent), cwd=tmp_path, DATA=str(tmp_path / "data"))
    assert result.stderr == f"error: suite.yaml:4: {place / 'train.tsv'}: not there{GET}(DATA={tmp_path / 'data'})\n"
    shutil.copy(place / "val.tsv", place / "train.tsv")
    assert run_command("check", str(suite.parent), cwd=tmp_path, DATA="").returncode == 0


def test_files_below_a_folder_that_is_named(write_suite: Write, tmp_path: Path) -> None:
    """A folder that is there may lack what is to be in it."""
    suite = write_suite(
        SUITE.replace("val.tsv", "").replace(', train: "${DATA}/terms/train.tsv"', ""), needs__yaml=NEEDS
    )
    (tmp_path / "data/terms").mkdir(parents=True)
    result = run_command("check", str(suite), cwd=tmp_path, DATA="")
    assert f"{tmp_path}/data/terms/val.tsv: not there, and 1 more file; get Terms" in result.stderr


def test_the_list_says_what_is_here(tmp_path: Path) -> None:
    result = run_command("suites", cwd=tmp_path, DATA="")
    assert result.returncode == 0
    assert [line.partition(":")[0] for line in result.stdout.splitlines() if line and line[0] != " "][:-1] == list(
        shipped_suites()
    )
    assert "CMRC 2018 (licence: CC BY-SA 4.0): not here: cmrc2018/squad-style-data/cmrc2018_trial.json" in result.stdout


def test_a_copy_to_change(tmp_path: Path) -> None:
    result = run_command("suites", "copy", "quickstart", cwd=tmp_path)
    assert result.stdout == "quickstart/suite.yaml\n\nNext: harness check quickstart\n"
    assert (tmp_path / "quickstart/suite.yaml").read_bytes() == QUICKSTART.read_bytes()
    again = run_command("suites", "copy", "quickstart", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (
        2,
        "error: quickstart: is there already; name a new folder with --out\n",
    )
    unknown = run_command("suites", "copy", "quikstart", cwd=tmp_path)
    assert unknown.stderr == "error: quikstart: no suite of this name ships (did you mean quickstart?)\n"


@pytest.mark.parametrize(
    ("before", "behind", "message"),
    [
        ("question: Which name?\n", "", "needs.yaml:1: question: Field required"),
        ("memory_gb: 1", "memory_gb: -1", "needs.yaml:4: runs.suite.yaml.memory_gb: Input should be greater than 0"),
        ("licence: research only", "license: x", "needs.yaml:3: data.terms.licence: Field required"),
    ],
)
def test_mistakes_of_needs_are_lines(before: str, behind: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "needs.yaml").write_text(NEEDS.replace(before, behind), encoding="utf-8")
    with pytest.raises(SuiteError) as error:
        read_needs(tmp_path)
    assert message in error.value.lines


def test_the_wheel_holds_the_suites() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"suites" = "harness/shipped"' in text
