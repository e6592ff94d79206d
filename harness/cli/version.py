"""The options of `harness` itself."""

from typing import Annotated

import typer

import harness


def _print_version(is_requested: bool) -> None:
    if is_requested:
        print(f"harness {harness.__version__}")
        raise typer.Exit


def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit")
    ] = False,
) -> None:
    """Prompting, RAG or fine-tuning? One suite file, one command, one honest report."""
