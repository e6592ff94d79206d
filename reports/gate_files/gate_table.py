"""A gate's verdict on one screen of a terminal, however narrow it is."""

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.records.gate_results import GatedCell, GateResult, Verdict
from harness.records.inputs import Language
from reports.console_text import can_show, safe_text
from reports.gate_files.gate_words import cell_name, counts, false_alarms_text, headline, notes, number, why
from reports.wording import say, speaking

STYLES: dict[Verdict, str] = {
    "PASS": "green", "WARN": "yellow", "NOT COMPARABLE": "cyan", "INCONCLUSIVE": "magenta", "BLOCK": "bold red",
}  # fmt: skip
ROWS, NARROW_ROWS = 15, 6  # with what stands around them, one screen
NARROW = 84  # columns: below them each cell is written over several lines
NOTES = 6


def print_gate(result: GateResult, console: Console, language: Language = "en") -> None:
    """The verdict, the worst cells with their reasons, and what a reader should know.

    A terminal that cannot show Chinese is told everything in English.
    """
    with speaking(language if can_show(language, console) else "en"):
        _line(headline(result), console, STYLES[result.verdict])
        _line(counts(result.cells), console)
        _print_cells(result, console)
        for text in _remarks(result):
            _line(text, console, "dim")


def _line(text: str, console: Console, style: str = "") -> None:
    console.print(safe_text(Text(text, style), console))


def _print_cells(result: GateResult, console: Console) -> None:
    is_narrow = console.width < NARROW
    rows = NARROW_ROWS if is_narrow else ROWS
    top = [cell for cell in result.cells if cell.verdict != "PASS"][:rows] or list(result.cells[:rows])
    if is_narrow:
        for cell in top:
            _print_cell(cell, console)
    elif top:
        console.print(_table(top, console))
    left = len(result.cells) - len(top)
    if left:
        _line(say("gate.more_rows", count=f"{left:,}"), console)


def _remarks(result: GateResult) -> Iterator[str]:
    yield false_alarms_text(result.false_alarms)
    own = notes(result)
    yield from own[:NOTES]
    if len(own) > NOTES:
        yield say("gate.more_notes", n=len(own) - NOTES, count=f"{len(own) - NOTES:,}")


def _table(cells: list[GatedCell], console: Console) -> Table:
    table = Table(*(say(f"gate.{name}") for name in ("verdict", "figure", "variant")), pad_edge=False)
    for name in ("baseline", "now"):
        table.add_column(say(f"gate.{name}"), justify="right")
    table.add_column(say("gate.why"), ratio=1)
    for cell in cells:
        name = cell_name(cell)
        figure = say("gate.watched", name=name) if cell.tier == "watch" else name
        texts = (figure, cell.variant, number(cell.before), number(cell.after), why(cell))
        verdict = Text(cell.verdict, style=STYLES[cell.verdict])
        table.add_row(verdict, *(safe_text(Text(text), console) for text in texts))
    return table


def _print_cell(cell: GatedCell, console: Console) -> None:
    _line(f"{cell.verdict} {cell_name(cell)}", console, STYLES[cell.verdict])
    values = {"before": number(cell.before), "after": number(cell.after), "why": why(cell)}
    text = say("gate.cell", variant=cell.variant, **values)
    console.print(Padding(safe_text(Text(text), console), (0, 0, 0, 2)))
