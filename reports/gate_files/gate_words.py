"""The words that all outputs of a gate share, in the language that is spoken."""

from collections import Counter
from collections.abc import Sequence

from harness.records.figure_names import FigureName
from harness.records.gate_results import VERDICTS, FalseAlarms, GateCheck, GatedCell, GateResult, Verdict
from reports.facts.spoken_sentences import spoken_statement
from reports.wording import say


def cell_name(cell: GatedCell) -> str:
    """What was measured: task.metric, or what requests take."""
    if cell.task:
        return str(FigureName.within(cell.task, cell.metric))
    return say(f"gate.burden_{cell.metric}")


def number(value: float | None) -> str:
    """A figure in its metric's own units."""
    return "–" if value is None else f"{value:.4g}"


def reasons(cell: GatedCell) -> tuple[GateCheck, ...]:
    """The checks that gave a cell its verdict, the worst first; all of one that passes."""
    bad = sorted((own for own in cell.checks if own.verdict != "PASS"), key=lambda own: -VERDICTS.index(own.verdict))
    return tuple(bad) or cell.checks


def why(cell: GatedCell) -> str:
    """The reasons in one line, with the waiver."""
    text = say("nouns.semicolon").join(spoken_statement(own.text.statement) for own in reasons(cell))
    if cell.waiver is None:
        return text
    return say("gate.why_waived", why=text, waiver=spoken_statement(cell.waiver.statement))


def notes(result: GateResult) -> list[str]:
    """What a reader should know beside the cells."""
    return [spoken_statement(note.statement) for note in result.notes]


def headline(result: GateResult) -> str:
    """The verdict on the whole run."""
    values = {"verdict": result.verdict, "suite": result.suite, "run": result.run, "baseline": result.baseline}
    if result.policy:
        return say("gate.headline_policy", **values, policy=result.policy)
    return say("gate.headline", **values)


def counts(cells: Sequence[GatedCell]) -> str:
    """How many cells have which verdict, the worst first."""
    by_verdict = Counter(cell.verdict for cell in cells)
    named: list[Verdict] = [own for own in reversed(VERDICTS) if by_verdict[own]]
    parts = (say("gate.verdict_count", count=f"{by_verdict[own]:,}", verdict=own) for own in named)
    return say("nouns.comma").join(parts) or say("gate.no_cells")


def false_alarms_text(own: FalseAlarms) -> str:
    """How often the gate turns red although nothing has changed."""
    if not own.cells:
        return say("gate.no_false_alarms")
    values = {"n": own.cells, "cells": f"{own.cells:,}", "level": f"{own.level:.2g}"}
    if own.rule == "nightly":
        return say("gate.false_alarms_nightly", **values, expected=f"{own.expected:.2g}", nights=own.nights)
    return say("gate.false_alarms_sequential", **values, chance=f"{own.chance:.2g}")
