"""What several commands are given: a suite, a model of it, a place to write to."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from harness.suite.narrowing import Narrowing

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

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be computed, as `harness plan` does")]
Speech = Annotated[
    Literal["en", "zh"] | None,
    typer.Option(
        "--lang",
        help="English or Chinese; default: English here, the language of the suite's prompts in the page",
        metavar="en|zh",
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


@dataclass(frozen=True, kw_only=True)
class PartOptions:
    """Which part of a suite is run: a limited run, where there is any."""

    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="At most so many test items of each task, the same for all variants"),
    ] = None
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="VARIANT", help="This variant and the reference; several: again, or with commas between"),
    ] = None
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK", help="This task only; several: again, or with commas between"),
    ] = None
    skip_training: Annotated[
        bool, typer.Option("--skip-training", help="Leave out the variants whose model is not trained yet")
    ] = False
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Of N equal shares of the items, the I-th; harness merge joins the parts"),
    ] = None

    def narrowing(self) -> "Narrowing":
        """What is wished for, as the engine takes it."""
        from harness.records.shards import parse_shard
        from harness.suite.narrowing import Narrowing

        return Narrowing(
            limit=self.limit,
            only=self.only or (),
            tasks=self.task or (),
            skips_training=self.skip_training,
            shard=None if self.shard is None else parse_shard(self.shard),
        )


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """What a command says, in which language, and to whom."""

    lang: Speech = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing but errors and the place of the report")
    ] = False
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object (place, recommendation, figures, exit); the rest on stderr"),
    ] = False
