"""What a cell is held to, check by check, each with a sentence that says what was seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records.gate_results import DropTest, GateCheck, Verdict
from harness.records.run_evidence import RunDifference
from harness.regression.cell_limits import LimitedCell
from harness.regression.drop_test import is_beyond, is_proven, is_ruled_out
from harness.regression.policy import GatePolicy
from harness.text.counting import counted

NAMED = 3  # differences that a sentence names


@dataclass(frozen=True, kw_only=True)
class CellSituation:
    """What is known of a cell beside its limits."""

    drop: DropTest | None
    changes: Sequence[RunDifference] = ()
    shared: float = 1.0  # share of the baseline's items that ask the same
    limited: bool = False  # whether the run asked a part of the suite only
    judge: str = ""  # why its judge may not be compared
    alarms: Sequence[str] = ()  # of the run itself, that the baseline had not


def cell_checks(cell: LimitedCell, situation: CellSituation, policy: GatePolicy) -> list[GateCheck]:
    """All checks of a cell. What is not comparable is held to no drop, and a judge that moved to no floor."""
    checks = [*_missing(cell, policy)]
    comparability = [*_comparability(cell, situation, policy)]
    checks += comparability
    is_measured = cell.after is not None and cell.after.mean is not None
    if is_measured and not situation.judge:
        checks += _floor(cell, policy)
    if is_measured and not comparability and cell.before is not None and cell.info.better != "neither":
        checks.append(_drop(cell, situation.drop, policy))
    checks += _alarms(cell, situation.alarms, policy)
    return checks


def _missing(cell: LimitedCell, policy: GatePolicy) -> Iterator[GateCheck]:
    """A cell without values, or with too few."""
    verdict, result = policy.verdict(cell.tier, "missing"), cell.after
    if result is None:
        return
    share = result.known / result.samples if result.samples else 0.0
    if not result.known:
        text = f"none of {counted(result.samples, 'item')} has a value: all failed or are unknown"
    elif result.mean is None:
        text = f"the figure is not defined on the {counted(result.known, 'item')} that have a value"
    elif share < cell.coverage:
        text = f"{result.known:,} of {counted(result.samples, 'item')} have a value, less than {cell.coverage:.0%}"
    else:
        return
    yield GateCheck(kind="coverage", verdict=verdict, text=text, value=share, limit=cell.coverage)


def _comparability(cell: LimitedCell, situation: CellSituation, policy: GatePolicy) -> Iterator[GateCheck]:
    """Why the baseline says nothing of it."""
    is_accepted = policy.changed == "accept"
    if situation.judge:
        yield GateCheck(kind="judge", verdict="NOT COMPARABLE", text=situation.judge)
    if cell.after is None:
        text = "the run has no such cell any more"
        yield GateCheck(kind="change", verdict="PASS" if is_accepted else "NOT COMPARABLE", text=text)
    elif cell.before is None:
        text = "the baseline has no such cell: accept a baseline that has it"
        yield GateCheck(kind="change", verdict="PASS" if is_accepted else "NOT COMPARABLE", text=text)
    elif situation.limited:
        yield GateCheck(kind="change", verdict="NOT COMPARABLE", text="the run asked a part of the suite only")
    elif situation.changes:
        yield GateCheck(
            kind="change", verdict="PASS" if is_accepted else "NOT COMPARABLE", text=_changed(situation.changes)
        )
    elif situation.shared < policy.min_shared:
        text = f"{situation.shared:.0%} of the baseline's items ask the same, less than {policy.min_shared:.0%}"
        yield GateCheck(
            kind="change", verdict="NOT COMPARABLE", text=text, value=situation.shared, limit=policy.min_shared
        )


def _changed(changes: Sequence[RunDifference]) -> str:
    named = [f"{own.kind} {own.name}" if own.kind != own.name else own.name for own in changes[:NAMED]]
    more = f" and {counted(len(changes) - NAMED, 'other thing')}" if len(changes) > NAMED else ""
    return f"changed since the baseline: {', '.join(named)}{more}; accept the run as a baseline if it is on purpose"


def _floor(cell: LimitedCell, policy: GatePolicy) -> Iterator[GateCheck]:
    """The figure, or the worse end of its interval, against the worst that is allowed."""
    result = cell.after
    if cell.floor is None or result is None or result.mean is None:
        return
    end = result.high if cell.sign < 0 else result.low
    worse = "more" if cell.sign < 0 else "less"
    verdict: Verdict = "PASS"
    text = f"{result.mean:.4g} keeps the floor of {cell.floor:g}"
    if cell.sign * (result.mean - cell.floor) < 0:
        verdict, text = (
            policy.verdict(cell.tier, "breach"),
            f"{result.mean:.4g} is {worse} than the floor of {cell.floor:g}",
        )
    elif cell.by_bound and (end is None or cell.sign * (end - cell.floor) < 0):
        verdict = policy.verdict(cell.tier, "doubt")
        text = f"{result.mean:.4g} keeps the floor of {cell.floor:g}, but its 95 % interval reaches "
        text += "no one knows how far" if end is None else f"{end:.4g}"
    yield GateCheck(kind="floor", verdict=verdict, text=text, value=result.mean, limit=cell.floor)


def _drop(cell: LimitedCell, test: DropTest | None, policy: GatePolicy) -> GateCheck:
    """A drop beyond what is allowed: proven, ruled out, or neither."""
    if test is None:
        return GateCheck(
            kind="missing",
            verdict=policy.verdict(cell.tier, "missing"),
            text="no item has a value both in the baseline and now",
        )
    figure_text = f"{test.drop:+.4g} worse on {counted(test.items, 'item')}" if test.drop > 0 else _better(test)
    allowed = f"{test.margin:.4g} {'is' if test.margin == 1 else 'are'} allowed"
    if not test.differing:
        verdict: Verdict = "PASS"
        text = f"no score differs on {counted(test.items, 'item')}"
    elif is_proven(test) and is_beyond(test):
        verdict = policy.verdict(cell.tier, "breach")
        text = f"{figure_text} where {allowed}: proven (p {_p(test.p)} is below {_p(test.level)}){_over(test)}"
    elif is_ruled_out(test):
        verdict, text = "PASS", f"{figure_text}; at most {max(test.highest, 0.0):.4g} worse, {allowed}"
    else:
        verdict = policy.verdict(cell.tier, "doubt")
        text = f"{figure_text}; it may be {test.highest:.4g} worse, {allowed}: "
        text += f"neither proven (p {_p(test.p)}) nor ruled out"
    return GateCheck(kind="drop", verdict=verdict, text=text, value=test.drop, limit=test.margin)


def _better(test: DropTest) -> str:
    return f"{-test.drop:.4g} better on {counted(test.items, 'item')}" if test.drop < 0 else "the same figure"


def _over(test: DropTest) -> str:
    return f", {counted(test.nights, 'night')} together" if test.nights > 1 else ""


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 1e-4 else "< 0.0001" if p > 0 else "0"


def _alarms(cell: LimitedCell, alarms: Sequence[str], policy: GatePolicy) -> Iterator[GateCheck]:
    """The run's own alarms. One of a watched cell is shown only."""
    if policy.alarms == "ignore":
        return
    is_blocking = policy.alarms == "block" and cell.tier != "watch"
    for text in alarms:
        yield GateCheck(kind="alarm", verdict="BLOCK" if is_blocking else "WARN", text=text)
