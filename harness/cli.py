"""The command line: parse, call, print. The only place that joins the packages; no logic lives here."""

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from harness.errors import HarnessError
from harness.runtime.process_settings import settle_process

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.export.export import Export, TunedEntry
    from harness.records.finished_run import FinishedRun
    from harness.runtime.run_folder import RunFolder


class Commands(typer.core.TyperGroup):
    """A HarnessError, or what the system refuses, is one line a mistake and exit 2; Ctrl-C is exit 130; else a bug."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of our output has seen enough
            raise
        except (HarnessError, OSError, KeyboardInterrupt) as error:
            from harness.printing import print_failure

            raise typer.Exit(print_failure(error)) from error


app = typer.Typer(
    cls=Commands,
    help="Prompting, RAG or fine-tuning? One suite file, one command, one honest report.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip
data_app = typer.Typer(help="Look at a suite's data.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")
export_app = typer.Typer(
    help="Hand what a suite trains to other tools.", no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip
app.add_typer(export_app, name="export")

SuitePath = Annotated[Path, typer.Argument(metavar="SUITE", help="A suite file, e.g. suites/quickstart/suite.yaml")]
Out = Annotated[
    Path | None, typer.Option(help="Run folder; default: runs/NAME/TIME, or the unfinished run", metavar="DIR")
]
Stage = Annotated[
    str,
    typer.Option(
        "--from",
        help="First stage: train, index, predict, latency, score, summarize or report; the later ones follow",
        metavar="STAGE",
    ),
]

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps; auto: as models take it", metavar="DEVICE")]
Trained = Annotated[str, typer.Argument(metavar="MODEL", help="A model that the suite trains, by its name there")]
ExportOut = Annotated[
    Path | None, typer.Option("--out", help="A new or empty folder; default: exports/NAME/MODEL", metavar="DIR")
]
Empty = Annotated[Path, typer.Option("--out", help="A new or empty folder", metavar="DIR")]


@app.command()
def run(suite: SuitePath, out: Out = None, start: Stage = "train") -> None:
    """Run a suite and write its report. Interrupted? The same command goes on where it stopped."""
    from harness import run as engine
    from harness.printing import log_to, make_console, print_lost_cells
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.context import Context
    from harness.runtime.progress import display
    from harness.runtime.run_lookup import folder_for, run_at
    from harness.suite.parser import load_suite
    from reports.html import render

    if start not in engine.STAGES:
        raise HarnessError(f"--from {start}: must be one of {', '.join(engine.STAGES)}")
    loaded = load_suite(suite)
    console = make_console()
    folder = folder_for(loaded, out) if start == "train" else run_at(out or Path("runs") / loaded.name)
    with closing(Cache(cache_root() / "calls.sqlite")) as cache, display(console) as progress:
        log_to(progress.note)
        context = Context(loaded.models, cache, progress, loaded.seed, loaded.secrets)
        page = engine.run(loaded, folder, context, render, start)
    raise typer.Exit(int(print_lost_cells(_print_report(folder, page, console))))


@app.command()
def plan(suite: SuitePath) -> None:
    """Show the cells of a suite, what is cached and what a run would compute. Changes nothing."""
    from harness.components.display import Display
    from harness.printing import make_console, print_plan
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.dry_context import DryContext
    from harness.stages.plan import plan as engine
    from harness.suite.parser import load_suite

    loaded = load_suite(suite)
    with closing(Cache(cache_root() / "calls.sqlite", read_only=True)) as cache:
        planned = engine(loaded, DryContext(loaded.models, cache, Display(), loaded.seed))
    print_plan(planned, make_console())


@app.command()
def check(suite: SuitePath) -> None:
    """Check a suite file, its data, prompts and the models' paths: what a run would refuse at once. Asks no model."""
    from harness.printing import make_console
    from harness.stages.rehearse import examine
    from harness.suite.parser import load_suite
    from harness.text.counting import counted

    loaded = load_suite(suite)
    examine(loaded)
    sections = {"model": loaded.models, "task": loaded.tasks, "variant": loaded.variants}
    counts = ", ".join(counted(len(entries), noun) for noun, entries in sections.items())
    make_console().print(f"{suite}: no mistakes ({counts})", soft_wrap=True)


@app.command()
def selftest(device: Device = "auto") -> None:
    """Prove with tiny models that this installation computes what it should. Exit status 1: a proof failed."""
    from harness.printing import make_console, print_self_test
    from harness.runtime.progress import display
    from harness.selftest.selftest import self_test

    console = make_console()
    with display(console) as progress:
        record = self_test(device, progress)
    raise typer.Exit(int(not print_self_test(record, console)))


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or runs/NAME for its newest run")],
) -> None:
    """Write the report of a finished run again and print its table."""
    from harness.printing import make_console
    from harness.run import write_page
    from harness.runtime.run_lookup import run_at
    from reports.html import render

    folder = run_at(run)
    _print_report(folder, write_page(folder, render), make_console())


@app.command()
def calibrate(
    suite: SuitePath,
    labels: Annotated[
        Path, typer.Option(metavar="FILE", help="What people said: .csv, .tsv, .json or .jsonl; see docs/judging.md")
    ],
    metric: Annotated[
        str | None, typer.Option(metavar="TASK.METRIC", help="Which metric's judges; default: the one that fits")
    ] = None,
    items: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The answers, where the labels are a bare list of scores")
    ] = None,
    answer: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of the answers; default: answer or response")
    ] = None,
) -> None:
    """Measure a suite's judges against people: agreement, Cohen's kappa, rank correlation, the annotators' own.

    The judges are asked as a run asks them. What is found is kept and shown in every report of a run with the same
    judge (model, rubric and options), and decides there whether the suite's `trust` lets it decide. For example:

    harness calibrate suite.yaml --labels ratings.csv --metric summary.judge
    """
    from harness.judging.people.calibrate import calibrate as engine
    from harness.judging.people.calibration_table import print_calibrations
    from harness.printing import log_to, make_console
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.context import Context
    from harness.runtime.progress import display
    from harness.stages.prove import prove_judges
    from harness.suite.parser import load_suite

    loaded = load_suite(suite)
    console = make_console()
    with closing(Cache(cache_root() / "calls.sqlite")) as cache, display(console) as progress:
        log_to(progress.note)
        context = Context(loaded.models, cache, progress, loaded.seed, loaded.secrets)
        prove_judges(loaded, progress)
        calibrations = engine(loaded, labels, metric, context, items, answer)
    print_calibrations(calibrations, loaded.trust, console)


@app.command("list")
def list_components(
    kind: Annotated[str | None, typer.Argument(help="e.g. model, metric, variant; default: all")] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="`list models`: those of this server")] = None,
    api_key: Annotated[str, typer.Option(metavar="NAME", help="Environment variable of its key")] = "OPENAI_API_KEY",
) -> None:
    """List the components a suite can name, or by `list models --server URL` the models that a server has."""
    from harness.models.listing.command import list_models
    from harness.printing import make_console, print_kinds

    if server is None:
        print_kinds(kind, make_console())
    else:
        list_models(kind, server, api_key, make_console())


@app.command()
def schema() -> None:
    """Print the JSON schema of a suite file, for editors."""
    from harness.suite.schema import suite_schema

    ascii_only = not sys.stdout.encoding.lower().startswith("utf")
    print(json.dumps(suite_schema(), indent=1, ensure_ascii=ascii_only))


@data_app.command()
def describe(suite: SuitePath) -> None:
    """Per task: rows, splits, token lengths, duplicates, targets per row, and one rendered prompt."""
    from harness.printing import log_to, make_console, print_description
    from harness.stages.describe import describe as describe_task
    from harness.stages.prepare import prepare, token_counter
    from harness.suite.parser import load_suite

    loaded = load_suite(suite)
    console = make_console()
    log_to(console.print)
    for task in prepare(loaded).values():
        print_description(describe_task(task, token_counter(loaded)), console)


@export_app.command("llamafactory")
def export_llamafactory(suite: SuitePath, model: Trained, out: ExportOut = None) -> None:
    """Write data and train.yaml for LLaMA-Factory to train the same thing.

    Comments in train.yaml say what it cannot express; methods that LLaMA-Factory lacks are refused. For example:

    harness export llamafactory suite.yaml lora --out lf; cd lf; llamafactory-cli train train.yaml
    """
    from adapters.export.export import export_llamafactory as write

    _export(write, suite, model, out)


@export_app.command("merged")
def export_merged(suite: SuitePath, model: Trained, out: Empty) -> None:
    """Write a trained model as one checkpoint.

    Base and trained weights in float32, with the tokenizer: anything can load it. Run the suite first.
    """
    from adapters.export.export import export_merged as write

    _export(write, suite, model, out)


@export_app.command("adapter")
def export_adapter(suite: SuitePath, model: Trained, out: Empty) -> None:
    """Copy a trained adapter as PEFT reads it.

    That is adapter_config.json and adapter_model.safetensors, without the base. Run the suite first.
    """
    from adapters.export.export import export_adapter as write

    _export(write, suite, model, out)


def main() -> None:
    """Entry point of the command `harness`."""
    settle_process()
    app()


def _print_report(folder: "RunFolder", page: Path, console: "Console") -> "FinishedRun":
    """Print what a run came to, and where its page is."""
    from reports.terminal import print_summary

    finished = folder.finished()
    print_summary(finished, console)
    console.print(f"\nReport: {page}", soft_wrap=True)
    return finished


def _export(write: "Callable[[TunedEntry, Any], Export]", path: Path, name: str, out: Path | None) -> None:
    """Export a model that a suite trains, bound to what it learns from, and print what was written."""
    from adapters.export.export import TunedEntry, find_tuned
    from harness.printing import make_console
    from harness.stages.prepare import prepare
    from harness.suite.parser import load_suite

    suite = load_suite(path)
    model = find_tuned(suite.models, suite.expansion.members, name)
    prepare(suite)
    export, console = write(TunedEntry(name, model, suite.name, suite.path), out), make_console()
    for file in export.files:
        console.print(str(export.folder / file), soft_wrap=True)
    console.print(f"\nNext: {export.next}", soft_wrap=True)
