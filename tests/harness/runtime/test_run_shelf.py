"""Runs below a folder are found, told apart and never changed, whatever else lies there."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.runtime.progress_file import PROGRESS
from harness.runtime.run_folder import LOCK, RunFolder
from harness.runtime.run_shelf import RunShelf
from tests.shared.shelved import half_written, made_run, run_record, without


def listed(root: Path) -> list[tuple[str, str, str]]:
    return [(run.key, run.name, run.state) for run in RunShelf(root).overviews()]


def test_runs_are_found_at_every_depth_newest_first(tmp_path: Path) -> None:
    made_run(tmp_path / "near", started="2026-01-01T00:00:00+00:00")
    made_run(tmp_path / "terms" / "one", started="2026-03-01T00:00:00+00:00")
    made_run(tmp_path / "a" / "b" / "deep", started="2026-02-01T00:00:00+00:00")
    made_run(tmp_path / "a" / "b" / "limited" / "four", started="2026-01-02T00:00:00+00:00")
    made_run(tmp_path / "a" / "b" / "c" / "d" / "too-deep")
    made_run(tmp_path / ".hidden")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    assert [key for key, _, _ in listed(tmp_path)] == ["terms/one", "a/b/deep", "a/b/limited/four", "near"]


def test_what_stands_in_a_folder_of_a_run_is_no_further_run(tmp_path: Path) -> None:
    made_run(tmp_path / "outer")
    made_run(tmp_path / "outer" / "inner")
    assert [key for key, _, _ in listed(tmp_path)] == ["outer"]


def test_a_run_by_itself(tmp_path: Path) -> None:
    made_run(tmp_path / "terms")
    shelf = RunShelf(tmp_path / "terms")
    assert shelf.is_run
    assert [run.key for run in shelf.overviews()] == ["terms"]
    assert not RunShelf(tmp_path).is_run


def test_what_the_list_holds_of_a_run(tmp_path: Path) -> None:
    made_run(tmp_path / "terms", name="clinic")
    (run,) = RunShelf(tmp_path).overviews()
    assert (run.name, run.state, run.started, run.command) == (
        "clinic", "complete", "2026-11-22T09:37:05+00:00", "harness run suites/terms/suite.yaml",
    )  # fmt: skip
    assert run.summary is not None
    assert run.summary.decisions.decision is not None
    assert run.summary.decisions.decision.variant == "lora"
    assert [(result.variant, result.mean) for result in run.summary.results] == [("zero", 0.0), ("lora", 1.0)]


def status(name: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        made_run(path, status=name)

    return make


def pipe(path: Path) -> None:
    """A reader would wait for a writer for ever."""
    path.mkdir()
    os.mkfifo(path / "run.json")


def link(path: Path) -> None:
    path.mkdir()
    (path / "run.json").symlink_to("/etc/hostname")


def text(content: str, *further: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        (path / "run.json").write_text(content)
        for name in further:
            (path / name).touch()

    return make


def answers_only(path: Path) -> None:
    (made_run(path).path / "run.json").unlink()


def half(name: str) -> Callable[[Path], object]:
    return lambda path: half_written(path, name)


def no_summary(path: Path) -> None:
    (made_run(path).path / "summary.json").unlink()


@pytest.mark.parametrize(
    ("make", "state", "problem"),
    [
        (status("complete"), "complete", ""),
        (status("finished"), "complete", ""),  # an older version's word
        (status("running"), "interrupted", ""),  # nobody holds its folder
        (status("summarized"), "interrupted", ""),
        (half("run.json"), "unreadable", "run.json is broken or half written: Invalid JSON"),
        (half("summary.json"), "complete", "summary.json is broken or half written: Invalid JSON"),
        (no_summary, "complete", "summary.json is missing"),
        (answers_only, "unreadable", "run.json is missing, or no plain file"),
        (text(""), "unreadable", "run.json is broken or half written: Invalid JSON"),
        (text("[1]"), "unreadable", "run.json is broken or half written: Input should be an object"),
        (text("{}"), "unreadable", "run.json was not written by `harness run`"),
        (text('{"suite": {}, "status": 3}'), "unreadable", "run.json was not written by `harness run`"),
        (text('{"suite": {"name": "x"}, "status": "complete"}'), "complete", "summary.json is missing"),
        (text("\udcff".encode("utf-8", "surrogateescape").decode("latin-1")), "unreadable", "run.json is broken"),
        (pipe, "unreadable", "run.json is missing, or no plain file"),
        (link, "unreadable", "run.json is missing, or no plain file"),
    ],
)  # fmt: skip
def test_states_and_what_is_wrong(make: Callable[[Path], object], state: str, problem: str, tmp_path: Path) -> None:
    make(tmp_path / "run")
    (run,) = RunShelf(tmp_path).overviews()
    assert run.state == state
    assert run.problem.startswith(problem) if problem else run.problem == ""


def test_a_summary_of_an_older_version(tmp_path: Path) -> None:
    without(tmp_path / "run", "decisions", "bounds", "unaided", "judging", "curve", "floors")
    (run,) = RunShelf(tmp_path).overviews()
    assert run.summary is not None
    assert run.summary.decisions.decision is None


def test_a_broken_run_hides_no_other(tmp_path: Path) -> None:
    half_written(tmp_path / "broken", "run.json")
    made_run(tmp_path / "whole")
    assert listed(tmp_path) == [("whole", "clinic", "complete"), ("broken", "broken", "unreadable")]


def test_a_folder_that_is_written_to_runs(tmp_path: Path) -> None:
    folder = made_run(tmp_path / "run", status="running")
    shelf = RunShelf(tmp_path)
    with folder.locked():
        (run,) = shelf.overviews()
        assert run.state == "running"
        assert run.progress is None
        (folder.path / PROGRESS).write_text('{"work": "norm × lora", "done": 3, "total": 8}')
        (run,) = shelf.overviews()
        assert run.progress is not None
        assert (run.progress.work, run.progress.done, run.progress.total) == ("norm × lora", 3, 8)
        (folder.path / PROGRESS).write_text('{"work": "norm')
        assert shelf.overviews()[0].progress is None
    assert shelf.overviews()[0].state == "interrupted"


def test_looking_changes_nothing_and_refuses_no_run(tmp_path: Path) -> None:
    folder = made_run(tmp_path / "run", status="running")
    before = {file.name: file.stat().st_mtime_ns for file in folder.path.iterdir()}
    assert RunShelf(tmp_path).overviews()[0].state == "interrupted"
    assert {file.name: file.stat().st_mtime_ns for file in folder.path.iterdir()} == before
    with folder.locked():
        pass
    assert (folder.path / LOCK).exists()


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_a_run_waits_for_a_look_at_its_lock(tmp_path: Path) -> None:
    import fcntl

    folder = made_run(tmp_path / "run", status="running")
    with folder.locked():
        pass
    with (folder.path / LOCK).open("rb") as file:  # a look, for longer than any real one
        fcntl.flock(file, fcntl.LOCK_SH)
        timer = threading.Timer(0.15, fcntl.flock, (file, fcntl.LOCK_UN))
        timer.start()
        with folder.locked():
            pass
        timer.join()


def test_links_lead_nowhere(tmp_path: Path) -> None:
    made_run(tmp_path / "elsewhere" / "secret")
    root = tmp_path / "runs"
    made_run(root / "run")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    shelf = RunShelf(root)
    assert [run.key for run in shelf.overviews()] == ["run"]
    for key in ("link/secret", "../elsewhere/secret", "run/../run", "", ".", "/", "run/", str(tmp_path / "elsewhere")):
        assert shelf.overview(key) is None, key
        assert shelf.page(key) is None, key
    (root / "run" / "report.html").symlink_to("/etc/hostname")
    assert shelf.page("run") is None
    with pytest.raises(StoreError, match="is a link"):
        shelf.finished("run")


def test_a_report_is_current_while_no_figure_is_newer(tmp_path: Path) -> None:
    folder = made_run(tmp_path / "run")
    shelf = RunShelf(tmp_path)
    assert shelf.page("run") is None
    folder.write_report("<p>stored</p>")
    assert shelf.page("run") == b"<p>stored</p>"
    os.utime(folder.path / "summary.json", ns=(time.time_ns() + 10**9,) * 2)
    assert shelf.page("run") is None


def test_a_change_is_seen(tmp_path: Path) -> None:
    folder = made_run(tmp_path / "run")
    shelf = RunShelf(tmp_path)
    assert shelf.overviews()[0].name == "clinic"
    before = shelf.version("run")
    folder.write_run(run_record(name="renamed"))
    assert shelf.overviews()[0].name == "renamed"
    assert shelf.version("run") != before
    made_run(tmp_path / "second")
    assert len(shelf.overviews()) == 2


@pytest.mark.parametrize(
    "name", ["\udcff", "a b", "100%", "%2e%2e", "<b>", "'\"", "终", "\u202eabc", "x" * 200, "a\nb"]
)
def test_hostile_names_of_folders(name: str, tmp_path: Path) -> None:
    made_run(tmp_path / name)
    shelf = RunShelf(tmp_path)
    (run,) = shelf.overviews()
    assert shelf.overview(run.key) == run


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path, "No such file or directory"),
        (lambda path: path.write_text("x"), "Not a directory"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    ],
)
def test_a_place_that_is_no_folder(make: Callable[[Path], object], reason: str, tmp_path: Path) -> None:
    make(tmp_path / "place")
    with pytest.raises(StoreError, match=f"place: {reason}; name a folder with runs"):
        RunShelf(tmp_path / "place")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    made_run(tmp_path / "closed" / "run")
    made_run(tmp_path / "open")
    for path in (tmp_path, *tmp_path.parents[:-1]):
        path.chmod(0o755)
    (tmp_path / "closed").chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        assert listed(tmp_path) == [("open", "clinic", "complete"), ("closed", "closed", "unreadable")]
        with pytest.raises(StoreError, match="Permission denied"):
            RunShelf(tmp_path / "closed")
    finally:
        if is_root:
            os.seteuid(0)
        (tmp_path / "closed").chmod(0o755)


def test_hundreds_of_runs_are_listed_quickly(tmp_path: Path) -> None:
    first_run = made_run(tmp_path / "suite0" / "000").path
    for number in range(1, 500):
        shutil.copytree(first_run, tmp_path / f"suite{number % 7}" / f"{number:03}")
    shelf = RunShelf(tmp_path)
    began = time.perf_counter()
    assert len(shelf.overviews()) == 500
    first = time.perf_counter() - began
    began = time.perf_counter()
    shelf.overviews()
    again = time.perf_counter() - began
    assert first < 5
    assert again < 1
    assert again < first


def test_a_run_folder_that_goes_away_meanwhile(tmp_path: Path) -> None:
    folder = RunFolder(made_run(tmp_path / "run").path)
    shelf = RunShelf(tmp_path)
    assert shelf.overview("run") is not None
    for file in folder.path.iterdir():
        file.unlink()
    folder.path.rmdir()
    assert shelf.overview("run") is None
    assert shelf.version("run") == ()
    with pytest.raises(StoreError, match="no run here"):
        shelf.finished("run")
