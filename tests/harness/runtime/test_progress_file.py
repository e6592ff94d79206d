"""How far a run is stands in its folder while it goes on: whole, soon, without secrets, and no longer than that."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness.components.display import Display
from harness.records.run_overviews import RunProgress
from harness.records.work_pieces import WorkPiece
from harness.runtime import progress_file, work_state
from harness.runtime.progress_file import PROGRESS, ProgressFile, RecordedDisplay, recorded
from harness.runtime.run_folder import RunFolder
from harness.text.redaction import Redaction


class Noting(Display):
    """What reaches the display behind."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattribute__(self, name: str) -> Any:
        if name in ("schedule", "begin", "expect", "advance", "finish", "wait", "note"):
            return lambda *arguments: self.calls.append((name, *arguments))
        return super().__getattribute__(name)


def test_everything_is_passed_on_and_counted() -> None:
    behind = Noting()
    display = RecordedDisplay(behind)
    cells = [WorkPiece(title="norm × zero"), WorkPiece(title="norm × lora")]
    display.schedule(cells)
    display.begin("norm × zero")
    display.expect(3)
    display.expect(1)
    display.advance(3, 60)
    display.wait("0 of 600 s")
    display.note("loading")
    assert behind.calls == [
        ("schedule", cells), ("begin", "norm × zero"), ("expect", 3), ("expect", 1), ("advance", 3, 60),
        ("wait", "0 of 600 s"), ("note", "loading"),
    ]  # fmt: skip
    progress = display.progress()
    assert (progress.work, progress.done, progress.total, progress.finished, progress.pieces, progress.reason) == (
        "norm × zero", 3, 4, 0, 2, "0 of 600 s",
    )  # fmt: skip
    assert progress.rate is not None
    assert progress.left is not None
    display.finish("done")
    display.wait("")
    display.begin("norm × lora")
    progress = display.progress()
    assert progress == RunProgress(
        work="norm × lora", finished=1, pieces=2, unknown_pieces=1
    )  # what was counted before is gone
    display.finish("done")
    display.begin("judging")
    assert display.progress().pieces is None  # all that was announced is done


def test_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 100.0, 110.0])
    monkeypatch.setattr(work_state.time, "monotonic", lambda: next(clock))
    display = RecordedDisplay(Display())
    display.begin("x")  # at 100
    display.expect(20)
    display.advance(5, 300)
    progress = display.progress()  # at 110: 300 tokens in 10 s; 5 calls in 10 s, so 15 take 30 s
    assert (progress.rate, progress.item_rate, progress.left, progress.left_run) == (30.0, 0.5, 30.0, 30.0)


def test_the_whole_run_is_estimated_from_what_each_model_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 20.0, 20.0, 25.0])
    monkeypatch.setattr(work_state.time, "monotonic", lambda: next(clock))
    display = RecordedDisplay(Display())
    display.schedule(
        [
            WorkPiece(title="a", stage="predict", calls=10, source="small"),
            WorkPiece(title="b", stage="predict", calls=10, source="small"),
            WorkPiece(title="c", stage="predict", calls=4, source="large", seconds_a_call=7.0),
            WorkPiece(title="d", stage="score", calls=9, source="judge"),
        ]
    )
    display.enter("predict")
    display.begin("a")  # at 0
    display.expect(12)
    display.recall(2)  # done at once: they say nothing of the pace
    display.advance(10)
    display.lose(1)
    display.finish("")  # at 20: 10 calls took 20 s, so one takes 2 s
    display.begin("b")  # at 20
    display.expect(10)
    display.advance(5)
    display.spend(0.5, "USD")
    display.spend(0.25, "USD")
    progress = display.progress()  # at 25: 5 calls took 5 s
    assert (progress.finished, progress.pieces) == (1, 3)
    # the other five of b as its first ones, 5 s; c by earlier runs, 4 × 7 s; nothing is known of d
    assert (progress.left, progress.left_run, progress.unknown_pieces) == (5.0, 33.0, 1)
    assert (progress.cost, progress.currency, progress.failed, progress.item_rate) == (0.75, "USD", 1, 1.0)


def test_the_file_is_there_only_while_the_folder_is_held(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path, lambda content: content)
    file.write(RunProgress(work="before"))
    assert list(tmp_path.iterdir()) == []
    with file.opened():
        file.write(RunProgress(work="一 × b", done=1, total=2))
        assert [path.name for path in tmp_path.iterdir()] == [PROGRESS]
        assert json.loads((tmp_path / PROGRESS).read_text())["work"] == "一 × b"
    assert list(tmp_path.iterdir()) == []
    file.write(RunProgress(work="after"))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path, lambda content: content)
    is_over, torn = threading.Event(), []

    def read() -> None:
        while not is_over.is_set():
            try:
                json.loads((tmp_path / PROGRESS).read_text())
            except FileNotFoundError:
                continue
            except ValueError as error:
                torn.append(error)

    reader = threading.Thread(target=read)
    with file.opened():
        reader.start()
        for number in range(500):
            file.write(RunProgress(work="x" * 3000, done=number))
        is_over.set()
        reader.join()
    assert torn == []


@pytest.mark.parametrize("obstacle", ["folder", "gone", "link"])
def test_a_file_that_cannot_be_written_stops_no_run(obstacle: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    file = ProgressFile(folder, lambda content: content)
    with file.opened():
        if obstacle == "folder":
            (folder / PROGRESS).mkdir()
        elif obstacle == "gone":
            folder.rmdir()
        else:
            (folder / PROGRESS).symlink_to(tmp_path / "elsewhere")
        file.write(RunProgress(work="x"))
    assert not (tmp_path / "elsewhere").exists()


def test_no_secret_is_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.redaction = Redaction({"API_KEY": "sk-1234567890abcdef"})
    with folder.progress.opened():
        folder.progress.write(RunProgress(work="x", reason="refused: sk-1234567890abcdef"))
        content = (tmp_path / PROGRESS).read_text()
    assert "sk-1234567890abcdef" not in content
    assert "${API_KEY}" in content


def test_it_is_written_at_most_once_an_interval_and_only_when_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_file, "INTERVAL", 0.05)
    file = ProgressFile(tmp_path, lambda content: content)
    written: list[RunProgress] = []
    monkeypatch.setattr(file, "write", written.append)
    began = time.monotonic()
    with recorded(Display(), file) as display:
        display.begin("x")
        for _ in range(2000):
            display.advance(1)
        time.sleep(0.4)
        elapsed = time.monotonic() - began
    assert 1 <= len(written) <= elapsed / 0.05 + 1
    assert len(written) <= 3  # the same as before is not written again
    assert written[-1].done == 2000


def test_a_run_that_ends_leaves_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.claimed():
        folder.progress.write(RunProgress(work="x"))
        assert (folder.path / PROGRESS).exists()
    assert not (folder.path / PROGRESS).exists()


def test_what_a_killed_run_left_is_no_strange_file(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_text("{}")
    RunFolder(tmp_path).refuse_foreign()
