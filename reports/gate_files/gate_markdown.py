"""A gate's verdict as the summary of a CI job: a short table, the worst first; the rest opens on a click."""

import html
import re
from collections.abc import Iterator, Sequence

from harness.records.gate_results import GatedCell, GateResult
from harness.records.inputs import Language
from reports.gate_files.gate_words import cell_name, counts, false_alarms_text, headline, notes, number, why
from reports.wording import say, speaking

WORST = 10  # cells that are seen at once
MOST = 2000  # cells in all: services cut a summary at a size
SIGNS = re.compile(r"([\\`*_{}\[\]<>|#~])")


def gate_markdown(result: GateResult, language: Language = "en") -> str:
    """The whole summary."""
    with speaking(language):
        return "\n".join(_lines(result)) + "\n"


def _lines(result: GateResult) -> list[str]:
    worst = [cell for cell in result.cells if cell.verdict != "PASS"][:WORST] or list(result.cells[:WORST])
    rest = [cell for cell in result.cells if cell not in worst][:MOST]
    lines = [f"## {_plain(headline(result))}", "", counts(result.cells), "", *_table(worst)]
    if rest:
        lines += ["", *_folded(say("gate.more_cells", n=len(rest), count=f"{len(rest):,}"), _table(rest))]
    if result.differences:
        count = len(result.differences)
        lines += ["", *_folded(say("gate.differences", n=count, count=f"{count:,}"), _changes(result))]
    lines += ["", _plain(false_alarms_text(result.false_alarms))]
    return [*lines, *(f"- {_plain(note)}" for note in notes(result))]


def _table(cells: Sequence[GatedCell]) -> Iterator[str]:
    yield _heads("verdict", "figure", "variant", "baseline", "now", "why")
    yield "|---|---|---|---:|---:|---|"
    for cell in cells:
        verdict = f"**{cell.verdict}**" if cell.verdict == "BLOCK" else cell.verdict
        texts = (cell_name(cell), cell.variant, number(cell.before), number(cell.after), why(cell))
        yield f"| {verdict} | {' | '.join(map(_plain, texts))} |"


def _changes(result: GateResult) -> Iterator[str]:
    yield _heads("what", "name", "baseline", "now")
    yield "|---|---|---|---|"
    for own in result.differences:
        kind = say(f"comparison.kind_{own.kind}")
        yield f"| {' | '.join(map(_plain, (kind, own.name, own.before or '–', own.after or '–')))} |"


def _heads(*names: str) -> str:
    return f"| {' | '.join(say(f'gate.{name}') for name in names)} |"


def _folded(title: str, lines: Iterator[str]) -> list[str]:
    return [f"<details><summary>{html.escape(title)}</summary>", "", *lines, "", "</details>"]


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return SIGNS.sub(r"\\\1", " ".join(text.split()))
