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
    for one in calibrations:
        table.add_row(
            one.judge, str(one.items), _silent(one), _share(one.against.agreement), _kappa(one.against),
            _number(one.spearman), _number(one.kendall), _share(one.flips),
        )  # fmt: skip
    ceiling = calibrations[0].ceiling
    if ceiling is not None:
        table.add_row(
            "annotators", str(ceiling.items), "", _share(ceiling.agreement), _kappa(ceiling), "", "", "", style="dim"
        )
    console.print(table)
    console.print(_legend(calibrations[0]), soft_wrap=True)
    for one in calibrations:
        found = doubts(one, trust)
        told = f"may not decide: {'; '.join(found)}" if found else "may decide, as far as these items tell"
        console.print(f"{one.judge}: {told}", soft_wrap=True)


def _legend(one: Calibration) -> str:
    kappa = "Cohen's κ" if one.pairwise else "Cohen's κ with quadratic weights"
    among = ""
    if one.ceiling is not None:
        among = (
            f" Annotators: the mean over the pairs of {one.annotators} (Fleiss' κ {_number(one.fleiss)}); "
            "a judge can hardly be expected to come closer."
        )
    return f"{kappa}, Spearman's ρ, Kendall's τ-b, without the items that have no verdict.{among}"


def _silent(one: Calibration) -> str:
    failed = f" + {one.failed} failed" if one.failed else ""
    return f"{one.unreadable}{failed}"


def _kappa(one: Agreed) -> str:
    interval = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
    return f"{_number(one.kappa)}{interval}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
