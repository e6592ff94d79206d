"""Runs of a part of a suite: what they ask, where they lie, how they are marked, and what a whole run takes from them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.errors import HarnessError
from harness.records.run_scopes import RunScope, scope_in
from harness.runtime.run_lookup import run_at
from harness.suite.narrowing import Narrowing, narrowed
from harness.suite.parser import load_suite
from tests.shared.commands import run_command
from tests.shared.paths import ROOT

SUITE = """\
name: parts
seed: 5
models:
  small: {scripted: {rules: [{match: "[02468]$", reply: a}], default: b, batch_size: 1, seconds: %s}}
  large: {scripted: {default: a}}
  judge: {scripted: {default: b}}
tasks:
  t:
    data: {csv: {path: t.csv, input: q, target: a, group: g}}
    prompt: "{{ input }}"
    answer: text
    metrics: {accuracy: exact_match}
  u:
    data: {csv: {path: u.csv, input: q, target: a}}
    prompt: "{{ input }}"
    answer: text
    metrics: {accuracy: exact_match}
variants:
  base: {prompting: {model: large}}
  first: {prompting: {model: small}}
  both: {cascade: {of: [vote, first], confidence: agreement, thresholds: [0.5]}}
  vote: {prompting: {model: judge, samples: 2, temperature: 0.7}}
compare: {reference: base, headline: [t.accuracy, u.accuracy], margin: {t.accuracy: 0.1, u.accuracy: 0.2}}
latency: {items: 0}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Of t, 20 items in pairs that share a group; of u, 6 items."""
    (tmp_path / "suite.yaml").write_text(SUITE % 0, encoding="utf-8")
    rows = [f"q{number},{'ab'[number % 2]},g{number // 2}" for number in range(20)]
    (tmp_path / "t.csv").write_text("q,a,g\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "u.csv").write_text("q,a\n" + "".join(f"u{number},a\n" for number in range(6)), encoding="utf-8")
    return tmp_path / "suite.yaml"


def record_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("wish", "variants", "tasks", "scope"),
    [
        # the reference stays; nothing else is asked
        (Narrowing(only=["first"]), ["base", "first"], ["t", "u"], RunScope(variants=("base", "first"))),
        # the steps of a cascade stay, in the order of the suite
        (Narrowing(only=["both"]), ["base", "first", "both", "vote"], ["t", "u"], RunScope()),
        (Narrowing(only=["base,first"], tasks=["u"]), ["base", "first"], ["u"],
         RunScope(variants=("base", "first"), tasks=("u",))),
        (Narrowing(limit=3, tasks=["u", "t"]), ["base", "first", "both", "vote"], ["t", "u"], RunScope(limit=3)),
    ],
)  # fmt: skip
def test_what_is_kept(wish: Narrowing, variants: list[str], tasks: list[str], scope: RunScope, suite: Path) -> None:
    part = narrowed(load_suite(suite), wish)
    assert (list(part.variants), list(part.tasks), part.scope) == (variants, tasks, scope)
    assert [figure.split(".")[0] for figure in part.compare.headline] == tasks
    assert {figure.split(".")[0] for figure in part.terms.margins} == set(tasks)
    assert ("judge" in part.models) == ("vote" in variants)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Narrowing(only=["frist"]), "--only frist: is not among variants (did you mean first?)"),
        (Narrowing(tasks=["t,v"]), "--task v: is not among tasks (known: t, u)"),
        (Narrowing(limit=0, only=["x"]), "--only x: is not among variants (known: base, both, first, vote)\n"
         "--limit 0: must be 1 or more"),
    ],
)  # fmt: skip
def test_what_is_refused(wish: Narrowing, message: str, suite: Path) -> None:
    with pytest.raises(HarnessError) as caught:
        narrowed(load_suite(suite), wish)
    assert str(caught.value) == message


@pytest.mark.parametrize(("limit", "asked"), [(5, 4), (4, 4), (1, 2), (20, 20), (99, 20)])
def test_groups_are_whole_and_items_in_the_order_of_the_file(limit: int, asked: int, suite: Path) -> None:
    """Groups of two: five items are two groups, and where one item is wanted, one group is taken."""
    run = harness.run(suite, out=suite.parent / "run", limit=limit, tasks=["t"], only=["first"], progress=False)
    ids = {variant: [own.sample_id for own in run.finished.predictions if own.variant == variant]
           for variant in ("base", "first")}  # fmt: skip
    assert ids["base"] == ids["first"]
    numbers = [int(sample.input.removeprefix("q")) for sample in run.finished.samples]
    assert len(numbers) == asked
    assert numbers == sorted(numbers)
    assert {number // 2 for number in numbers if number % 2} == {number // 2 for number in numbers if not number % 2}
    assert record_of(run.folder)["limited"]["items"] == {"t": 20}
    assert run.limited is not None
    assert repr(run).startswith(f"Run({str(run.folder)!r}) (limited: --limit {limit} --only base,first --task t)")


def test_a_larger_sample_holds_a_smaller_one(suite: Path) -> None:
    (suite.parent / "t.csv").write_text("q,a,g\n" + "".join(f"q{i},a,{i}\n" for i in range(50)), encoding="utf-8")
    drawn = [
        {sample.id for sample in harness.run(suite, limit=limit, tasks=["t"], only=["base"], progress=False,
                                             out=suite.parent / str(limit)).finished.samples}
        for limit in (3, 10, 25)
    ]  # fmt: skip
    assert drawn[0] < drawn[1] < drawn[2]
    suite.write_text(suite.read_text(encoding="utf-8").replace("seed: 5", "seed: 6"), encoding="utf-8")
    other = harness.run(suite, limit=10, tasks=["t"], only=["base"], progress=False, out=suite.parent / "other")
    assert drawn[1] != {sample.id for sample in other.finished.samples}  # drawn by the seed, no beginning of a list


def test_a_limited_run_and_a_whole_one_never_take_each_others_place(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(suite.parent)
    limited = harness.run(suite, limit=4, progress=False).folder
    assert limited.parent == Path("runs/parts/limited")
    with pytest.raises(HarnessError, match="only limited runs here; name runs/parts/limited"):
        run_at(Path("runs/parts"))
    whole = harness.run(suite, progress=False).folder
    assert whole.parent == Path("runs/parts")
    assert run_at(Path("runs/parts")).path == whole
    for out, part in ((limited, {}), (whole, {"limit": 4}), (limited, {"limit": 4, "only": ["first"]})):
        with pytest.raises(HarnessError, match="neither goes on nor replaces; choose another folder with --out"):
            harness.run(suite, out=out, progress=False, **part)
    rescored = harness.run(suite, start="score", limit=4, progress=False)
    assert (rescored.folder, scope_in(record_of(rescored.folder)).limit) == (limited, 4)
    cells = record_of(whole)["cells"]
    assert {cell["cached"] for cell in cells if (cell["task"], cell["variant"]) == ("t", "first")} == {4}


def test_an_unfinished_run_goes_on_only_as_it_was_limited(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(suite.parent)
    first = harness.run(suite, limit=4, progress=False).folder
    record = record_of(first)
    (first / "run.json").write_text(json.dumps({**record, "status": "interrupted"}), encoding="utf-8")
    other = harness.run(suite, limit=6, progress=False).folder
    (other / "run.json").write_text(json.dumps({**record_of(other), "status": "interrupted"}), encoding="utf-8")
    assert harness.run(suite, progress=False).folder not in (first, other)
    assert harness.run(suite, limit=4, progress=False).folder not in (first, other)  # the newest one is another


def test_it_is_marked_wherever_it_is_shown(suite: Path) -> None:
    folder = suite.parent
    shown = run_command("run", "suite.yaml", "--limit", "4", "--only", "first", "--out", "run", cwd=folder)
    assert "LIMITED RUN" in shown.stdout.partition("recommendation")[0]
    assert "4 of 20 items of t; 4 of 6 items of u" in " ".join(shown.stdout.split())
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert page.count('<p class="alarm limited" role="note">') == 2  # one in each language
    assert "受限运行：这里只运行了方案的一部分" in page
    assert "<title>LIMITED RUN – parts – report</title>" in page
    assert run_command("export", "csv", "run", "--out", "csv", cwd=folder).returncode == 0
    for name in ("items", "figures", "usage", "comparisons"):
        with (folder / "csv" / f"{name}.csv").open(encoding="utf-8-sig") as file:
            assert {row["limited"] for row in csv.DictReader(file)} == {"limit 4; only base,first"}, name
    assert run_command("export", "responses", "run", "--out", "answers", cwd=folder).returncode == 0
    rows = json.loads((folder / "answers" / "t-base-with-response.json").read_text(encoding="utf-8"))
    assert {row["limited"] for row in rows} == {"limit 4; only base,first"}
    assert run_command("export", "inspect", "run", "--out", "logs", cwd=folder).returncode == 0
    log = json.loads((folder / "logs" / "t_base.json").read_text(encoding="utf-8"))
    assert log["eval"]["metadata"]["limited"] == "limit 4; only base,first"


def test_json_is_one_object_and_quiet_is_one_line(suite: Path) -> None:
    spoken = run_command("run", "suite.yaml", "--limit", "2", "--json", "--out", "run", cwd=suite.parent)
    outcome = json.loads(spoken.stdout)
    assert outcome["run"] == "run"
    assert outcome["exit"] == {"code": 0, "reason": "complete", "messages": []}
    assert {own["figure"] for own in outcome["headline"]} == {"t.accuracy", "u.accuracy"}
    assert outcome["recommendation"]["kind"]
    assert "t × base: 2 done" in spoken.stderr
    refused = run_command("run", "suite.yaml", "--only", "bas", "--json", cwd=suite.parent)
    ending = {"code": 2, "reason": "refused", "messages": ["--only bas: is not among variants (did you mean base?)"]}
    assert (refused.returncode, json.loads(refused.stdout)["exit"]) == (2, ending)
    quiet = run_command("run", "suite.yaml", "--limit", "2", "-q", "--out", "quiet", cwd=suite.parent)
    assert (quiet.stdout, quiet.stderr) == ("quiet/report.html\n", "")
    planned = run_command("run", "suite.yaml", "--dry-run", "--json", "--only", "first", cwd=suite.parent)
    assert [(own["task"], own["variant"], own["items"]) for own in json.loads(planned.stdout)["cells"]] == [
        ("t", "first", 20), ("u", "first", 6), ("t", "base", 20), ("u", "base", 6)
    ]  # fmt: skip


def test_a_limited_run_that_was_killed_leaves_its_answers_to_the_whole_one(suite: Path) -> None:
    suite.write_text(SUITE % 0.2, encoding="utf-8")
    command = [sys.executable, "-c", "from harness.cli import main; main()", "run", "suite.yaml", "--limit", "8"]
    process = subprocess.Popen(
        command, cwd=suite.parent, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    limited, seen = suite.parent / "runs" / "parts" / "limited", ""
    deadline = time.monotonic() + 60
    while '"work": "t \\u00d7 first"' not in seen and time.monotonic() < deadline:
        seen = next(iter(p.read_text() for p in limited.glob("*/.progress.json")), "")
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    told = run_command("status", cwd=suite.parent)
    assert told.returncode == 1
    assert "(limited: --limit 8): died without a word, last seen at 20" in told.stdout
    assert "to go on: harness run suite.yaml --limit 8" in told.stdout or "-c run" in told.stdout
    suite.write_text(SUITE % 0, encoding="utf-8")  # the same model without its slowness: equal calls
    whole = run_command("run", "suite.yaml", "--only", "first", "--task", "t", "--json", cwd=suite.parent)
    outcome = json.loads(whole.stdout)
    cells = {own["variant"]: own for own in record_of(suite.parent / outcome["run"])["cells"]}
    assert 1 <= cells["first"]["cached"] <= 8
    assert cells["first"]["cached"] + cells["first"]["calls"] == 20
