"""What a run may write over, and in which order it writes: nobody else's files, and `complete` last of all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.components.display import Display
from harness.errors import HarnessError, StoreError, SuiteError
from harness.models.scripted import Scripted
from harness.run import run
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RESULTS, RunFolder
from harness.runtime.run_lookup import folder_for
from harness.suite.parser import load_suite
from tests.shared.commands import run_command

SUITE = """\
name: colours
models: {robot: {scripted: {default: 绿}}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
variants:
  a: {prompting: {model: robot}}
"""
ROWS = "词\t色\n草\t绿\n天\t蓝\n"
Write = Callable[..., Path]
Run = Callable[..., RunFolder]


def content(folder: Path) -> dict[str, bytes | str]:
    """All files below a folder, links by where they lead."""
    return {
        str(file.relative_to(folder)): str(file.readlink()) if file.is_symlink() else file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_symlink() or file.is_file()
    }


# Files of a folder that is no run of ours.
FOREIGN = [
    {"samples.jsonl": '{"mine": 1}\n'},
    {"report.html": "<p>my thesis</p>", "summary.json": "{}"},
    {"notes.txt": "not a result at all"},
    {".hidden": ""},
    {"data/predictions.jsonl": "below"},
    {"run.json": '{"name": "a run of something else", "epochs": 3}'},
    {"run.json": '{"suite": {"name": "colours"}, "status": "complete"}', "scores.jsonl": "1\n"},
    {"run.json": "no JSON", "judgements.jsonl": "x"},
    {"run.json": "[1, 2]"},
]


@pytest.mark.parametrize("files", FOREIGN, ids=[" ".join(files) for files in FOREIGN])
@pytest.mark.parametrize("stage", ["train", "predict", "report"])
def test_a_folder_of_others_is_refused_and_stays_as_it_is(
    write_suite: Write, tmp_path: Path, run_suite: Run, files: dict[str, str], stage: str
) -> None:
    own = tmp_path / "own"
    for name, text in files.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(text)
    before = content(own)
    suite = load_suite(write_suite(SUITE, test__tsv=ROWS))
    with pytest.raises(StoreError, match="is not empty and holds no run; choose a new or empty folder with --out"):
        folder_for(suite, own)
    with pytest.raises(StoreError):
        run_suite(suite.path, "own", start=stage)
    assert content(own) == before


@pytest.mark.parametrize("stage", ["train", "score"])
def test_the_command_leaves_the_files_of_others(write_suite: Write, tmp_path: Path, stage: str) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for name in (*RESULTS, ".writable", "thesis.tex"):
        (own / name).write_text("mine")
    before = content(own)
    suite = str(write_suite(SUITE, test__tsv=ROWS))
    result = run_command("run", suite, "--out", "own", "--from", stage, cwd=tmp_path)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert content(own) == before


@pytest.mark.parametrize(("name", "stage"), [*((name, "train") for name in (*RESULTS, "run.json", ".lock")),
    ("scores.jsonl", "score"), ("summary.json", "predict"), ("report.html", "report")])  # fmt: skip
def test_a_link_in_a_run_is_neither_followed_nor_removed(
    write_suite: Write, run_suite: Run, tmp_path: Path, name: str, stage: str
) -> None:
    suite = write_suite(SUITE, test__tsv=ROWS)
    folder = run_suite(suite)
    precious = tmp_path / "precious"
    precious.write_bytes((folder.path / name).read_bytes() if (folder.path / name).exists() else b"mine")
    (folder.path / name).unlink(missing_ok=True)
    (folder.path / name).symlink_to(precious)
    before = content(tmp_path / "run"), precious.read_bytes()
    with pytest.raises(StoreError, match="is a link, which no run writes; move it away or choose another folder"):
        run_suite(suite, start=stage)
    assert (content(tmp_path / "run"), precious.read_bytes()) == before


@pytest.mark.parametrize("name", ["samples.jsonl", "scores.jsonl", "report.html"])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_plain_file_is_met_before_anything_is_removed(
    write_suite: Write, run_suite: Run, make: Callable[[Path], None], name: str
) -> None:
    suite = write_suite(SUITE, test__tsv=ROWS)
    folder = run_suite(suite)
    (folder.path / name).unlink()
    make(folder.path / name)
    before = content(folder.path)
    with pytest.raises(StoreError, match=f"{name} is no plain file, which no run writes"):
        run_suite(suite)
    assert content(folder.path) == before


@pytest.mark.parametrize("kind", ["missing", "empty", "link to an empty one", "left by a run killed at its start"])
def test_a_new_or_empty_folder_is_taken(write_suite: Write, tmp_path: Path, run_suite: Run, kind: str) -> None:
    place = tmp_path / "run"
    if kind == "link to an empty one":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    elif kind != "missing":
        place.mkdir()
    if kind.startswith("left"):
        (place / ".lock").touch()
        (place / ".run.json.123.partial").write_text('{"half": ')
    suite = write_suite(SUITE, test__tsv=ROWS)
    folder_for(load_suite(suite), place)
    assert run_suite(suite).read_run()["status"] == "complete"
    assert not list(place.glob(".*.partial"))


def test_a_run_removes_nothing_but_its_own_files(write_suite: Write, run_suite: Run) -> None:
    suite = write_suite(SUITE, test__tsv=ROWS)
    folder = run_suite(suite)
    added = {
        "notes.md": "read this", ".writable": "x", "samples.jsonl.bak": "x", ".note.partial": "x", "a.1.partial": "x",
        "judge/judgements.jsonl": "x",
    }  # fmt: skip
    for name, text in added.items():
        (folder.path / name).parent.mkdir(exist_ok=True)
        (folder.path / name).write_text(text)
    for stage in ("train", "predict", "score", "report"):
        run_suite(suite, start=stage)
    assert {name: (folder.path / name).read_text() for name in added} == added


# -- order ------------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for kill -9."""


STAGES = ["train", "index", "predict", "latency", "score", "summarize"]


@pytest.mark.parametrize("stage", [*STAGES, "report", "page"])
def test_a_run_killed_anywhere_is_taken_up_in_its_own_folder(
    write_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.chdir(tmp_path)
    suite = load_suite(write_suite(SUITE, test__tsv=ROWS))

    def go(page: Callable[..., str]) -> Path:
        cache = Cache(tmp_path / "calls.sqlite")
        try:
            folder = folder_for(suite, None)
            run(suite, folder, Context(suite.models, cache, Display(), 0), page)
            return folder.path.resolve()
        finally:
            cache.close()

    def die(*_: object, **__: object) -> str:
        raise Killed

    page = die if stage == "report" else lambda finished: "page"
    with monkeypatch.context() as patch:
        if stage in STAGES:
            patch.setattr(f"harness.run.{stage}", die)
        elif stage == "page":
            patch.setattr(RunFolder, "write_report", die)
        with pytest.raises(Killed):
            go(page)
    (killed,) = (tmp_path / "runs" / "colours").iterdir()
    assert RunFolder(killed).read_run()["status"] != "complete"
    assert go(lambda finished: f"status {finished.run['status']}") == killed
    assert RunFolder(killed).read_run()["status"] == "complete"
    assert (killed / "report.html").read_text() == "status complete"
    assert go(lambda finished: "page") != killed  # a further run is a new one


def test_a_rescoring_that_was_killed_is_not_complete(
    write_suite: Write, run_suite: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New scores beside old figures would be taken for one run."""
    suite = write_suite(SUITE, test__tsv=ROWS)
    folder = run_suite(suite)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("harness.run.summarize", die)
        with pytest.raises(Killed):
            run_suite(suite, start="score")
    assert folder.read_run()["status"] == "predicted"
    for stage in ("summarize", "report"):
        run_suite(suite, start=stage)
        assert folder.read_run()["status"] == "complete"


@pytest.mark.parametrize("name", ["scores.jsonl", "run.json", "report.html"])
def test_halves_of_files_that_a_killed_run_left_go_with_the_next(write_suite: Write, run_suite: Run, name: str) -> None:
    suite = write_suite(SUITE, test__tsv=ROWS)
    folder = run_suite(suite)
    for stage in ("train", "score", "report"):
        (folder.path / f".{name}.4711.partial").write_text("hal")
        run_suite(suite, start=stage)
        assert sorted(file.name for file in folder.path.iterdir() if "partial" in file.name) == []


def test_a_write_that_failed_leaves_no_half(
    write_suite: Write, run_suite: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_suite(write_suite(SUITE, test__tsv=ROWS))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="free some space"):
        folder.write_report("page")
    assert not list(folder.path.glob(".*.partial"))


# What makes a suite be refused: (what is replaced, by what, rows, the command).
REFUSED = [
    ("{model: robot}", "{model: robto}", ROWS, ["run"]),
    ("name: colours", "name: '{{ input }}'", ROWS, ["plan"]),
    ("target: 色", "target: 颜色", ROWS, ["run"]),
    ("target: 色", "target: 颜色", ROWS, ["run", "--out", "new"]),
    ("{scripted: {default: 绿}}", "{huggingface: {path: ./none}}", ROWS, ["run", "--out", "new/deep"]),
    ("name: colours", "name: colours", "词\t色\n", ["run"]),
    ("name: colours", "name: colours", ROWS, ["run", "--from", "score"]),
]


@pytest.mark.parametrize(("old", "new", "rows", "command"), REFUSED)
def test_a_refused_run_leaves_nothing(
    write_suite: Write, tmp_path: Path, old: str, new: str, rows: str, command: list[str]
) -> None:
    suite = write_suite(SUITE.replace(old, new), test__tsv=rows)
    before = sorted(tmp_path.rglob("*"))
    result = run_command(command[0], str(suite), *command[1:], cwd=tmp_path)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr
    assert sorted(tmp_path.rglob("*")) == before


# What a run meets only when it begins: (the model, its files, what is said).
BROKEN_MODELS = [
    ("{huggingface: {path: ./m, device: cpu}}", {"config.json": "{}"}, "m"),
    (
        "{huggingface: {path: ./m, device: cpu}}",
        {"config.json": '{"model_type": "qwen2"', "model.safetensors": ""},
        "m",
    ),
    ("{huggingface: {path: ./m, device: cpu}}", {"config.json": '{"model_type": "unheard_of"}'}, "m"),
]


@pytest.mark.parametrize(("model", "files", "message"), BROKEN_MODELS)
@pytest.mark.parametrize("out", [None, "new/deep", "empty"])
def test_a_run_that_is_refused_when_it_begins_leaves_nothing(
    write_suite: Write, tmp_path: Path, model: str, files: dict[str, str], message: str, out: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    suite = write_suite(SUITE.replace("{scripted: {default: 绿}}", model), test__tsv=ROWS)
    (tmp_path / "empty").mkdir()
    (suite.parent / "m").mkdir()
    for name, text in files.items():
        (suite.parent / "m" / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    loaded = load_suite(suite)
    cache = Cache(tmp_path / "cache" / "calls.sqlite")
    folder = folder_for(loaded, None if out is None else Path(out))
    with pytest.raises(HarnessError, match=message):
        run(loaded, folder, Context(loaded.models, cache, Display(), 0), lambda _: "page")
    cache.close()
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before
    assert not (tmp_path / "cache" / "calls.sqlite").exists()


def test_a_second_run_that_is_refused_leaves_the_folder_of_the_first(
    write_suite: Write, run_suite: Run, tmp_path: Path
) -> None:
    suite = write_suite(SUITE, test__tsv=ROWS)
    folder = RunFolder(tmp_path / "run")
    with folder.claimed():
        folder.write_run({"status": "training", "suite": {"name": "colours", "text": ""}})
        with pytest.raises(StoreError, match="another run is writing to"):
            run_suite(suite)
        assert folder.read_run()["status"] == "training"


# Parameters with a sign that breaks a line or steers a terminal, and how the one line shows it.
BROKEN = [
    ('{model: robot, "\\nshots\\n": 1}', r"\nshots\n"),
    ('{model: "ro\\r\\nbot"}', r"ro\r\nbot"),
    ('{model: "ro\\u2028bot"}', r"ro\u2028bot"),
    ('{model: "ro\\u0085bot"}', r"ro\x85bot"),
    ('{model: "ro\\e[31mbot"}', r"ro\x1b[31mbot"),
    ('{model: "ro\\v\\f\\0bot"}', r"ro\x0b\x0c\x00bot"),
    ("{model: |\n    ro\n    bot\n    }", None),
]


@pytest.mark.parametrize(("parameters", "shown"), BROKEN)
def test_one_mistake_is_one_line_whatever_a_value_holds(write_suite: Write, parameters: str, shown: str | None) -> None:
    with pytest.raises(SuiteError) as caught:
        load_suite(write_suite(SUITE.replace("{model: robot}", parameters)))
    assert len(str(caught.value).splitlines()) == len(caught.value.lines) == 1
    assert shown is None or shown in str(caught.value)


# Rows whose values break lines: the same identifier twice, an unfit target, a bad cell.
ROWS_WITH_BREAKS = [
    ('{"id": "a\\nb", "q": "草", "a": "绿"}\n{"id": "a\\nb", "q": "天", "a": "蓝"}\n', r"id 'a\nb' is also at"),
    ('{"id": "1", "q": "草", "a": ["绿", 1.5]}\n{"id": "2\\n", "q": "天", "a": {"x\\ny": 1}}\n', None),
    ('{"id": "1", "q": "草", "a": {"x\\u2028y": 1}}\n', r"x\u2028y"),
]


@pytest.mark.parametrize(("rows", "shown"), ROWS_WITH_BREAKS)
def test_one_bad_row_is_one_line(write_suite: Write, tmp_path: Path, rows: str, shown: str | None) -> None:
    suite = SUITE.replace(
        "{tsv: {path: test.tsv, input: 词, target: 色}}", "{jsonl: {path: t.jsonl, input: q, target: a, id: id}}"
    )
    result = run_command("run", str(write_suite(suite, t__jsonl=rows)), cwd=tmp_path)
    expected = 1 if shown else rows.count("\n")
    assert (result.returncode, len(result.stderr.splitlines())) == (2, expected), result.stderr
    assert all(line.startswith("error: ") for line in result.stderr.splitlines())
    assert shown is None or shown in result.stderr


def test_an_interrupted_model_leaves_a_folder_to_go_on_with(
    write_suite: Write, run_suite: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    suite = write_suite(SUITE, test__tsv=ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(Scripted, "generate", die)
        with pytest.raises(Killed):
            run_suite(suite)
    assert run_suite(suite).read_run()["status"] == "complete"
