"""The report for the terminal, for whoever started the run and waits for its answer."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.records.finished_run import FinishedRun
from harness.records.inputs import Language
from harness.records.summary import Summary
from reports.console_text import can_show, safe_text
from reports.facts.comparison_table import ComparisonTable, TableEntry, comparison_tables
from reports.facts.demotions import SIGN
from reports.facts.limited_run import banner
from reports.facts.metric_columns import MetricColumn
from reports.facts.phrases import joined
from reports.facts.spoken_sentences import spoken_sentences
from reports.facts.statement_text import first_ones, sentence
from reports.section import PACKAGES, Section, find_sections
from reports.verdict import findings
from reports.wording import say, speaking

STYLES = {
    "better": "green", "worse": "red", "inconclusive": "yellow", "no comparison": "dim", "undecided": "yellow",
    "best": "bold green", "leading": "bold green", "below the floor": "red", "beaten": "yellow",
}  # fmt: skip
CERTAINTY_STYLES = {"sure": "green", "likely": "yellow", "cannot tell": "yellow"}
APART = ("below the floor", "beaten")  # says nothing of the difference to the reference, which stands in its cell
ENTRY_WIDTH = 24  # "28 of 30 known (93.3 %)"; columns beyond the console's width go to a further table
VARIANT_WIDTH = 20


def print_summary(
    finished: FinishedRun, console: Console, packages: Sequence[str] = PACKAGES, language: Language = "en"
) -> None:
    """Print what to deploy, verdicts, comparison tables, sentences and warnings, in a language.

    ASCII where the console cannot show more; a console that has no Chinese is told everything in English.
    """
    with speaking(language if can_show(language, console) else "en"):
        if limits := banner(finished):
            console.print(safe_text(Text(limits, "bold reverse yellow"), console))
            console.print()
        _print_decision(finished.summary, console)
        leading = [section for section in find_sections(packages) if section.leads]
        sections = [section for section in find_sections(packages) if not section.leads]
        for section in leading:
            _print_lines(section.label, "red", section.sentences(finished), console)
        _print_findings(finished, sections, console)
        for table in comparison_tables(finished.summary):
            for places in _chunks(len(table.columns), console.width):
                console.print()
                console.print(_rich_table(table, places, console))
            _print_lines(SIGN, "dim", (demotion.sentence for demotion in table.demotions), console)
        for section in sections:
            _print_lines(section.label, "dim", section.sentences(finished), console)
        warnings = spoken_sentences(finished.summary.warnings, finished.summary.statements)
        _print_lines(say("terminal.warning"), "yellow", warnings, console)


def print_place(page: Path, console: Console, language: Language = "en") -> None:
    """Print where the page is."""
    with speaking(language if can_show(language, console) else "en"):
        console.print(f"\n{say('terminal.report', page=page)}", soft_wrap=True)


def _print_decision(summary: Summary, console: Console) -> None:
    """What to deploy and how sure that is, why, what was left out, what would change it: before any figure."""
    decision = summary.decisions.decision
    if decision is None:
        return
    certainty = say(f"decision.certainty_{decision.certainty.replace(' ', '_')}")
    label = say("terminal.recommendation", certainty=certainty)
    style = CERTAINTY_STYLES[decision.certainty]
    headline = Text.assemble((say("terminal.labelled", label=label), f"bold {style}"))
    console.print(safe_text(headline.append(sentence(decision.headline, summary), "bold"), console))
    for name, style, statements in (
        (say("terminal.reason"), "dim", decision.reasons),
        (say("terminal.distrusted"), "yellow", decision.distrusted),
        (say("terminal.change"), "dim", decision.changes),
    ):
        if statements:
            console.print(safe_text(Text(say("terminal.labelled", label=name).rstrip(), f"bold {style}"), console))
        for statement in first_ones(statements):
            console.print(Padding(safe_text(Text(sentence(statement, summary)), console), (0, 0, 0, 2), expand=False))
    console.print()


def _print_findings(finished: FinishedRun, sections: Sequence[Section], console: Console) -> None:
    """What speaks against the figures, then one verdict a headline figure."""
    warning = say("terminal.warning")
    _print_lines(warning, "red", (line for section in sections for line in section.alarms(finished)), console)
    _print_lines(warning, "yellow", (line for section in sections for line in section.cautions(finished)), console)
    for finding in findings(finished.summary):
        verdict = say("terminal.labelled", label=say(f"terminal.verdict_{finding.verdict.replace(' ', '_')}"))
        text = Text.assemble((verdict, f"bold {STYLES[finding.verdict]}"), finding.sentence)
        console.print(
            safe_text(text.append(f"{say('verdict.between')}{finding.remainder}" if finding.remainder else ""), console)
        )
        _print_lines(say("terminal.floor"), "dim", finding.floor, console)


def _print_lines(name: str, style: str, lines: Iterable[str], console: Console) -> None:
    for line in lines:
        mark = f"{name} " if name == SIGN else say("terminal.labelled", label=name)
        console.print(safe_text(Text.assemble((mark, f"bold {style}"), line), console))


def _chunks(count: int, width: int) -> Iterator[Sequence[int]]:
    fitting = max(1, (width - VARIANT_WIDTH) // ENTRY_WIDTH)
    return (range(start, min(start + fitting, count)) for start in range(0, count, fitting))


def _rich_table(table: ComparisonTable, places: Sequence[int], console: Console) -> Table:
    title = safe_text(Text(table.title, "bold"), console)
    grid = Table(title=title, title_justify="left", show_lines=True, padding=(0, 1))
    grid.add_column(safe_text(Text(say("terminal.variant")), console), overflow="fold", max_width=VARIANT_WIDTH)
    for place in places:
        grid.add_column(safe_text(_head(table.columns[place]), console), justify="right", overflow="fold")
    for row in table.rows:
        cells = [safe_text(_cell(row.entries[place], table.columns[place]), console) for place in places]
        roles = joined(
            say("terminal.role_reference") if row.is_reference else None,
            say("terminal.role_floor") if row.is_floor else None,
            say("terminal.role_bound") if row.is_bound else None,
            say("terminal.role_elsewhere") if row.is_foreign else None,
        )
        name = Text(row.variant, "bold").append(f"\n{roles}" if roles else "", "dim")
        grid.add_row(safe_text(name, console), *cells)
    return grid


def _head(column: MetricColumn) -> Text:
    name = Text.assemble((column.name, "dim"), f" {SIGN}") if column.demoted else Text(column.name)
    return name.append(say("terminal.lower") if column.lower_is_better else "", "dim")


def _cell(entry: TableEntry | None, column: MetricColumn) -> Text:
    if entry is None:
        return Text("–", "dim")
    lines = [Text.assemble((entry.value, "bold"), f"  {entry.interval}" if entry.interval else "")]
    if entry.chip:
        chip = (say(f"results.chip_{entry.chip.replace(' ', '_')}"), STYLES[entry.chip])
        if entry.difference and entry.chip in APART:
            lines += [Text(entry.difference), Text.assemble(chip)]
        else:
            lines.append(Text.assemble(entry.difference, " ", chip) if entry.difference else Text.assemble(chip))
    if entry.spread:
        lines.append(Text(_shortened(entry.spread), "dim"))
    if entry.coverage:
        lines.append(Text(entry.coverage, "yellow"))
    cell = Text("\n").join(lines)
    return Text(cell.plain, "dim") if column.demoted else cell


def _shortened(spread: str) -> str:
    return spread.replace(say("comparison_table.deviation"), say("comparison_table.short_deviation"))
