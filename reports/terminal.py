"""The report for the terminal, for whoever started the run and waits for its answer."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.records.finished_run import FinishedRun
from reports.facts.comparison_table import ComparisonTable, TableEntry, comparison_tables
from reports.facts.demotions import SIGN
from reports.facts.metric_columns import MetricColumn
from reports.facts.spoken_sentences import spoken_sentences
from reports.section import PACKAGES, find_sections
from reports.verdict import findings
from reports.wording import say

STYLES = {
    "better": "green", "worse": "red", "inconclusive": "yellow", "no comparison": "dim", "undecided": "yellow",
    "best": "bold green", "leading": "bold green", "below the floor": "red", "beaten": "yellow",
}  # fmt: skip
PLAIN = str.maketrans(
    {"\u2212": "-", "–": "-", "—": "-", "“": '"', "”": '"', "’": "'", "…": "~", "×": "x", "·": "|"}
    | {SIGN: "*", "κ": "k", "ρ": "r", "λ": "l"}
)
CONTROLS = [code for code in (*range(32), 127, *range(128, 160)) if code not in (9, 10)]  # could move a cursor
DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # could turn a line around
INERT = dict.fromkeys((*CONTROLS, *DIRECTIONS), "\ufffd")
ENTRY_WIDTH = 24  # "28 of 30 known (93.3 %)"; columns beyond the console's width go to a further table
VARIANT_WIDTH = 20


def print_summary(finished: FinishedRun, console: Console, packages: Sequence[str] = PACKAGES) -> None:
    """Print verdicts, comparison tables, sentences and warnings; ASCII where the console cannot show more."""
    leading = [section for section in find_sections(packages) if section.leads]
    sections = [section for section in find_sections(packages) if not section.leads]
    for section in leading:
        _print_lines(section.label, "red", section.sentences(finished), console)
    _print_lines("warning", "red", (line for section in sections for line in section.alarms(finished)), console)
    _print_lines("warning", "yellow", (line for section in sections for line in section.cautions(finished)), console)
    for finding in findings(finished.summary):
        text = Text.assemble((f"{finding.verdict}: ", f"bold {STYLES[finding.verdict]}"), finding.sentence)
        console.print(_safe(text.append(f" {finding.remainder}" if finding.remainder else ""), console))
        _print_lines("floor", "dim", finding.floor, console)
    for table in comparison_tables(finished.summary):
        for places in _chunks(len(table.columns), console.width):
            console.print()
            console.print(_rich_table(table, places, console))
        _print_lines(SIGN, "dim", (demotion.sentence for demotion in table.demotions), console)
    for section in sections:
        _print_lines(section.label, "dim", section.sentences(finished), console)
    warnings = spoken_sentences(finished.summary.warnings, finished.summary.statements)
    _print_lines("warning", "yellow", warnings, console)


def _print_lines(name: str, style: str, lines: Iterable[str], console: Console) -> None:
    for line in lines:
        mark = f"{name} " if name == SIGN else f"{name}: "
        console.print(_safe(Text.assemble((mark, f"bold {style}"), line), console))


def _chunks(count: int, width: int) -> Iterator[Sequence[int]]:
    fitting = max(1, (width - VARIANT_WIDTH) // ENTRY_WIDTH)
    return (range(start, min(start + fitting, count)) for start in range(0, count, fitting))


def _rich_table(table: ComparisonTable, places: Sequence[int], console: Console) -> Table:
    title = _safe(Text(table.title, "bold"), console)
    grid = Table(title=title, title_justify="left", show_lines=True, padding=(0, 1))
    grid.add_column("variant", overflow="fold", max_width=VARIANT_WIDTH)
    for place in places:
        grid.add_column(_safe(_head(table.columns[place]), console), justify="right", overflow="fold")
    for row in table.rows:
        cells = [_safe(_cell(row.entries[place], table.columns[place]), console) for place in places]
        tags = {"reference": row.is_reference, "floor": row.is_floor, "upper bound": row.is_bound}
        roles = ", ".join(tag for tag, holds in tags.items() if holds)
        name = Text(row.variant, "bold").append(f"\n{roles}" if roles else "", "dim")
        grid.add_row(_safe(name, console), *cells)
    return grid


def _head(column: MetricColumn) -> Text:
    name = Text.assemble((column.name, "dim"), f" {SIGN}") if column.demoted else Text(column.name)
    return name.append(" (lower is better)" if column.lower_is_better else "", "dim")


def _cell(entry: TableEntry | None, column: MetricColumn) -> Text:
    if entry is None:
        return Text("–", "dim")
    lines = [Text.assemble((entry.value, "bold"), f"  {entry.interval}" if entry.interval else "")]
    if entry.chip:
        chip = (say(f"results.chip_{entry.chip.replace(' ', '_')}"), STYLES[entry.chip])
        lines.append(Text.assemble(entry.difference, " ", chip) if entry.difference else Text.assemble(chip))
    if entry.spread:
        lines.append(Text(entry.spread.replace("standard deviation", "sd"), "dim"))
    if entry.coverage:
        lines.append(Text(entry.coverage, "yellow"))
    cell = Text("\n").join(lines)
    return Text(cell.plain, "dim") if column.demoted else cell


def _safe(text: Text, console: Console) -> Text:
    """The text in characters that the console's encoding has, one for one, so that styles stay where they were.

    What a terminal would obey, such as an escape sequence in a name, is shown as U+FFFD.
    """
    encoding = console.encoding
    safe = text.copy()
    safe.plain = text.plain.translate(INERT)
    if not encoding.lower().startswith("utf"):
        safe.plain = safe.plain.translate(PLAIN).encode(encoding, "replace").decode(encoding)
    return safe
