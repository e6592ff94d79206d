"""harness gate as a user calls it: exit status, files, and what it refuses, on the folders of a scripted suite."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.shared.commands import run_command

SUITE = """\
name: nights
seed: 3
models: {robot: {scripted: {default: yes it is}}}
tasks: {t: {data: {tsv: {path: data.tsv, input: q, target: a}}, metrics: {accuracy: exact_match}}}
variants: {plain: {prompting: {model: robot}}}
latency: {items: 0}
"""
LINES = 60
Edit = Callable[[int, dict[str, object]], None]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run, all right, and the baseline made of it."""
    folder = tmp_path_factory.mktemp("nights")
    (folder / "suite.yaml").write_text(SUITE.replace("yes it is", '"yes it is"'))
    rows = [f"question {i}\tyes it is" for i in range(LINES)]
    (folder / "data.tsv").write_text("\n".join(["q\ta", *rows]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(folder / "cache"))
        for arguments in (("run", "suite.yaml", "--out", "good"), ("baseline", "accept", "good", "--into", "base")):
            done = run_command(*arguments, cwd=folder)
            assert done.returncode == 0, done.stderr
        yield folder


def night(place: Path, name: str, edit: Edit) -> str:
    """A further run whose scores are edited, with the figures that follow."""
    shutil.copytree(place / "good", place / name)
    file = place / name / "scores.jsonl"
    scores = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for i, score in enumerate(scores):
        edit(i, score)
    file.write_text("".join(json.dumps(score) + "\n" for score in scores), encoding="utf-8")
    done = run_command("run", "suite.yaml", "--from", "summarize", "--out", name, cwd=place)
    assert done.returncode in (0, 1), done.stderr  # 1 where a cell has no value at all
    return name


def test_a_regression_is_red_and_leaves_its_files(place: Path) -> None:
    def lose(i: int, score: dict[str, object]) -> None:
        score["value"] = 0.0 if i % LINES < 20 else score["value"]

    bad = night(place, "bad", lose)
    files = ("--markdown", "s.md", "--junit", "j.xml", "--json", "g.json")
    done = run_command("gate", bad, "--baseline", "base", *files, cwd=place, COLUMNS="40")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("BLOCK: nights")
    assert max(map(len, done.stdout.splitlines())) <= 40
    assert "**BLOCK** | t.accuracy | plain | 1 | 0.6667" in (place / "s.md").read_text(encoding="utf-8")
    assert ET.parse(place / "j.xml").find("testsuite/testcase/failure") is not None
    assert json.loads((place / "g.json").read_text(encoding="utf-8"))["exit_code"] == 1


def test_the_same_answers_pass_by_both_rules_and_an_earlier_run_is_a_baseline_too(place: Path) -> None:
    (place / "seq.yaml").write_text("rule: sequential\n")
    for arguments in (("base",), ("base", "--policy", "seq.yaml"), ("good",)):
        done = run_command("gate", "good", "--baseline", *arguments, cwd=place)
        assert (done.returncode, done.stdout.split(":")[0]) == (0, "PASS"), done.stdout
    assert (place / "base" / "gate-nights.json").is_file()


def test_a_night_in_which_all_failed_is_inconclusive(place: Path) -> None:
    failed = night(place, "failed", lambda i, score: score.update(value=None, error="gone"))
    assert run_command("gate", failed, "--baseline", "base", cwd=place).returncode == 3
    (place / "strict.yaml").write_text("tiers: {normal: {missing: block}}\n")
    assert run_command("gate", failed, "--baseline", "base", "--policy", "strict.yaml", cwd=place).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("good", "--baseline", "nowhere"), "nowhere: no run here"),
        (("nowhere", "--baseline", "base"), "nowhere: no run here"),
        (("good", "--baseline", "base", "--policy", "no.yaml"), "no.yaml: is not there; write a policy with"),
        (("good", "--baseline", "base", "--policy", "typo.yaml"), "typo.yaml:2: gates.0.metric: no metric"),
        (("cut", "--baseline", "base"), "scores.jsonl"),
        (("good",), "--baseline"),
    ],
)
def test_usage_is_two_in_one_line(place: Path, arguments: tuple[str, ...], said: str) -> None:
    (place / "typo.yaml").write_text("gates:\n  - {metric: acuracy}\n")
    if not (place / "cut").exists():
        shutil.copytree(place / "good", place / "cut")
        (place / "cut" / "scores.jsonl").write_bytes((place / "good" / "scores.jsonl").read_bytes()[:-200])
    done = run_command("gate", *arguments, cwd=place)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_example_policy_is_one(place: Path) -> None:
    done = run_command("gate", "--example-policy", cwd=place)
    (place / "gate.yaml").write_text(done.stdout)
    assert run_command("gate", "good", "--baseline", "base", "--policy", "gate.yaml", cwd=place).returncode == 0
