"""What `harness calibrate` prints: how each judge stands against people, and whether that is enough."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from harness.judging.people.against_people import doubts
from harness.records.judgements import Agreed, Calibration
from harness.suite.options import Trust


def print_calibrations(calibrations: Sequence[Calibration], trust: Trust, console: Console) -> None:
    """One row a judge, the annotators among each other below, then what the suite's policy makes of it."""
    table = Table(title=f"Judges against people: {calibrations[0].labels}", title_justify="left")
    table.add_column("judge", overflow="fold")
    for column in ("items", "no verdict", "agreement", "κ (95 % interval)", "ρ", "τ", "flips"):
        table.add_column(column, justify="right")
    for record in calibrations:
        table.add_row(
            record.judge,
            str(record.items),
            _silent(record),
            _share(record.against.agreement),
            _kappa(record.against),
            _number(record.spearman),
            _number(record.kendall),
            _share(record.flips),
        )
    ceiling = calibrations[0].ceiling
    if ceiling is not None:
        table.add_row(
            "annotators", str(ceiling.items), "", _share(ceiling.agreement), _kappa(ceiling), "", "", "", style="dim"
        )
    console.print(table)
    console.print(_legend(calibrations[0]), soft_wrap=True)
    for record in calibrations:
        objections = doubts(record, trust)
        conclusion = (
            f"may not decide: {'; '.join(objections)}" if objections else "may decide, as far as these items tell"
        )
        console.print(f"{record.judge}: {conclusion}", soft_wrap=True)


def _legend(record: Calibration) -> str:
    kappa = "Cohen's κ" if record.pairwise else "Cohen's κ with quadratic weights"
    among = ""
    if record.ceiling is not None:
        among = (
            f" Annotators: the mean over the pairs of {record.annotators} (Fleiss' κ {_number(record.fleiss)}); "
            "a judge can hardly be expected to come closer."
        )
    return f"{kappa}, Spearman's ρ, Kendall's τ-b, without the items that have no verdict.{among}"


def _silent(record: Calibration) -> str:
    failed = f" + {record.failed} failed" if record.failed else ""
    return f"{record.unreadable}{failed}"


def _kappa(agreed: Agreed) -> str:
    interval = "" if agreed.low is None or agreed.high is None else f" ({agreed.low:.2f} to {agreed.high:.2f})"
    return f"{_number(agreed.kappa)}{interval}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
