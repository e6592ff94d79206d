"""The commands that make a run, foretell it, or show what came of it."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.arguments import DryRun, Out, OutputOptions, PartOptions, Speech, Stage, SuitePath
from harness.cli.computing import HERE, PlaceOptions
from harness.cli.model_plan import names_model, print_model_needs
from harness.cli.option_groups import with_groups
from harness.cli.run_output import RunOutput
from harness.errors import HarnessError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.records.finished_run import FinishedRun
    from harness.records.inputs import Language
    from harness.runtime.run_folder import RunFolder


@with_groups
def run(
    suite: SuitePath, out: Out = None, start: Stage = "train", is_dry: DryRun = False, *, part: PartOptions,
    output: OutputOptions, place: PlaceOptions,
) -> None:  # fmt: skip
    """Run a suite and write its report. Interrupted? The same command goes on where it stopped.

    A limited run (--limit, --only, --task, --skip-training) tries a suite on less: it lies in runs/NAME/limited, is
    marked wherever it is shown, and leaves its answers in the cache for the whole run. For example:

    harness run suite.yaml --limit 10 --only base,rag

    Several processes or machines divide a run by --shard 1/3, 2/3 and 3/3: each answers its share of the items and
    leaves a part, in runs/NAME/parts unless --out says otherwise. `harness merge` joins the parts to one run.

    Exit status: 0 the run is complete; 1 it is complete but some cell has no value, or a server is gone; 2 the suite,
    its data or an option is refused, and the message says what to mend; 130 interrupted.
    """
    streams = RunOutput(output)
    with streams.failing():
        if is_dry:
            _show_plan(suite, part, streams, place=place)
            return
        code = _run(suite, part, streams, out, start, place)
    raise typer.Exit(code)


def _run(suite: Path, part: PartOptions, streams: RunOutput, out: Path | None, start: str, place: PlaceOptions) -> int:
    """Run a suite or a part of it; returns the exit code."""
    from harness import run as engine
    from harness.cluster.run_place import door_to, suite_at
    from harness.printing import log_to
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.progress_file import recorded
    from harness.runtime.run_lookup import folder_for, folder_from
    from harness.stages.choose_part import scope_lines
    from harness.stages.due_stages import STAGES, due_stages

    if start not in STAGES:
        raise HarnessError(f"--from {start}: must be one of {', '.join(STAGES)}")
    with suite_at(place.wish(), suite, part.narrowing(), streams.say) as (loaded, workers):
        due_stages(loaded, start)
        streams.say(*scope_lines(loaded))
        folder = folder_for(loaded, out) if start == "train" else folder_from(loaded, out)
        with (
            closing(Cache(cache_root() / "calls.sqlite")) as cache,
            streams.displaying() as bars,
            recorded(bars, folder.progress) as progress,
        ):
            log_to(progress.note)
            context, ahead = door_to(loaded, cache, progress, workers)
            page = engine.run(loaded, folder, context, streams.render, start, ahead=ahead)
    return streams.finish(folder, page) if loaded.scope.shard is None else streams.finish_part(folder)


def _show_plan(
    suite: Path, part: PartOptions, streams: RunOutput, discordance: float = 0.2, place: PlaceOptions = HERE
) -> None:
    """What a run of a suite, or of a part of it, would compute."""
    from harness.cluster.run_place import suite_at
    from harness.components.display import Display
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.dry_context import DryContext
    from harness.stages.choose_part import scope_lines
    from harness.stages.plan import plan as engine

    with (
        suite_at(place.wish(), suite, part.narrowing(), streams.say) as (loaded, _),
        closing(Cache(cache_root() / "calls.sqlite", read_only=True)) as cache,
    ):
        streams.say(*scope_lines(loaded))
        planned = engine(loaded, DryContext(loaded.models, cache, Display(), loaded.seed), discordance)
    streams.show_plan(planned, loaded.scope.record())


@with_groups
def plan(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUITE|MODEL",
            help="A suite file; or a model: a folder with config.json, a .gguf, a hub id, pypi:… or modelscope:…",
        ),
    ],
    discordance: Annotated[
        float, typer.Option(help="Of a suite: share of the items that two variants answer differently")
    ] = 0.2,
    tokens: Annotated[
        int, typer.Option(min=8, help="Of a model: tokens of a prompt with its answer, and of a training row")
    ] = 2048,
    *,
    part: PartOptions,
    place: PlaceOptions,
) -> None:
    """Show what a suite would compute and could decide, or what a model by itself needs in memory.

    Of a suite: its cells, what a run would compute, and what it could decide then; nothing is changed. Of a model, e.g.
    `harness plan Qwen/Qwen3-0.6B`: memory by precision (float32, float16 or bfloat16, int8, 4 bit) for its weights,
    for answering, and for training by full, lora and qlora, beside what this machine has. Of a hub id only the
    configuration is fetched; a package is downloaded and kept.
    """
    if names_model(subject):
        from adapters.memory.by_precision import model_needs
        from harness.printing import make_console

        if part != PartOptions() or place != HERE:
            raise HarnessError(
                f"{subject} is a model: --limit, --only, --task, --skip-training, --shard, --on and --devices are of a "
                "suite"
            )
        print_model_needs(model_needs(subject, tokens), make_console())
        return
    _show_plan(Path(subject), part, RunOutput(OutputOptions()), discordance, place)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or runs/NAME for its newest run")],
    language: Speech = None,
) -> None:
    """Write the report of a finished run again and print its table."""
    from harness.printing import make_console
    from harness.run import write_page
    from harness.runtime.run_lookup import run_at
    from reports.html import render

    folder = run_at(run)
    _print_report(folder, write_page(folder, partial(render, language=language)), make_console(), language)


def view(
    place: Annotated[
        Path, typer.Argument(metavar="RUN|DIR", help="A run folder, or a folder with runs below it")
    ] = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; taken: the next free one")] = 8765,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the browser, too")] = False,
    language: Speech = None,
) -> None:
    """Show runs in the browser: what each recommends, how far it is, its report. Changes nothing; Ctrl-C ends it."""
    from harness.printing import make_console
    from harness.runtime.run_shelf import RunShelf
    from reports.html import render
    from reports.viewer.report_desk import ReportDesk
    from reports.viewer.routes import Routes
    from reports.viewer.viewer_server import open_server, serve

    console, shelf = make_console(), RunShelf(place)
    routes = Routes(shelf, ReportDesk(shelf, partial(render, language=language)), language)
    server = open_server(port, routes, console.print)
    serve(server, lambda address: console.print(f"{place}: {address} (Ctrl-C ends it)", soft_wrap=True), is_opened)


def _print_report(
    folder: "RunFolder", page: Path, console: "Console", language: "Language | None" = None
) -> "FinishedRun":
    """Print what a run came to, and where its page is."""
    from harness.runtime.run_excerpt import excerpt_of
    from reports.terminal import print_place, print_summary

    finished = excerpt_of(folder)
    print_summary(finished, console, language=language or "en")
    print_place(page, console, language or "en")
    return finished
