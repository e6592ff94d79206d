"""Which runs may be the baseline of later ones: whole ones, in which everything was measured."""

import getpass
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError, StoreError
from harness.records.inputs import Cell
from harness.records.run_evidence import Acceptance, AcceptedRun, RunEvidence
from harness.regression.baseline_folder import write_baseline
from harness.text.counting import counted

MOST_NAMED = 3


def accept(place: Path, evidence: RunEvidence, acceptance: Acceptance, with_failures: bool) -> tuple[AcceptedRun, ...]:
    """Write the baseline; returns the earlier acceptances. Raises StoreError for a run that may not be one."""
    if evidence.acceptance is not None:
        raise StoreError(f"{evidence.place} is a baseline itself; name a run folder")
    if evidence.limited:
        raise StoreError(
            f"{evidence.place}: a limited run is never a baseline; run the suite without --limit and --only"
        )
    failed = list(failed_cells(evidence))
    if failed and not with_failures:
        names = ", ".join(f"{cell.task} × {cell.variant}" for cell in failed[:MOST_NAMED])
        more = f" and {counted(len(failed) - MOST_NAMED, 'further cell')}" if len(failed) > MOST_NAMED else ""
        verb = "has" if len(failed) == 1 else "have"
        raise StoreError(
            f"{evidence.place}: {names}{more} {verb} no value at all; run the suite again, or accept it as it is with "
            "--with-failures"
        )
    return write_baseline(place, replace(evidence, place=""), acceptance)


def failed_cells(evidence: RunEvidence) -> Iterator[Cell]:
    """The cells in which every answer failed, or every score is unknown."""
    answered = {Cell(task, variant) for task, variant, _ in evidence.answers}
    valued: dict[Cell, bool] = {}
    for score in evidence.scores:
        cell = Cell(score.task, score.variant)
        valued[cell] = valued.get(cell, False) or score.value is not None
    yield from (cell for cell, has_value in valued.items() if not has_value or cell not in answered)


def acceptor() -> str:
    """Who accepts: git's user.name, else the login name. Raises HarnessError where neither is known."""
    try:
        result = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
        if name := result.stdout.strip():
            return name
    except OSError:  # git is not here
        pass
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise HarnessError("neither git nor the system knows your name; add --who NAME") from error
