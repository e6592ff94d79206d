"""What `harness rate` prints: what a page asks, and what raters said."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.judging.people.gathered_ratings import GatheredRatings, tallies, variant_ratings
from harness.judging.people.rated_task import RatedTask
from harness.records.rating_sheets import RatingSheet
from harness.text.counting import counted


def print_sheet(sheet: RatingSheet, page: Path, run: Path, console: Console) -> None:
    """How much there is to rate, where the page is, and how its ratings come back."""
    entries = sum(len(question.entries) for question in sheet.questions)
    what = counted(entries, "comparison" if sheet.pairwise else "answer")
    parts = counted(len(sheet.dimensions), "dimension")
    scale = "" if sheet.pairwise else f", {parts} from {sheet.low:g} to {sheet.high:g}"
    items = counted(len(sheet.questions), "item")
    console.print(f"{what} of {items}, by {sheet.rubric}{scale}: {page}", soft_wrap=True, markup=False)
    console.print(
        f"Send the page to your raters. What they save comes back with: harness rate {run} ratings*.jsonl",
        soft_wrap=True, markup=False,
    )  # fmt: skip


def print_ratings(task: RatedTask, ratings: GatheredRatings, labels: Path, console: Console) -> None:
    """Who has rated how much, what people said of each variant, and what to do with the labels."""
    for tally in tallies(ratings):
        missing = tally.total - tally.rated
        rest = f"; {missing} missing" if missing else ""
        console.print(f"{tally.rater}: {tally.rated} of {tally.total} rated{rest}", soft_wrap=True, markup=False)
    head = ratings.head
    kind = "share of comparisons won" if head.pairwise else f"mean score ({head.low:g} to {head.high:g})"
    table = Table("variant", "ratings", kind, title=f"What people said: {task.name}", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for own in variant_ratings(task, ratings):
        mean = f"{own.mean:.1%}" if head.pairwise else f"{own.mean:.2f}"
        table.add_row(own.variant, str(own.ratings), mean)
    console.print(table)
    console.print(f"Labels: {labels}", soft_wrap=True, markup=False)
    console.print(
        f"Next: harness calibrate SUITE --labels {labels} --metric {task.name}.METRIC", soft_wrap=True, markup=False
    )
