"""What a baseline holds, for whoever has to decide whether it still stands."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.records.figure_names import FigureName
from harness.records.run_evidence import AcceptedRun, RunEvidence
from reports.console_text import safe_text
from reports.facts import numbers
from reports.facts.phrases import counted
from reports.wording import say


def print_baseline(evidence: RunEvidence, earlier: Sequence[AcceptedRun], console: Console) -> None:
    """Print of which run it is and who accepted it, its headline figures, and what was accepted before."""
    acceptance = evidence.acceptance
    if acceptance is None:
        raise ValueError("a run is no baseline")
    _line(say("comparison.baseline_of", suite=evidence.suite, run=evidence.key, started=evidence.started), console)
    reason = f": {acceptance.why}" if acceptance.why else ""
    _line(say("comparison.accepted", who=acceptance.who, when=acceptance.when, why=reason), console)
    variants = {own.variant for own in evidence.scores}
    _line(
        say("nouns.separator").join((counted(len(evidence.questions), "item"), counted(len(variants), "variant"))),
        console,
    )
    console.print(_figures(evidence, console))
    for own in reversed(earlier):
        accepted = say("comparison.accepted", who=own.acceptance.who, when=own.acceptance.when, why="")
        _line(say("comparison.earlier", run=own.key, accepted=accepted), console)


def _figures(evidence: RunEvidence, console: Console) -> Table:
    grid = Table(*(say(f"comparison.{name}") for name in ("figure", "variant")), padding=(0, 1))
    grid.add_column(say("comparison.value"), justify="right")
    for own in evidence.summary.results:
        name = str(FigureName.of(own))
        if name in evidence.summary.headline:
            value, ends = numbers.figure(own, evidence.summary.metrics[name])
            cells = (name, own.variant, f"{value} [{ends}]" if ends else value)
            grid.add_row(*(safe_text(Text(cell), console) for cell in cells))
    return grid


def _line(text: str, console: Console) -> None:
    console.print(safe_text(Text(text), console))
