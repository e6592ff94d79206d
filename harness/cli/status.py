"""The command that tells how far a run is, from another terminal."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import StoreError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.records.run_overviews import RunOverview
    from harness.runtime.run_shelf import RunShelf

SECONDS = 1.0  # between two looks


def status(
    place: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="A run folder, or a folder with runs: the one that goes on, or the newest"),
    ] = Path("runs"),
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run ends; Ctrl-C only stops looking")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Show how far a run is: what it does, how fast, how long it takes still, its cost and failures. Changes nothing.

    Without RUN, it looks below runs/. For example:

    harness status runs/demo --follow

    Exit status: 0 the run goes on, or is finished; 1 it was cut short, or died without a word; 2 there is no such run.
    """
    from harness.printing import make_console
    from harness.runtime.run_shelf import RunShelf

    shelf, console = RunShelf(place), make_console()
    run = _watched(shelf, place, console) if follow else _chosen(shelf, place)
    if as_json:
        content = {**asdict(run), "summary": None, "scope": run.scope.record()}
        print(json.dumps({name: value for name, value in content.items() if name != "summary"}, indent=1))
    else:
        for line in _lines(run, shelf):
            console.print(line, soft_wrap=True)
    raise typer.Exit(int(run.state not in ("running", "part", "complete")))


def _chosen(shelf: "RunShelf", place: Path) -> "RunOverview":
    """The run that goes on, the newest of several; else the newest. Raises StoreError where there is none."""
    runs = shelf.overviews()
    if not runs:
        raise StoreError(f"{place}: no run here; name a folder made by `harness run`, such as runs/NAME")
    return next((run for run in runs if run.state == "running"), runs[0])


def _watched(shelf: "RunShelf", place: Path, console: "Console") -> "RunOverview":
    """The run at its end, shown until then: in one region of a terminal, else in a line every half minute."""
    from rich.live import Live
    from rich.text import Text

    from harness.records.run_overviews import RunProgress
    from harness.runtime.progress import Lines, is_automated, progress_region
    from harness.runtime.progress_text import log_line

    run = _chosen(shelf, place)
    is_drawn = console.is_terminal and not is_automated()
    with Live(Text(""), console=console, transient=True, auto_refresh=False) as region:
        printed = -Lines.interval
        while run.state == "running":
            progress = run.progress or RunProgress(work=run.stage)
            if is_drawn:
                region.update(progress_region(progress, console.width), refresh=True)
            elif time.monotonic() - printed >= Lines.interval:
                printed = time.monotonic()
                console.print(log_line(progress), soft_wrap=True)
            time.sleep(SECONDS)
            run = shelf.overview(run.key) or run
    return run


def _lines(run: "RunOverview", shelf: "RunShelf") -> list[str]:
    """What there is to say of a run."""
    from harness.runtime.part_seals import merge_command
    from harness.runtime.progress_text import piece_facts, run_facts

    place = shelf.root if shelf.is_run else shelf.root / run.key
    limits = f" (limited: {run.scope.options()})" if run.scope.is_limited else ""
    progress = run.progress
    work = (
        []
        if progress is None
        else [progress.work or "preparing", ", ".join([*piece_facts(progress), *run_facts(progress)])]
    )
    again = f"to go on: {run.command}" if run.command else "the same command goes on"
    if run.state == "running":
        return [f"{place}{limits}: running since {run.started}", *filter(None, work or ["preparing"])]
    if run.state == "complete":
        return [f"{place}{limits}: complete since {run.finished}", f"Report: {place / 'report.html'}"]
    if run.state == "part" and run.scope.shard is not None:
        return [
            f"{place}{limits}: finished {run.scope.shard.words} at {run.finished}",
            f"When all {run.scope.shard.of} are done: {merge_command(place, run.scope.shard)}",
        ]
    if run.state == "unreadable":
        return [f"{place}: {run.problem}"]
    if run.died is not None:
        return [f"{place}{limits}: died without a word, last seen at {run.died}", *filter(None, work), again]
    return [f"{place}{limits}: cut short while {run.stage or 'preparing'}", again]
