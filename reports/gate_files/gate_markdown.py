"""A gate's verdict as the summary of a CI job: a short table, the worst first; the rest opens on a click."""

import html
import re
from collections.abc import Iterator, Sequence

from harness.records.gate_results import GatedCell, GateResult
from reports.gate_files.gate_words import cell_name, counts, false_alarms_text, headline, number, why

WORST = 10  # cells that are seen at once
MOST = 2000  # cells in all: services cut a summary at a size
SIGNS = re.compile(r"([\\`*_{}\[\]<>|#~])")


def gate_markdown(result: GateResult) -> str:
    """The whole summary."""
    worst = [cell for cell in result.cells if cell.verdict != "PASS"][:WORST] or list(result.cells[:WORST])
    rest = [cell for cell in result.cells if cell not in worst][:MOST]
    lines = [f"## {_plain(headline(result))}", "", counts(result.cells), "", *_table(worst)]
    if rest:
        lines += ["", *_folded(f"{len(rest)} more cells", _table(rest))]
    if result.differences:
        lines += ["", *_folded(f"{len(result.differences)} differences from the baseline's run", _changes(result))]
    lines += ["", _plain(false_alarms_text(result.false_alarms))]
    lines += [f"- {_plain(note)}" for note in result.notes]
    return "\n".join(lines) + "\n"


def _table(cells: Sequence[GatedCell]) -> Iterator[str]:
    yield "| verdict | figure | variant | baseline | now | why |"
    yield "|---|---|---|---:|---:|---|"
    for cell in cells:
        verdict = f"**{cell.verdict}**" if cell.verdict == "BLOCK" else cell.verdict
        texts = (cell_name(cell), cell.variant, number(cell.before), number(cell.after), why(cell))
        yield f"| {verdict} | {' | '.join(map(_plain, texts))} |"


def _changes(result: GateResult) -> Iterator[str]:
    yield "| what | name | baseline | now |"
    yield "|---|---|---|---|"
    for own in result.differences:
        yield f"| {' | '.join(map(_plain, (own.kind, own.name, own.before or '–', own.after or '–')))} |"


def _folded(title: str, lines: Iterator[str]) -> list[str]:
    return [f"<details><summary>{html.escape(title)}</summary>", "", *lines, "", "</details>"]


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return SIGNS.sub(r"\\\1", " ".join(text.split()))
