"""The command line: parse, call, print. The only place that joins the packages; no logic lives here."""

import typer

from harness.cli.caching import prune, publish_cache, show_cache, verify_cache
from harness.cli.calibrating import calibrate
from harness.cli.checking import check, schema, selftest
from harness.cli.command_group import Commands
from harness.cli.comparing import accept_baseline, compare, show_baseline
from harness.cli.component_list import list_components
from harness.cli.describing import describe
from harness.cli.doctoring import doctor
from harness.cli.exporting import export_adapter, export_llamafactory, export_merged, export_ollama
from harness.cli.gating import gate
from harness.cli.joining import merge
from harness.cli.lm_eval_command import PASSED_ON, lm_eval
from harness.cli.nights import nightly, prune_runs
from harness.cli.rating import rate
from harness.cli.run_exporting import (
    export_csv,
    export_inspect,
    export_mlflow,
    export_parquet,
    export_responses,
    export_wandb,
)
from harness.cli.running import plan, report, run, view
from harness.cli.starting import init
from harness.cli.status import status
from harness.cli.suites import copy_suite, list_suites
from harness.cli.trending import trend
from harness.cli.version import about
from harness.runtime.process_settings import settle_process

app = typer.Typer(
    cls=Commands,
    help="Prompting, RAG or fine-tuning? One suite file, one command, one honest report.",
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
)  # fmt: skip
app.callback()(about)
data_app = typer.Typer(help="Look at a suite's data.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")
export_app = typer.Typer(
    help="Hand what a suite trains, or what came of a run, to other tools.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip
app.add_typer(export_app, name="export")

suites_app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
suites_app.callback()(list_suites)
suites_app.command("copy")(copy_suite)
app.add_typer(suites_app, name="suites")

baseline_app = typer.Typer(
    help="Keep the run that later ones are held against.", no_args_is_help=True, rich_markup_mode=None
)
baseline_app.command("accept")(accept_baseline)
baseline_app.command("show")(show_baseline)
app.add_typer(baseline_app, name="baseline")
app.command()(compare)
cache_app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
cache_app.callback()(show_cache)
cache_app.command("verify")(verify_cache)
cache_app.command("prune")(prune)
cache_app.command("publish")(publish_cache)
app.add_typer(cache_app, name="cache")

for command in (init, run, plan, status, check, doctor, selftest, report, view, rate, calibrate):
    app.command()(command)
app.command()(gate)
app.command()(merge)
app.command("list")(list_components)
app.command()(schema)
app.command()(trend)
app.command()(nightly)
app.command("prune")(prune_runs)
app.command("lm-eval", context_settings=PASSED_ON)(lm_eval)
data_app.command()(describe)
export_app.command("llamafactory")(export_llamafactory)
export_app.command("responses")(export_responses)
export_app.command("merged")(export_merged)
export_app.command("adapter")(export_adapter)
export_app.command("ollama")(export_ollama)
export_app.command("csv")(export_csv)
export_app.command("parquet")(export_parquet)
export_app.command("inspect")(export_inspect)
export_app.command("mlflow")(export_mlflow)
export_app.command("wandb")(export_wandb)


def main() -> None:
    """Entry point of the command `harness`."""
    settle_process()
    app()
