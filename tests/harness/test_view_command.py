"""`harness view` as a process: what it refuses, how it ends, and a run that goes on or is killed while it is watched."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.runtime.run_folder import RunFolder
from tests.shared.http_stand_in import serving
from tests.shared.ollama_stand_in import Script
from tests.shared.openai_stand_in import Hosted
from tests.shared.paths import ROOT
from tests.shared.shelved import made_run, without

COMMAND = [sys.executable, "-c", "from harness.cli import main; main()"]
SUITE = """
name: s
models: {{m: {{openai: {{model: m, url: "{place}/v1", workers: 1}}}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, target: a}}}}
    metrics: {{accuracy: exact_match}}
variants: {{first: {{prompting: {{model: m}}}}, second: {{prompting: {{model: m, system: "Be brief."}}}}}}
"""
ROWS = "".join(f'{{"q": "question {number}", "a": "fine"}}\n' for number in range(30))


class Viewer:
    """The process, and its pages."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.process = process
        self.lines: list[str] = []
        while not (match := re.search(r"http://127\.0\.0\.1:(\d+)(/\S*)", "".join(self.lines))):
            line = process.stdout.readline()
            assert line, "it ended without an address"
            self.lines.append(line)
        self.port, self.start = int(match[1]), match[2]

    def page(self, path: str) -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        content = connection.getresponse().read().decode()
        connection.close()
        return content

    def until(self, path: str, expected: str, seconds: float = 90) -> str:
        """The page, once it says so."""
        deadline = time.monotonic() + seconds
        while expected not in (page := self.page(path)):
            assert time.monotonic() < deadline, page
            time.sleep(0.1)
        return page


@pytest.fixture
def view(tmp_path: Path) -> Iterator[Callable[..., Viewer]]:
    viewers: list[Viewer] = []

    def start(*arguments: str) -> Viewer:
        process = subprocess.Popen(
            [*COMMAND, "view", *arguments], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        viewers.append(Viewer(process))
        return viewers[-1]

    yield start
    for viewer in viewers:
        viewer.process.kill()
        viewer.process.wait()
        if viewer.process.stdout:
            viewer.process.stdout.close()


def test_ctrl_c_ends_it_cleanly(view: Callable[..., Viewer], tmp_path: Path) -> None:
    made_run(tmp_path / "runs" / "terms" / "one")
    viewer = view("--port", "0")
    assert viewer.lines == [f"runs: http://127.0.0.1:{viewer.port}/ (Ctrl-C ends it)\n"]
    assert "clinic" in viewer.page("/")
    viewer.process.send_signal(signal.SIGINT)
    rest, _ = viewer.process.communicate(timeout=20)
    assert (viewer.process.returncode, rest) == (0, "")


def test_a_port_in_use_is_said(view: Callable[..., Viewer], tmp_path: Path) -> None:
    made_run(tmp_path / "runs" / "one")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        viewer = view("--port", str(port))
    assert viewer.lines[0] == f"Port {port} is in use; {viewer.port} is taken instead.\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "error: runs: No such file or directory; name a folder with runs below it, as `harness run` makes them"),
        (["nowhere"], "error: nowhere: No such file or directory; name a folder with runs below it, as `harness run` makes them"),
        (["file.txt"], "error: file.txt: Not a directory; name a folder with runs below it, as `harness run` makes them"),
        (["x" * 300], f"error: {'x' * 90}…{'x' * 90} (300 characters): File name too long; name a folder with runs below it, as `harness run` makes them"),
    ],
)  # fmt: skip
def test_a_place_without_runs_is_one_line(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("x")
    result = CliRunner().invoke(app, ["view", *arguments])
    assert (result.exit_code, result.stderr, result.stdout) == (2, f"{expected}\n", "")


@pytest.mark.parametrize(
    ("option", "value"), [("--port", "-1"), ("--port", "65536"), ("--port", "x"), ("--lang", "fr")]
)
def test_strange_options_are_refused(option: str, value: str, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["view", str(tmp_path), option, value]).exit_code == 2


def test_one_run_begins_with_its_report(view: Callable[..., Viewer], tmp_path: Path) -> None:
    without(tmp_path / "older", "decisions")
    viewer = view("older", "--port", "0", "--lang", "zh")
    assert viewer.start == "/runs/older/?lang=zh"
    assert "<title>clinic – 报告</title>" in viewer.page(viewer.start)
    assert "该运行产生于尚无推荐结论的版本" in viewer.page("/")


@pytest.fixture
def slow() -> Iterator[Hosted]:
    with serving(Hosted(Script(lambda body: "fine", seconds=0.12), model="m")) as server:
        yield server


@pytest.fixture
def start_run(
    slow: Hosted, write_suite: Callable[..., Path], tmp_path: Path
) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    suite = write_suite(SUITE.format(place=slow.place), rows__jsonl=ROWS)
    runs: list[Any] = []

    def start() -> "subprocess.Popen[bytes]":
        runs.append(
            subprocess.Popen(
                [*COMMAND, "run", str(suite), "--out", str(tmp_path / "runs" / "s" / "now")],
                cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
        return runs[-1]

    yield start
    for run in runs:
        run.kill()
        run.wait()


def done(page: str) -> int:
    """Calls of the current cell, as the bar shows them."""
    bar = re.search(r'<progress max="30" value="(\d+)"', page)
    return int(bar[1]) if bar else -1


def test_a_run_is_watched_killed_and_goes_on(
    start_run: Callable[[], "subprocess.Popen[bytes]"], view: Callable[..., Viewer], tmp_path: Path
) -> None:
    (tmp_path / "runs").mkdir()
    viewer = view("--port", "0")
    assert "No runs here yet." in viewer.page("/")
    run = start_run()
    page = viewer.until("/", "Asking: t × first")
    assert '<span class="state running">running</span>' in page
    assert 'data-live="yes"' in page
    viewer.until("/", "cell 1 of 2")
    before = done(viewer.until("/", " of 30"))
    deadline = time.monotonic() + 60
    while done(viewer.page("/runs/s/now/")) <= before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run.kill()  # as kill -9: nothing of its own is said any more
    run.wait()
    page = viewer.until("/", '<span class="state interrupted">interrupted</span>', 10)
    assert "It was cut short. The same command goes on where it stopped: harness run" in page
    assert "<progress" not in page
    assert "There is no report yet." in viewer.page("/runs/s/now/")
    again = start_run()
    viewer.until("/", '<span class="state running">running</span>')
    assert again.wait(timeout=120) == 0
    page = viewer.until("/", '<span class="state complete">complete</span>', 10)
    assert "100.0 %" in page
    assert "<title>s – report</title>" in viewer.page("/runs/s/now/")
    names = {file.name for file in (tmp_path / "runs" / "s" / "now").iterdir()}
    assert not any("progress" in name for name in names)
    assert RunFolder(tmp_path / "runs" / "s" / "now").read_run()["status"] == "complete"


SCRIPTED = """
name: s
models: {m: {scripted: {rules: [{match: "1", reply: fine}], default: bad}}}
tasks: {t: {data: {jsonl: {path: rows.jsonl, input: q, target: a}}, prompt: "{{ input }}", metrics: {accuracy: exact_match}}}
variants: {first: {prompting: {model: m}}}
"""


@pytest.mark.parametrize(
    ("language", "attribute", "last"),
    [([], "", "Report: "), (["--lang", "zh"], "zh", "报告："), (["--lang", "en"], "en", "Report: ")],
)
def test_the_language_of_a_run_and_of_its_report(
    language: list[str], attribute: str, last: str, write_suite: Callable[..., Path], tmp_path: Path
) -> None:
    suite = write_suite(SCRIPTED, rows__jsonl=ROWS)
    out = tmp_path / "out"
    for command in (["run", str(suite), "--out", str(out)], ["report", str(out)]):
        result = CliRunner().invoke(app, [*command, *language])
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[-1].startswith(last)
        page = (out / "report.html").read_text(encoding="utf-8")
        assert f'<html lang="{attribute or "en"}"' in page
