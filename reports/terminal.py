"""The same table for the terminal, for whoever started the run and waits for its answer."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from harness.records.figures import Summary
from reports.facts.columns import Column
from reports.facts.demoted import SIGN
from reports.facts.table import Entry, Table, build
from reports.sections import cascade, corrected, curve, forgetting, freshness, judging, ranking, retrieval, seeds
from reports.sections.floors import alarms
from reports.verdict import cautions, findings

STYLES = {"better": "green", "worse": "red", "inconclusive": "yellow", "no comparison": "dim", "undecided": "yellow"}
PLAIN = str.maketrans(
    {"\u2212": "-", "–": "-", "—": "-", "“": '"', "”": '"', "’": "'", "…": "~", "×": "x", "·": "|"}
    | {SIGN: "*", "κ": "k", "ρ": "r", "λ": "l"}
)
ENTRY_WIDTH = 24  # "28 of 30 known (93.3 %)"; columns beyond the console's width go to a further grid
VARIANT_WIDTH = 20


def print_summary(summary: Summary, console: Console) -> None:
    """Print verdicts, the comparison tables and warnings; ASCII where the console cannot show more."""
    _print_lines("warning", "red", alarms(summary), console)
    _print_lines("warning", "yellow", (caution.sentence for caution in cautions(summary)), console)
    for finding in findings(summary):
        text = Text.assemble((f"{finding.verdict}: ", f"bold {STYLES[finding.verdict]}"), finding.sentence)
        console.print(_safe(text.append(f" {finding.others}" if finding.others else ""), console))
        _print_lines("floor", "dim", finding.floor, console)
    for table in build(summary):
        for chosen in _chunks(len(table.columns), console.width):
            console.print()
            console.print(_grid(table, chosen, console))
        _print_lines(SIGN, "dim", (one.sentence for one in table.demotions), console)
    for name, lines in (
        ("judge", judging.sentences(summary)),
        ("ranking", ranking.sentences(summary)),
        ("people", corrected.sentences(summary)),
        ("curve", curve.sentences(summary)),
        ("seeds", seeds.sentences(summary)),
        ("forgetting", forgetting.sentences(summary)),
        ("freshness", freshness.sentences(summary)),
        ("retrieval", retrieval.sentences(summary)),
        ("cascade", cascade.sentences(summary)),
    ):
        _print_lines(name, "dim", lines, console)
    _print_lines("warning", "yellow", summary.warnings, console)


def _print_lines(name: str, style: str, lines: Iterable[str], console: Console) -> None:
    for line in lines:
        mark = f"{name} " if name == SIGN else f"{name}: "
        console.print(_safe(Text.assemble((mark, f"bold {style}"), line), console))


def _chunks(count: int, width: int) -> Iterator[Sequence[int]]:
    fitting = max(1, (width - VARIANT_WIDTH) // ENTRY_WIDTH)
    return (range(start, min(start + fitting, count)) for start in range(0, count, fitting))


def _grid(table: Table, chosen: Sequence[int], console: Console) -> Grid:
    grid = Grid(title=_safe(Text(table.title, "bold"), console), title_justify="left", show_lines=True, padding=(0, 1))
    grid.add_column("variant", overflow="fold", max_width=VARIANT_WIDTH)
    for place in chosen:
        grid.add_column(_safe(_head(table.columns[place]), console), justify="right", overflow="fold")
    for row in table.rows:
        cells = [_safe(_cell(row.entries[place], table.columns[place]), console) for place in chosen]
        named = (("reference", row.is_reference), ("floor", row.is_floor), ("upper bound", row.is_bound))
        tags = [tag for tag, holds in named if holds]
        name = Text(row.variant, "bold").append(f"\n{', '.join(tags)}" if tags else "", "dim")
        grid.add_row(_safe(name, console), *cells)
    return grid


def _head(column: Column) -> Text:
    name = Text.assemble((column.name, "dim"), f" {SIGN}") if column.demoted else Text(column.name)
    return name.append(" (lower is better)" if column.info.better == "lower" else "", "dim")


def _cell(entry: Entry | None, column: Column) -> Text:
    if entry is None:
        return Text("–", "dim")
    lines = [Text.assemble((entry.value, "bold"), f"  {entry.interval}" if entry.interval else "")]
    if entry.mark:
        lines.append(Text(entry.mark, "bold green"))
    if entry.difference and entry.verdict:
        lines.append(Text.assemble(entry.difference, " ", (entry.verdict, STYLES[entry.verdict])))
    if entry.spread:
        lines.append(Text(entry.spread.replace("standard deviation", "sd"), "dim"))
    if entry.below_floor:
        lines.append(Text("below the floor", "red"))
    if entry.coverage:
        lines.append(Text(entry.coverage, "yellow"))
    cell = Text("\n").join(lines)
    return Text(cell.plain, "dim") if column.demoted else cell


def _safe(text: Text, console: Console) -> Text:
    """The text in characters that the console's encoding has, one for one, so that styles stay where they were."""
    encoding = console.encoding
    if encoding.lower().startswith("utf"):
        return text
    safe = text.copy()
    safe.plain = text.plain.translate(PLAIN).encode(encoding, "replace").decode(encoding)
    return safe
