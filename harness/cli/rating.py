"""The command by which people rate a run's answers: it writes the page, and reads back what they said."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.judging.people.rated_task import RatedTask
    from harness.judging.people.rating_sheet import SheetOptions
    from harness.records.finished_run import FinishedRun


SHOWN = ("reference", "passages")  # what a page can show beside question and answers

Places = Annotated[
    list[Path],
    typer.Argument(metavar="RUN [FILE]...", help="A run folder, or runs/NAME; and the files that raters saved, if any"),
]
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
Shown = Annotated[str, typer.Option("--show", metavar="A,B", help="Of reference and passages, what the page shows")]


def rate(
    places: Places, task: TaskName = None, variants: Variants = "", items: Items = 20, pairwise: Pairwise = False,
    rubric: RubricName = None, show: Shown = "passages",
) -> None:  # fmt: skip
    """Let people rate a run's answers: write a page for them, or read back what they saved.

    The page is one file that works offline. It names no variant, shows every rater the answers in another order, and
    keeps what was said until the rater saves it as a file. Behind RUN, such files are read back as labels. For example:

    harness rate runs/demo --items 30 --show reference,passages

    harness rate runs/demo ratings*.jsonl
    """
    from harness.judging.people.rated_task import rated_task
    from harness.judging.people.rating_sheet import SheetOptions
    from harness.runtime.run_lookup import run_at

    folder = run_at(places[0])
    finished = folder.finished()
    if files := places[1:]:
        _read_back(folder.path, files, finished, task)
        return
    shown = _listed(show)
    if unknown := [name for name in shown if name not in SHOWN]:
        raise HarnessError(f"--show {unknown[0]}: a page can show {' and '.join(SHOWN)}")
    options = SheetOptions(
        variants=_listed(variants),
        items=items,
        pairwise=pairwise,
        shows_reference="reference" in shown,
        shows_passages="passages" in shown,
        seed=int(finished.run.get("seed", 0)),
    )
    _write_page(folder.path, finished, rated_task(finished, task), options, rubric)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _write_page(
    run: Path,
    finished: "FinishedRun",
    task: "RatedTask",
    options: "SheetOptions",
    rubric: str | None,
) -> None:
    """Draw the items, write the page, and say what to do with it."""
    from harness.judging.people.rating_criteria import rating_criteria
    from harness.judging.people.rating_sheet import draw_sheet
    from harness.judging.people.rating_table import print_sheet
    from harness.printing import make_console
    from harness.runtime.whole_files import replace_file, writing
    from reports.html import language_of
    from reports.rating_page import render_rating

    criteria = rating_criteria(rubric, task.metrics, finished.run.get("rubrics") or {}, options.pairwise)
    sheet = draw_sheet(task, criteria, options)
    path = run / f"rating-{sheet.sheet[:6]}.html"
    with writing(path):
        replace_file(path, [render_rating(sheet, language_of(finished)).encode()])
    print_sheet(sheet, path, run, make_console())


def _read_back(run: Path, files: "Sequence[Path]", finished: "FinishedRun", task: str | None) -> None:
    """Write what raters said as labels, and print who has rated how much and what came of it."""
    from harness.judging.people.gathered_ratings import gather, label_lines
    from harness.judging.people.rating_files import read_ratings
    from harness.judging.people.rating_table import print_ratings
    from harness.printing import make_console
    from harness.runtime.whole_files import replace_file, writing

    rated, read = read_ratings(files, finished, task)
    ratings = gather(read)
    path = run / f"labels-{rated.name}-{'pairs' if ratings.head.pairwise else 'scores'}.jsonl"
    lines = label_lines(rated, ratings)
    with writing(path):
        replace_file(path, [f"{line}\n".encode() for line in lines])
    print_ratings(rated, ratings, path, make_console())
