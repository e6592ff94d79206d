"""What several commands are given: a suite, a model of it, a place to write to."""

from pathlib import Path
from typing import Annotated, Literal

import typer

SuitePath = Annotated[
    Path,
    typer.Argument(
        metavar="SUITE", help="A suite file, a folder with suite.yaml, or a suite that `harness suites` lists"
    ),
]
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

Speech = Annotated[
    Literal["en", "zh"] | None,
    typer.Option(
        "--lang", help="English or Chinese; default: English here, the language of the suite's prompts in the page"
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps; auto: as models take it", metavar="DEVICE")]
Trained = Annotated[str, typer.Argument(metavar="MODEL", help="A model that the suite trains, by its name there")]
Exported = Annotated[str, typer.Argument(metavar="MODEL", help="A local or trained model of the suite, by its name")]
OllamaOut = Annotated[
    Path | None, typer.Option("--out", help="A new or empty folder; default: exports/NAME/MODEL-ollama", metavar="DIR")
]
ExportOut = Annotated[
    Path | None, typer.Option("--out", help="A new or empty folder; default: exports/NAME/MODEL", metavar="DIR")
]
Empty = Annotated[Path, typer.Option("--out", help="A new or empty folder", metavar="DIR")]
