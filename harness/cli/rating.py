"""The command by which people rate a run's answers: it writes the page, and reads back what they said."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.arguments import Speech
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.judging.people.rated_task import RatedTask
    from harness.judging.people.rating_sheet import SheetOptions
    from harness.records.finished_run import FinishedRun
    from harness.records.inputs import Language


Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or runs/NAME for its newest run")]
Saved = Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="With --read: what raters saved")]
Reads = Annotated[bool, typer.Option("--read", help="Read the ratings in FILE... back")]
TaskName = Annotated[str | None, typer.Option(help="Of several: which task")]
Variants = Annotated[str, typer.Option(metavar="A,B", help="Whose answers; default: of all variants")]
Items = Annotated[int, typer.Option(min=1, help="How many items, drawn at random, the same for all variants")]
Pairwise = Annotated[
    bool,
    typer.Option("--pairs", help="Ask which of two answers is better: each variant's or the reference variant's"),
]
RubricName = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="A rubric, or faithful; default: as the task's judge does"),
]
WithReference = Annotated[bool, typer.Option("--with-reference", help="Show the reference answer")]
WithoutPassages = Annotated[bool, typer.Option("--without-passages", help="Hide the passages that were retrieved")]
Seed = Annotated[int, typer.Option(help="Of the draw")]
Title = Annotated[str, typer.Option(help="Above the page; it should not tell who answers")]
RatingOut = Annotated[Path | None, typer.Option(metavar="FILE", help="Default: a file of its own in RUN")]


def rate(
    run: Run, files: Saved = None, reads: Reads = False, task: TaskName = None, variants: Variants = "",
    items: Items = 20, pairwise: Pairwise = False, rubric: RubricName = None, with_reference: WithReference = False,
    without_passages: WithoutPassages = False, seed: Seed = 0, title: Title = "", out: RatingOut = None,
    language: Speech = None,
) -> None:  # fmt: skip
    """Let people rate a run's answers: write a page for them, or read back what they saved.

    The page is one file that works offline. It names no variant, shows every rater the answers in another order, and
    keeps what was said until the rater saves it as a file. For example:

    harness rate runs/demo --items 30 --with-reference

    harness rate runs/demo --read ratings*.jsonl
    """
    from harness.judging.people.rated_task import rated_task
    from harness.judging.people.rating_sheet import SheetOptions
    from harness.runtime.run_lookup import run_at

    if reads != bool(files):
        raise HarnessError("--read FILE...: name the files that raters saved, behind --read")
    folder = run_at(run)
    finished = folder.finished()
    if files:
        _read_back(folder.path, files, finished, task, out)
        return
    options = SheetOptions(
        variants=tuple(name.strip() for name in variants.split(",") if name.strip()),
        items=items,
        pairwise=pairwise,
        shows_reference=with_reference,
        shows_passages=not without_passages,
        seed=seed,
        title=title,
    )
    _write_page(folder.path, finished, rated_task(finished, task), options, rubric, out, language)


def _write_page(
    run: Path,
    finished: "FinishedRun",
    task: "RatedTask",
    options: "SheetOptions",
    rubric: str | None,
    out: Path | None,
    language: "Language | None",
) -> None:
    """Draw the items, write the page, and say what to do with it."""
    from harness.judging.people.rating_criteria import rating_criteria
    from harness.judging.people.rating_sheet import draw_sheet
    from harness.judging.people.rating_table import print_sheet
    from harness.printing import make_console
    from harness.runtime.record_files import writing
    from harness.runtime.whole_files import replace_file
    from reports.html import language_of
    from reports.rating_page import render_rating

    criteria = rating_criteria(rubric, task.metrics, finished.run.get("rubrics") or {}, options.pairwise)
    sheet = draw_sheet(task, criteria, options)
    path = out or run / f"rating-{sheet.sheet[:6]}.html"
    with writing(path):
        replace_file(path, [render_rating(sheet, language or language_of(finished)).encode()])
    print_sheet(sheet, path, run, make_console())


def _read_back(run: Path, files: "Sequence[Path]", finished: "FinishedRun", task: str | None, out: Path | None) -> None:
    """Write what raters said as labels, and print who has rated how much and what came of it."""
    from harness.judging.people.gathered_ratings import gather, label_lines
    from harness.judging.people.rating_files import read_ratings
    from harness.judging.people.rating_table import print_ratings
    from harness.printing import make_console
    from harness.runtime.record_files import writing
    from harness.runtime.whole_files import replace_file

    if out is not None and out.suffix.lower() != ".jsonl":
        raise HarnessError(f"--out {out}: labels are written as JSON lines; give the file the ending .jsonl")
    rated, read = read_ratings(files, finished, task)
    ratings = gather(read)
    path = out or run / f"labels-{rated.name}-{'pairs' if ratings.head.pairwise else 'scores'}.jsonl"
    lines = label_lines(rated, ratings)
    with writing(path):
        replace_file(path, [f"{line}\n".encode() for line in lines])
    print_ratings(rated, ratings, path, make_console())
