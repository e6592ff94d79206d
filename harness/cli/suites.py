"""The commands about suites that ship: what there is, what each needs, and a copy to change."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import HarnessError, StoreError, nearest


def list_suites(context: typer.Context) -> None:
    """List the suites that ship: the question of each, and what it needs, with what of that is here.

    Run one by its name, e.g. `harness run quickstart`, or its small form, `harness run exams/mini.yaml`. Data is looked
    for below the folder that the variable DATA names (default: data/ here); nothing is downloaded.
    """
    from harness.printing import make_console
    from harness.suite.data_at_hand import data_variable
    from harness.suite.needs import read_needs
    from harness.suite.shipped import shipped_suites

    if context.invoked_subcommand:
        return
    console = make_console()
    for name, folder in shipped_suites().items():
        needs = read_needs(folder)
        console.print(f"{name}: {needs.question if needs else folder}", soft_wrap=True)
        for line in _needs_of(folder) if needs else ():
            console.print(f"  {line}", soft_wrap=True)
    console.print(f"\n{data_variable()}", soft_wrap=True)


def copy_suite(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A suite that `harness suites` lists")],
    out: Annotated[Path | None, typer.Option("--out", help="A new folder; default: NAME here", metavar="DIR")] = None,
) -> None:
    """Copy a shipped suite with its prompts into a folder of your own, to change it there."""
    from harness.printing import make_console
    from harness.suite.shipped import SUITE, shipped_suites

    suites = shipped_suites()
    if name not in suites:
        raise HarnessError(f"{name}: no suite of this name ships ({nearest(name, suites)})")
    folder = out or Path(name)
    if folder.exists():
        raise StoreError(f"{folder}: is there already; name a new folder with --out")
    shutil.copytree(suites[name], folder, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    make_console().print(f"{folder / SUITE}\n\nNext: harness check {folder}", soft_wrap=True)


def _needs_of(folder: Path) -> Iterator[str]:
    """What a suite needs, a line each, with what of it is here."""
    from harness.components.packages import is_extra_installed
    from harness.suite.needs import missing_files, read_needs
    from harness.text.variables import data_root, value_of

    needs = read_needs(folder)
    assert needs is not None
    for place, data in needs.data.items():
        missing = missing_files(data_root() / place, data)
        state = f"not here: {place}/{missing[0]}; {data.source}" if missing else "here"
        yield f"data: {data.name} (licence: {data.licence}): {state}"
    for model in needs.models:
        yield f"model: {model}"
    for name, variable in needs.variables.items():
        value = value_of(name) or variable.default
        yield f"variable: {name}, {variable.meaning}: {'must be set' if value is None else value}"
    for extra in needs.extras:
        state = "installed" if is_extra_installed(extra) else f'pip install "domain-harness[{extra}]"'
        yield f"extra: {extra}: {state}"
    for file, run in needs.runs.items():
        basis = "measured" if run.measured else "estimated"
        yield f"{file}: {run.hardware}, {run.memory_gb:g} GB, {run.minutes:g} minutes ({basis})"
