"""A gate's verdict on one screen of a terminal, however narrow it is."""

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.records.gate_results import GatedCell, GateResult, Verdict
from reports.gate_files.gate_words import cell_name, counts, false_alarms_text, headline, number, why

STYLES: dict[Verdict, str] = {
    "PASS": "green", "WARN": "yellow", "NOT COMPARABLE": "cyan", "INCONCLUSIVE": "magenta", "BLOCK": "bold red",
}  # fmt: skip
ROWS, NARROW_ROWS = 15, 6  # with what stands around them, one screen
NARROW = 84  # columns: below them each cell is written over several lines
NOTES = 6


def print_gate(result: GateResult, console: Console) -> None:
    """The verdict, the worst cells with their reasons, and what a reader should know."""
    console.print(Text(headline(result), style=STYLES[result.verdict]), soft_wrap=False)
    console.print(counts(result.cells))
    is_narrow = console.width < NARROW
    rows = NARROW_ROWS if is_narrow else ROWS
    top = [cell for cell in result.cells if cell.verdict != "PASS"][:rows] or list(result.cells[:rows])
    if is_narrow:
        for cell in top:
            _print_cell(cell, console)
    elif top:
        console.print(_table(top))
    left = len(result.cells) - len(top)
    if left:
        console.print(f"and {left:,} more: --markdown and --json name all of them")
    for text in _remarks(result):
        console.print(Text(text, style="dim"))


def _remarks(result: GateResult) -> Iterator[str]:
    yield false_alarms_text(result.false_alarms)
    yield from result.notes[:NOTES]
    if len(result.notes) > NOTES:
        yield f"and {len(result.notes) - NOTES} more notes"


def _table(cells: list[GatedCell]) -> Table:
    table = Table("verdict", "figure", "variant", pad_edge=False)
    for name in ("baseline", "now"):
        table.add_column(name, justify="right")
    table.add_column("why", ratio=1)
    for cell in cells:
        table.add_row(
            Text(cell.verdict, style=STYLES[cell.verdict]),
            Text(f"{cell_name(cell)}{' (watch)' if cell.tier == 'watch' else ''}"),
            Text(cell.variant),
            number(cell.before),
            number(cell.after),
            Text(why(cell)),
        )
    return table


def _print_cell(cell: GatedCell, console: Console) -> None:
    console.print(Text(f"{cell.verdict} {cell_name(cell)}", style=STYLES[cell.verdict]))
    text = f"{cell.variant}: {number(cell.before)} → {number(cell.after)}; {why(cell)}"
    console.print(Padding(Text(text), (0, 0, 0, 2)))
