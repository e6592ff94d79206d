"""The commands of every night: run, gate and trend in one; and what of runs and cache is kept."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.arguments import Speech, SuitePath
from harness.errors import HarnessError, InterruptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from harness.records.night_outcomes import NightOutcome
    from harness.runtime.run_folder import RunFolder
    from harness.suite.suite import Suite

INCONCLUSIVE = 3  # a night whose server went away says nothing of the suite

NightBaseline = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="DIR", help="What the night is held against; default: baseline/NAME"),
]
NightPolicy = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="What it is held to (docs/gate.md); default: built in")
]
KeepNights = Annotated[
    int | None, typer.Option("--keep", min=1, metavar="N", help="Then remove all but the newest N nights")
]
Pruned = Annotated[Path, typer.Argument(metavar="DIR", help="The runs of a suite, or a folder of several suites")]
CacheBelow = Annotated[
    str | None,
    typer.Option(
        "--cache-below", metavar="SIZE", help="E.g. 20GB: remove from the cache what was not used for longest"
    ),
]
OnlyShown = Annotated[bool, typer.Option("--dry-run", help="Only say what would go")]
Baselines = Annotated[
    list[Path] | None,
    typer.Option("--baseline", metavar="DIR", help="Its run stays, too; those of baseline/* stay anyway"),
]
WithBaselines = Annotated[bool, typer.Option("--with-baselines", help="Remove the runs of baselines as well")]


def nightly(
    suite: SuitePath, baseline: NightBaseline = None, policy: NightPolicy = None, keep: KeepNights = None,
    language: Speech = None,
) -> None:  # fmt: skip
    """Run a suite, hold it against its baseline, and show it among all nights; killed, the same command goes on.

    Writes runs/NAME/nightly/summary.md, junit.xml, gate.json and trend.html. Exit status: 0 PASS, WARN, or no baseline
    yet; 1 BLOCK; 2 refused, and the message says what to mend; 3 INCONCLUSIVE, or a server is gone; 4 NOT COMPARABLE;
    130 interrupted. For example:

    harness nightly suite.yaml --baseline baseline/demo --policy gate.yaml --keep 60
    """
    from harness.cli.gating import gated
    from harness.nightly import NightOptions, NightSteps, exit_code
    from harness.nightly import nightly as engine
    from harness.printing import make_console
    from harness.suite.parser import load_suite
    from reports.night_summary import print_night

    console = make_console()
    loaded = load_suite(suite)
    options = NightOptions(
        baseline=baseline or Path("baseline") / loaded.name,
        policy=policy,
        keep=keep,
        protected=frozenset(_baseline_runs([])),
    )
    steps = NightSteps(
        run=partial(_run, console=console, language=language), gate=gated, render=partial(_files, language=language)
    )
    try:
        outcome = engine(loaded, options, steps)
    except InterruptionError as error:
        from harness.printing import print_failure

        print_failure(error)
        raise typer.Exit(INCONCLUSIVE) from error
    print_night(outcome, console, language or "en")
    raise typer.Exit(exit_code(outcome))


def _run(suite: "Suite", folder: "RunFolder", console: "Console", language: Speech) -> None:
    from harness import run as engine
    from harness.printing import log_to
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.context import Context
    from harness.runtime.progress import display
    from harness.runtime.progress_file import recorded
    from reports.html import render

    with (
        closing(Cache(cache_root() / "calls.sqlite")) as cache,
        display(console) as bars,
        recorded(bars, folder.progress) as progress,
    ):
        log_to(progress.note)
        context = Context(suite.models, cache, progress, suite.seed, suite.secrets)
        engine.run(suite, folder, context, partial(render, language=language))


def _files(outcome: "NightOutcome", language: Speech) -> dict[str, str]:
    """What came of a night, by the names of its files."""
    from harness.nightly import JUNIT, SUMMARY, TREND, VERDICT
    from reports.gate_files.gate_json import gate_json
    from reports.gate_files.gate_junit import gate_junit
    from reports.night_summary import night_markdown
    from reports.trend_page import render_trend

    files = {TREND: render_trend(outcome.trend, language or "en"), SUMMARY: night_markdown(outcome, language or "en")}
    if outcome.result is not None:
        files |= {JUNIT: gate_junit(outcome.result, language or "en"), VERDICT: gate_json(outcome.result)}
    return files


def prune_runs(
    place: Pruned = Path("runs"), keep: KeepNights = None, cache_below: CacheBelow = None, is_dry: OnlyShown = False,
    baselines: Baselines = None, with_baselines: WithBaselines = False,
) -> None:  # fmt: skip
    """Remove old nights, and from the cache what was not used for longest; says what goes, and how much that frees.

    A run that goes on stays, and so do runs of baselines, folders with files that no run writes (ratings, labels), and
    whatever is no run. For example:

    harness prune runs/demo --keep 30 --cache-below 20GB --dry-run
    """
    from harness.cli.caching import parse_size, print_pruned
    from harness.printing import make_console
    from harness.runtime.pruning import prune_cache
    from harness.runtime.run_pruning import plan_run_pruning, remove_runs
    from reports.night_summary import print_run_pruning

    if keep is None and cache_below is None:
        raise HarnessError("nothing to prune: say --keep N nights, --cache-below SIZE, or both")
    below = None if cache_below is None else parse_size(cache_below, "--cache-below")
    console = make_console()
    if keep is not None:
        protected = [] if with_baselines else _baseline_runs(baselines or [])
        runs = plan_run_pruning(place, keep, protected)
        print_run_pruning(runs, place, console, is_dry)
        if not is_dry:
            for own in remove_runs(runs, place):
                console.print(f"{own.name} stays: {own.detail or 'a run is writing to it'}", soft_wrap=True)
    if below is not None:
        print_pruned(prune_cache(below, is_dry=is_dry), below, is_dry, console)


def _baseline_runs(places: "Sequence[Path]") -> list[str]:
    """The names of the folders of runs that are baselines: of these, and of all that lie where they usually do."""
    from harness.regression.baseline_folder import is_baseline, read_head

    usual = Path("baseline")
    folders = [*places, *(sorted(usual.iterdir()) if usual.is_dir() else [])]
    names = []
    for folder in folders:
        if is_baseline(folder):
            names.append(str(read_head(folder)["key"]))
        elif folder in places and (folder / "run.json").is_file():
            names.append(folder.resolve().name)
        elif folder in places:
            raise HarnessError(f"--baseline {folder}: neither a baseline nor a run folder")
    return names
