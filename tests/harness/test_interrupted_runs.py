"""A run whose server goes away: its folder says so, the same command goes on, and what is waited for is said once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.cli import app
from harness.models.scripted import Scripted
from harness.runtime.progress import Lines
from harness.runtime.run_folder import RunFolder
from tests.shared.http_stand_in import HttpStandIn, serving
from tests.shared.ollama_stand_in import Script, StandIn
from tests.shared.openai_stand_in import Hosted

SUITE = """
name: s
models:
  m: {{openai: {{model: m, url: "{place}/v1", patience: 0.5, pause: 0.05, workers: 2}}}}
  j: {{ollama: {{model: judge, host: "{judge}", patience: 0.5, pause: 0.05, workers: 2}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, target: a}}}}
    metrics: {{accuracy: exact_match, quality: {{judge: {{model: j, rubric: score100}}}}}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""
ROWS = "".join(f'{{"q": "question {number}", "a": "fine"}}\n' for number in range(10))


@pytest.fixture
def answering() -> Iterator[Hosted]:
    with serving(Hosted(Script(lambda body: "fine", seconds=0.05), model="m")) as server:
        yield server


@pytest.fixture
def judging() -> Iterator[StandIn]:
    with serving(StandIn(Script(lambda body: '{"score": 70, "reason": "fine"}', seconds=0.05))) as server:
        yield server


@pytest.mark.parametrize("stage", ["answering", "judging"])
@pytest.mark.parametrize("replies", [1, 3, 6])
def test_the_same_command_goes_on(
    replies: int, stage: str, answering: Hosted, judging: StandIn, write_suite: Callable[..., Path], tmp_path: Path
) -> None:
    suite = write_suite(SUITE.format(place=answering.place, judge=judging.place), rows__jsonl=ROWS)
    server: HttpStandIn = {"answering": answering, "judging": judging}[stage]
    server.after(replies, server.vanish)
    run = ["run", str(suite), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, run)
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {server.place}")
    assert "no call was taken for 0.5 s, so the run is interrupted" in line
    folder = RunFolder(tmp_path / "run")
    assert folder.read_run()["status"] == "interrupted"
    server.come_back()
    asked = len(server.bodies())
    result = CliRunner().invoke(app, run)
    assert result.exit_code == 0, result.output
    assert folder.read_run()["status"] == "complete"
    assert 1 <= len(server.bodies()) - asked <= 10 - replies  # what was in flight may have been answered, too
    assert all(prediction.error is None for prediction in folder.predictions())
    assert all(score.value is not None for score in folder.scores())


class Noted(Lines):
    def __init__(self) -> None:
        super().__init__(Console())
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize(
    ("interval", "reasons", "lines"),
    [
        (30.0, ["0 of 600 s", "1 of 600 s", "2 of 600 s", ""], ["c: waiting: 0 of 600 s", "c: goes on"]),
        (0.0, ["0 of 600 s", "1 of 600 s"], ["c: waiting: 0 of 600 s", "c: waiting: 1 of 600 s"]),
        (30.0, ["a", "", "b", ""], ["c: waiting: a", "c: goes on", "c: waiting: b", "c: goes on"]),
        (30.0, [""], []),
    ],
)
def test_a_log_says_what_is_waited_for_now_and_then(interval: float, reasons: list[str], lines: list[Any]) -> None:
    display = Noted()
    display.interval = interval
    display.begin("c")
    for reason in reasons:
        display.wait(reason)
    assert display.lines == lines


LOCAL = """
name: s
models:
  m: {scripted: {default: y, batch_size: 1}}
tasks:
  t:
    data: {tsv: {path: t.tsv, input: q, target: a}}
    metrics: {accuracy: exact_match}
variants: {v: {prompting: {model: m}}}
"""


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (
            "CUDA error: uncorrectable ECC error encountered\nCUDA kernel errors might be",
            "the GPU failed in the middle",
        ),
        (
            "CUDA error: unspecified launch failure",
            "(CUDA error: unspecified launch failure); what was finished is kept",
        ),
        (
            "CUDA out of memory. Tried to allocate 2 GiB",
            "memory ran out in the middle of the work (CUDA out of memory.",
        ),
        ("CUDA error: device-side assert triggered", None),  # a mistake in the program
        ("shape mismatch", None),
    ],
)
def test_a_device_that_fails_is_one_line_and_what_was_answered_stays(
    failure: str, says: str | None, write_suite: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = write_suite(LOCAL, t__tsv="q\ta\na\tx\nb\ty\nc\tz\n")
    generate, asked = Scripted.generate, []

    def failing(self: Scripted, prompts: Any, generation: Any, repeats: Any) -> Any:
        asked.append(len(prompts))
        if len(asked) == 2:
            raise RuntimeError(failure)
        return generate(self, prompts, generation, repeats)

    monkeypatch.setattr(Scripted, "generate", failing)
    run = ["run", str(suite), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, run)
    if says is None:
        assert isinstance(result.exception, RuntimeError)
        return
    assert result.exit_code == 1, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error")]
    assert says in line
    assert RunFolder(tmp_path / "run").read_run()["status"] == "interrupted"
    assert CliRunner().invoke(app, run).exit_code == 0
    assert len(asked) == 4  # the first answer is kept
