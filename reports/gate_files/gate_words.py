"""The words that all outputs of a gate share."""

from collections import Counter
from collections.abc import Sequence

from harness.records.figure_names import FigureName
from harness.records.gate_results import VERDICTS, FalseAlarms, GateCheck, GatedCell, GateResult, Verdict


def cell_name(cell: GatedCell) -> str:
    """What was measured: task.metric, or what requests take."""
    return str(FigureName.within(cell.task, cell.metric)) if cell.task else cell.metric


def number(value: float | None) -> str:
    """A figure in its metric's own units."""
    return "–" if value is None else f"{value:.4g}"


def reasons(cell: GatedCell) -> tuple[GateCheck, ...]:
    """The checks that gave a cell its verdict, the worst first; all of one that passes."""
    bad = sorted((own for own in cell.checks if own.verdict != "PASS"), key=lambda own: -VERDICTS.index(own.verdict))
    return tuple(bad) or cell.checks


def why(cell: GatedCell) -> str:
    """The reasons in one line, with the waiver."""
    text = "; ".join(own.text for own in reasons(cell))
    return f"{text} ({cell.waiver})" if cell.waiver else text


def headline(result: GateResult) -> str:
    """The verdict on the whole run."""
    policy = f", policy {result.policy}" if result.policy else ""
    return f"{result.verdict}: {result.suite}, run {result.run} against baseline {result.baseline}{policy}"


def counts(cells: Sequence[GatedCell]) -> str:
    """How many cells have which verdict, the worst first."""
    by_verdict = Counter(cell.verdict for cell in cells)
    named: list[Verdict] = [own for own in reversed(VERDICTS) if by_verdict[own]]
    return ", ".join(f"{by_verdict[own]} {own}" for own in named) or "no cells"


def false_alarms_text(own: FalseAlarms) -> str:
    """How often the gate turns red although nothing has changed."""
    if not own.cells:
        return "No cell can turn the gate red by a drop, so there are no false alarms."
    cells = f"{own.cells} cell{'' if own.cells == 1 else 's'}"
    if own.rule == "nightly":
        return (
            f"Expected false alarms: at most {own.expected:.2g} a month of {own.nights} nights "
            f"({cells}, each tested at {own.level:.2g} a night)."
        )
    return (
        f"Chance of any false alarm while this baseline stands: at most {own.chance:.2g}, however many nights "
        f"({cells}, each at {own.level:.2g} over all nights)."
    )
