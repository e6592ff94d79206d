"""The commands that hand what came of a run to other tools."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.records.finished_run import FinishedRun
    from harness.runtime.run_folder import RunFolder

RunPlace = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or runs/NAME for its newest run")]
RunOut = Annotated[
    Path | None, typer.Option("--out", help="A new or empty folder; default: exports/NAME/TIME/FORM", metavar="DIR")
]
FILES = ("report.html", "summary.json", "run.json")  # what a tracker keeps beside the figures


def export_responses(
    run: RunPlace,
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="One variant only; default: all")] = None,
    out: RunOut = None,
) -> None:
    """Write the answers beside the rows: a JSON list a task and variant, each row as it was with `model_response`.

    Alpaca rows keep instruction, input and output, so that tools which score such files read them as they are.
    """
    from reports.export.responses import write_responses

    _write(run, out, "responses", lambda finished, folder: write_responses(finished, folder, variant))


def export_csv(run: RunPlace, out: RunOut = None) -> None:
    """Write a run as csv: items.csv, figures.csv, usage.csv and comparisons.csv.

    items.csv has a row for each item and variant, with its scores in columns `score.METRIC`. Excel opens Chinese
    rightly; a text that a spreadsheet would compute, such as =1+1, has an apostrophe before it.
    """
    from reports.export.run_tables import run_tables
    from reports.export.table_files import write_csv

    _write(run, out, "csv", lambda finished, folder: write_csv(run_tables(finished), folder))


def export_parquet(run: RunPlace, out: RunOut = None) -> None:
    """Write the tables of `export csv` as parquet, texts as they are. Needs the extra parquet."""
    from reports.export.run_tables import run_tables
    from reports.export.table_files import write_parquet

    _write(run, out, "parquet", lambda finished, folder: write_parquet(run_tables(finished), folder))


def export_inspect(run: RunPlace, out: RunOut = None) -> None:
    """Write a run as logs of inspect_ai, one for each task and variant; look at them with `inspect view`."""
    from reports.export.inspect_logs import write_logs

    _write(run, out, "inspect", write_logs)


def export_mlflow(
    run: RunPlace,
    store: Annotated[
        str | None, typer.Option("--to", help="Tracking URI; default: MLFLOW_TRACKING_URI, or sqlite:///mlflow.db")
    ] = None,
    experiment: Annotated[str | None, typer.Option(help="Default: the name of the suite")] = None,
) -> None:
    """Log a run in MLflow: one MLflow run for each variant, below one that holds the report.

    Needs the extra tracking. `mlflow ui --backend-store-uri sqlite:///mlflow.db` shows it.
    """
    from harness.printing import make_console
    from reports.export.mlflow_run import log_to_mlflow

    folder, finished = _finished(run)
    logged = log_to_mlflow(finished, _files(folder), store, experiment)
    make_console().print(f"MLflow has it as {logged[0]}, with {len(logged) - 1} variants below it", soft_wrap=True)


def export_wandb(
    run: RunPlace,
    out: RunOut = None,
    project: Annotated[str | None, typer.Option(help="Default: the name of the suite")] = None,
    is_online: Annotated[bool, typer.Option("--online", help="Send it now; default: only write it")] = False,
) -> None:
    """Log a run in Weights & Biases: one W&B run for each variant, in one group. Needs the extra tracking.

    Nothing is sent unless --online says so: `wandb sync DIR/wandb/offline-run-*` sends what was written.
    """
    from reports.export.wandb_run import log_to_wandb

    files = _files(_finished(run)[0])
    _write(run, out, "wandb", lambda finished, folder: log_to_wandb(finished, files, folder, project, is_online))


def _finished(place: Path) -> "tuple[RunFolder, FinishedRun]":
    """Raises StoreError for a folder that is no run, and for a run that has no figures yet."""
    from harness.errors import StoreError
    from harness.runtime.run_lookup import run_at
    from harness.runtime.run_shelf import FINISHED

    folder = run_at(place)
    record = folder.read_run()
    if record.get("status") not in FINISHED:
        command = record.get("command") or f"harness run {record['suite'].get('path')}"
        raise StoreError(f"{folder.path} is not finished ({record.get('status')}); first: {command}")
    return folder, folder.finished()


def _files(folder: "RunFolder") -> dict[str, Path]:
    return {name: folder.path / name for name in FILES if (folder.path / name).is_file()}


def _write(place: Path, out: Path | None, form: str, write: "Callable[[FinishedRun, Path], list[str]]") -> None:
    """Write a finished run into a new folder, and print what was written."""
    from harness.printing import make_console
    from harness.runtime.new_folder import new_folder

    folder, finished = _finished(place)
    out = out or Path("exports") / finished.summary.name / folder.path.resolve().name / form
    with new_folder(out) as partial:
        names = write(finished, partial)
    for name in names:
        make_console().print(str(out / name), soft_wrap=True)
