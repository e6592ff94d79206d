"""The command that shows all runs of a suite, night after night."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.arguments import Speech
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.records.trends import LeftOut
    from harness.regression.history import History

Runs = Annotated[
    Path, typer.Argument(metavar="DIR", help="The runs of a suite, such as runs/NAME; or a folder of several suites")
]
Page = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="The page; default: DIR/trend.html, or DIR/NAME-trend.html")
]
Opened = Annotated[bool, typer.Option("--open", help="Open the browser, too")]


def trend(place: Runs, out: Page = None, language: Speech = None, is_opened: Opened = False) -> None:
    """Show all runs of a suite in one page: figures, shifts, changes, flaky items, cost; offline, one file.

    Of each run only its record and its figures are read. Limited and unfinished runs are in no line, and named; so are
    runs that cannot be read. For example:

    harness trend runs/demo --out trend.html --open
    """
    import webbrowser

    from harness.printing import make_console
    from harness.regression.history import read_histories
    from harness.regression.trend import make_trend
    from harness.runtime.whole_files import replace_file, writing
    from reports.terminal_trend import print_trend
    from reports.trend_page import render_trend

    console = make_console()
    histories, nameless = read_histories(place)
    _refuse_unfit(place, out, histories, nameless)
    for history in histories:
        found = make_trend(history, str(place))
        page = out or place / ("trend.html" if len(histories) == 1 else f"{_file_name(history.suite)}-trend.html")
        with writing(page):
            replace_file(page, [render_trend(found, language or "en").encode()])
        print_trend(found, page, console, language or "en")
        if is_opened:
            webbrowser.open(page.resolve().as_uri())
    for own in nameless:
        console.print(f"{own.key}: cannot be read: {own.problem}", soft_wrap=True)


def _refuse_unfit(place: Path, out: Path | None, histories: "Sequence[History]", nameless: "Sequence[LeftOut]") -> None:
    """Raise HarnessError where there is nothing to show, or one page for several suites."""
    if not histories:
        broken = "".join(f"; {own.key}: {own.problem}" for own in nameless)
        raise HarnessError(f"{place}: no runs here{broken}; name a folder with runs below it, such as runs/NAME")
    if out is not None and len(histories) > 1:
        names = ", ".join(history.suite for history in histories)
        raise HarnessError(
            f"--out {out}: {place} holds runs of {len(histories)} suites ({names}); name the runs of one"
        )


def _file_name(suite: str) -> str:
    """A suite's name as part of a file's name."""
    return "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in suite) or "suite"
