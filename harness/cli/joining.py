"""The command that joins the parts of a divided run."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.arguments import OutputOptions
from harness.cli.option_groups import with_groups
from harness.cli.run_output import RunOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.runtime.run_folder import RunFolder
    from harness.runtime.run_parts import RunPart
    from harness.suite.suite import Suite

Parts = Annotated[
    list[Path], typer.Argument(metavar="PART...", help="Folders that `harness run --shard` made, or a folder of them")
]
SuiteOption = Annotated[
    Path | None,
    typer.Option("--suite", metavar="SUITE", help="The suite of the parts; default: where their commands had it"),
]
Into = Annotated[Path | None, typer.Option(metavar="DIR", help="Run folder; default: runs/NAME/TIME of the first part")]
DifferentVersions = Annotated[
    bool, typer.Option("--different-versions", help="Join parts that were made with other versions of packages")
]


@with_groups
def merge(
    parts: Parts, out: Into = None, suite: SuiteOption = None, different_versions: DifferentVersions = False, *,
    output: OutputOptions,
) -> None:  # fmt: skip
    """Join the parts of a divided run to one run: its answers are scored, its judges asked, its report written.

    Parts are only read. What does not belong together is refused, a line a mistake: parts of different suites or data,
    a missing shard, a file that was cut. Giving the same parts again changes nothing. For example:

    harness run suite.yaml --shard 1/2 && harness run suite.yaml --shard 2/2 && harness merge runs/demo/parts

    Exit status: as of `harness run`.
    """
    streams = RunOutput(output)
    with streams.failing():
        code = _merge(parts, streams, out, suite, different_versions)
    raise typer.Exit(code)


def _merge(places: list[Path], streams: RunOutput, out: Path | None, suite: Path | None, mixed: bool) -> int:
    """Join parts; returns the exit code."""
    from harness.runtime.joined_folder import is_joined, place_of, settle, working_folder
    from harness.runtime.run_folder import RunFolder
    from harness.runtime.run_parts import read_parts
    from harness.stages.choose_part import load_joined

    joint = read_parts(places, mixed)
    streams.say(*joint.notes)
    loaded = load_joined(joint.parts, suite)
    place = place_of(joint.parts, loaded, out)
    if is_joined(place, joint.parts):
        streams.say("These parts were joined before; nothing is changed.")
    else:
        working = working_folder(place)
        _run(loaded, working, joint.parts, streams)
        settle(working, place)
    return streams.finish(RunFolder(place), place / "report.html")


def _run(suite: "Suite", folder: "RunFolder", parts: "Sequence[RunPart]", streams: RunOutput) -> None:
    """Join the parts in a folder, and carry out the stages that follow the answers."""
    from harness import run as engine
    from harness.printing import log_to
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.context import Context
    from harness.runtime.progress_file import recorded
    from reports.html import render

    with (
        closing(Cache(cache_root() / "calls.sqlite")) as cache,
        streams.displaying() as bars,
        recorded(bars, folder.progress) as progress,
    ):
        log_to(progress.note)
        context = Context(suite.models, cache, progress, suite.seed, suite.secrets)
        engine.run(suite, folder, context, partial(render, language=streams.options.lang), "score", parts)
