"""What `harness plan` prints: the time of the trainings and of the calls. No text of a stranger moves the cursor."""

import io
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from harness.cli import app
from harness.components.preparation import Preparation
from harness.printing import InertConsole, log_to, make_console, print_plan
from harness.records.anomalies import PromptMismatch
from harness.records.call_counts import CallCounts
from harness.records.inputs import Cell
from harness.records.run_overviews import RunProgress
from harness.runtime.progress import display, progress_region
from harness.stages.plan import Plan, PlannedCell
from harness.text.inert import inert

LORA = Preparation(what="lora on 400 rows, 50 steps", done=False, needs=3 << 30, has=16 << 30)
TIMED = Preparation(what="full on 400 rows, 50 steps", done=False, needs=3 << 30, has=16 << 30, seconds=150.0)
DONE = Preparation(what="ia3 on 400 rows, 50 steps", done=True, needs=3 << 30, has=16 << 30)
TRAINED = replace(DONE, measured=12.3)
AWAY = Preparation(what="lora on 400 rows", done=False)  # the base is not on this machine
ASKED = CallCounts(calls=30, estimate=60.0)


def printed(
    preparations: list[Preparation], counts: CallCounts = ASKED, mismatches: tuple[PromptMismatch, ...] = ()
) -> list[str]:
    """The lines, one space for any white space."""
    file = io.StringIO()
    models = {f"m{number}": preparation for number, preparation in enumerate(preparations)}
    cell = PlannedCell(cell=Cell("norm", "plain"), samples=30, counts=counts)
    plan = Plan(
        cells=[cell], indexes=[], preparations=models, judging=[], languages={"norm": "zh"}, mismatches=mismatches
    )
    print_plan(plan, Console(file=file, width=160, markup=False))
    return [" ".join(line.strip("│ ").split()) for line in file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("preparation", "row"),
    [
        (LORA, "m0 │ lora on 400 rows, 50 steps │ not timed yet │ 3.0 GiB │ 16.0 GiB"),
        (TIMED, "m0 │ full on 400 rows, 50 steps │ about 2 min │ 3.0 GiB │ 16.0 GiB"),  # 150 s, to the even minute
        (DONE, "m0 │ ia3 on 400 rows, 50 steps (done before) │ - │ 3.0 GiB │ 16.0 GiB"),
        (TRAINED, "m0 │ ia3 on 400 rows, 50 steps (done before) │ took about 12 s (measured) │ 3.0 GiB │ 16.0 GiB"),
        (AWAY, "m0 │ lora on 400 rows │ not timed yet │ - │ -"),
    ],
)
def test_the_row_of_a_training(preparation: Preparation, row: str) -> None:
    assert row in printed([preparation])


@pytest.mark.parametrize(
    ("preparations", "sentence"),
    [
        ([], "30 calls to compute: about 60 s. Nothing was changed."),
        ([DONE], "30 calls to compute: about 60 s. Nothing was changed."),
        ([TIMED, DONE], "1 model to train: about 2 min. 30 calls to compute: about 60 s. Nothing was changed."),
        ([LORA], "1 model to train: not timed yet. 30 calls to compute: about 60 s. Nothing was changed."),
        ([TIMED] * 2, "2 models to train: about 5 min. 30 calls to compute: about 60 s. Nothing was changed."),
        ([TIMED] * 60, "60 models to train: about 2.5 h. 30 calls to compute: about 60 s. Nothing was changed."),
        (
            [TIMED, LORA],
            "2 models to train: about 2 min, and 1 of them is not timed yet. 30 calls to compute: about 60 s. Nothing was changed.",
        ),
        (
            [TIMED, LORA, AWAY],
            "3 models to train: about 2 min, and 2 of them are not timed yet. 30 calls to compute: about 60 s. Nothing was changed.",
        ),
    ],
)
def test_the_total_includes_the_training(preparations: list[Preparation], sentence: str) -> None:
    assert sentence in printed(preparations)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (CallCounts(calls=0), "0 calls to compute. Nothing was changed."),
        (CallCounts(calls=1), "1 call to compute: no call of this model timed yet. Nothing was changed."),
    ],
)
def test_the_calls_of_the_total(counts: CallCounts, sentence: str) -> None:
    assert sentence in printed([], counts)


ESCAPES = [
    "\x1b[31mred",
    "\u202egnp.exe",
    "a \u2067b\u2069",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\x1bP+q\x1b\\",
    "a\x7fb",
    "\x1b[2K\rgone",
    "\x1b]8;;http://x\x1b\\link",
]
OBEYED = {chr(code) for code in (*range(32), 127, *range(128, 160), 0x202E, 0x2067, 0x2069)} - {"\n", "\t"}


@pytest.mark.parametrize("text", ESCAPES)
def test_what_a_terminal_would_obey_is_inert(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In a line, a table, a style and on a terminal; the console's own colours stay."""
    console = make_console()
    table = Table("name", title=text)
    table.add_row(text)
    for shown in (text, Text(text, "bold"), table):
        console.print(shown)
    printed_text = capsys.readouterr().out
    assert not OBEYED & set(printed_text)
    assert f"│ {inert(text)}".replace("\r", "\ufffd") in printed_text  # the whole name, in a cell of its width
    colours = InertConsole(
        file=io.StringIO(), force_terminal=True, color_system="standard", markup=False, highlight=False
    )
    colours.print(Text("warning", "red"), text)
    shown = colours.file.getvalue().replace("\x1b[31m", "", 1).replace("\x1b[0m", "", 1)
    assert not OBEYED & set(shown)
    assert "warning" in shown


@pytest.mark.parametrize("text", ESCAPES)
def test_progress_and_notes_are_inert(text: str) -> None:
    """What models log, and the names of cells in a live display."""
    console = InertConsole(file=io.StringIO(), force_terminal=True, color_system=None, markup=False)
    with display(console) as progress:
        progress.start(Cell(text, text))
        log_to(progress.note)
        logging.getLogger("harness").warning("the server says %s", text)
        progress.finish(text)
    shown = console.file.getvalue()
    assert "the server says" in shown
    for sequence in (text, text.partition("m")[0] if "[31m" in text else text):
        assert sequence not in shown


@pytest.mark.parametrize("text", ["\\e[31mred", "\\x9b2J", "\\e]0;title\\a"])
def test_mistakes_of_a_suite_are_inert(text: str, write_suite: Callable[..., Path]) -> None:
    path = write_suite(
        f'name: s\nmodels: {{"m{text}": {{openai: {{model: "{text}", url: "ftp://{text}"}}}}}}\n"{text}": 1\n'
    )
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) >= 3
    assert all(line.startswith("error: ") for line in result.stderr.splitlines())
    assert not OBEYED & set(result.stderr)


BAR = "━"
REASONS = ["connection refused by http://localhost:11434", "HTTP 503: overloaded", "没有回答"]


@pytest.mark.parametrize("reason", REASONS)
def test_a_log_says_once_what_the_run_waits_for(reason: str) -> None:
    console = InertConsole(file=io.StringIO(), force_terminal=False, width=60, markup=False, highlight=False)
    with display(console) as progress:
        progress.start(Cell("norm", "plain"))
        progress.expect(3)
        progress.wait("")
        for _ in range(3):
            progress.wait(reason)
        progress.wait("")
        progress.wait("")
        progress.wait(reason)
        progress.advance(1)
    name = "norm × plain"
    waiting = f"{name}: waiting: {reason}"
    assert console.file.getvalue().splitlines() == [waiting, f"{name}: goes on", waiting]


@pytest.mark.parametrize("reason", [*REASONS, "a reason of many words " * 20])
def test_a_bar_shows_what_the_run_waits_for(reason: str) -> None:
    console = InertConsole(
        file=io.StringIO(), force_terminal=True, color_system=None, width=200, markup=False, highlight=False
    )
    with display(console) as progress:
        progress.start(Cell("norm", "plain"))
        progress.expect(3)
        progress.wait(reason)
        progress.advance(1, 5)
        waiting = drawn(progress.progress(), 200)
        assert f"1/3 · waiting: {reason[:60]}{'…' if len(reason) > 60 else ''}" in waiting
        assert "tokens/s" not in waiting
        progress.wait("")
        progress.advance(1, 5)
        assert "waiting" not in drawn(progress.progress(), 200)
        assert "tokens/s" in drawn(progress.progress(), 200)


def drawn(progress: RunProgress, width: int) -> str:
    """A region of a terminal of this width, without colours."""
    console = InertConsole(file=io.StringIO(), color_system=None, width=width, markup=False, highlight=False)
    console.print(progress_region(progress, width))
    return console.file.getvalue()


FACTS = {
    "stage": "predict", "work": "norm × lora", "done": 120, "total": 400, "rate": 85.4, "item_rate": 3.25, "left": 86.0,
    "left_run": 720.0, "finished": 2, "pieces": 8, "failed": 2, "cost": 0.35, "currency": "USD",
}  # fmt: skip


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (40, ["norm × lora", BAR, "120/400 · 3.2 items/s · 85 tokens/s", "about 86 s left",
              "cell 3 of 8 · run: about 12 min left", "0.35 USD so far · 2 calls failed"]),
        (120, ["norm × lora", BAR, "120/400 · 3.2 items/s · 85 tokens/s · about 86 s left",
               "cell 3 of 8 · run: about 12 min left · 0.35 USD so far · 2 calls failed"]),
    ],
)  # fmt: skip
def test_a_region_fits_its_terminal(width: int, lines: list[str]) -> None:
    shown = [line.rstrip() for line in drawn(RunProgress(**FACTS), width).splitlines()]
    assert [BAR if line.startswith("━") else line for line in shown] == lines
    assert max(map(len, shown)) <= width


@pytest.mark.parametrize(("variable", "is_plain"), [("", False), ("false", False), ("true", True), ("1", True)])
def test_a_build_service_gets_plain_lines(variable: str, is_plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", variable)
    monkeypatch.setenv("TERM", "xterm")
    console = InertConsole(file=io.StringIO(), force_terminal=True, width=60, markup=False, highlight=False)
    with display(console) as progress:
        progress.begin("norm × plain")
        progress.expect(4)
        progress.recall(4)  # from the cache: done at once
        progress.finish("4 done, 0 calls in 0.0 s, 4 cached")
    written = console.file.getvalue()
    assert ("\x1b" not in written) == is_plain
    assert "norm × plain: 4 done, 0 calls in 0.0 s, 4 cached" in written
    assert "0/" not in written


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    console = InertConsole(file=io.StringIO(), force_terminal=True, width=60, markup=False, highlight=False)
    console.print(progress_region(RunProgress(**FACTS), 60))
    assert not re.findall(r"\x1b\[(?:3|4|9)\d", console.file.getvalue())


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["method", "lora"], ["method lora", "r  default: 8", "alpha  default: null"]),
        (["model", "scripted"], ["rules[].match  required", "echo  default: 'no'"]),
        (["suite", "prices"], ["currency  default: USD", "models.NAME.million_tokens_in  required"]),
        (["metric", "choice"], ["It has no parameters."]),
        (["suite"], ["`harness list suite NAME` shows the parameters of one of them."]),
    ],
)
def test_parameters_fit_a_narrow_terminal(
    arguments: list[str], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    result = CliRunner().invoke(app, ["list", *arguments])
    assert result.exit_code == 0
    own = [line.rstrip() for line in result.output.splitlines()]
    assert [line for line in lines if line not in own] == []
    assert [line for line in own if len(line) > 40 and not line.startswith("`")] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["metrics"], "'metrics' is not a kind of component (did you mean metric?)"),
        (["metric", "bleuu"], "metric 'bleuu' is not known (did you mean bleu?)"),
        (["suite", "price"], "section 'price' is not known (did you mean prices?)"),
        (["models"], "`harness list models` needs --server URL"),
    ],
)
def test_what_is_not_there_to_be_listed_has_its_remedy(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["list", *arguments])
    assert (result.exit_code, result.stderr.startswith(f"error: {message}")) == (2, True)
    assert result.stderr.count("\n") == 1
