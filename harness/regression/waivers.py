"""What does not count for some time: a waiver that has ended is named, and does not count."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from harness.records.gate_results import VERDICTS, GateCheck, GatedCell, Verdict
from harness.records.sentences import Sentence
from harness.regression.gate_sentences import join
from harness.regression.policy import Waiver
from harness.regression.policy_file import matches
from harness.text.stating import state


def today(started: str) -> date:
    """The day on which a run is gated: that of the clock, or of the run where that is later (a clock set back)."""
    now = datetime.now(UTC).date()
    try:
        return max(now, datetime.fromisoformat(started).astimezone(UTC).date())
    except ValueError:
        return now


def waived(cell: GatedCell, waivers: Sequence[Waiver], day: date) -> GatedCell:
    """The cell without what is waived on a day; what would have blocked is still a warning."""
    own = [waiver for waiver in waivers if is_valid(waiver, day) and _fits(waiver, cell)]
    covered = [check for check in cell.checks if _is_bad(check) and any(_covers(waiver, check) for waiver in own)]
    if not covered:
        return cell
    counting = [check.verdict for check in cell.checks if check not in covered]
    used = [waiver for waiver in own if any(_covers(waiver, check) for check in covered)]
    reasons = [
        state("gate.waived", "waived until {until}: {reason}", until=waiver.until, reason=waiver.reason.strip())
        for waiver in used
    ]
    return replace(cell, verdict=worst([*counting, "WARN"]), waiver=join(reasons))


def waiver_notes(waivers: Sequence[Waiver], cells: Sequence[GatedCell], day: date) -> list[Sentence]:
    """Waivers that have ended, and those that no cell needed."""
    notes = []
    for waiver in waivers:
        values = {"scope": _scope(waiver), "reason": waiver.reason.strip()}
        fitting = [cell for cell in cells if _fits(waiver, cell)]
        if not is_valid(waiver, day):
            english = (
                "The waiver of {scope} ({reason}) ended on {until} and does not count; "
                "delete it, or give it a new date."
            )
            notes.append(state("gate.waiver_ended", english, **values, until=waiver.until))
        elif not any(_is_bad(check) and _covers(waiver, check) for cell in fitting for check in cell.checks):
            notes.append(state("gate.waiver_unneeded", "The waiver of {scope} ({reason}) was not needed.", **values))
    return notes


def is_valid(waiver: Waiver, day: date) -> bool:
    """Whether it holds on a day; the last one is included."""
    return day <= date.fromisoformat(waiver.until)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of some verdicts; PASS of none."""
    return max(verdicts, key=VERDICTS.index, default="PASS")


def _fits(waiver: Waiver, cell: GatedCell) -> bool:
    return matches(waiver, task=cell.task, variant=cell.variant, metric=cell.metric)


def _covers(waiver: Waiver, check: GateCheck) -> bool:
    return not waiver.covers or check.kind in waiver.covers


def _is_bad(check: GateCheck) -> bool:
    return check.verdict != "PASS"


def _scope(waiver: Waiver) -> list[Sentence]:
    parts = [
        state(f"gate.scope_{part}", f"{part} {{name}}", name=getattr(waiver, part))
        for part in ("task", "variant", "metric")
        if getattr(waiver, part) != "*"
    ]
    return parts or [state("gate.all_cells", "all cells")]
