"""The command that hands out what a run's variants answered."""

from pathlib import Path
from typing import Annotated

import typer


def export_responses(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or runs/NAME for its newest run")],
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="One variant only; default: all")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Default: exports/NAME/responses", metavar="DIR")] = None,
) -> None:
    """Write the answers beside the rows: a JSON list a task and variant, each row as it was with `model_response`.

    Alpaca rows keep instruction, input and output, so that tools which score such files read them as they are.
    """
    from adapters.export.responses import write_responses
    from harness.printing import make_console
    from harness.runtime.run_lookup import run_at

    folder, console = run_at(run), make_console()
    name = str(folder.read_run()["suite"]["name"])
    for file in write_responses(folder, out or Path("exports") / name / "responses", variant):
        console.print(str(file), soft_wrap=True)
