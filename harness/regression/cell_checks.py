"""What a cell is held to, check by check, each with a sentence that says what was seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records.gate_results import DropTest, GateCheck, Verdict
from harness.records.run_evidence import RunDifference
from harness.records.sentences import Sentence
from harness.regression.cell_limits import LimitedCell
from harness.regression.drop_test import is_beyond, is_proven, is_ruled_out
from harness.regression.gate_sentences import count_items
from harness.regression.policy import GatePolicy
from harness.text.counting import counted
from harness.text.stating import state

NAMED = 3  # differences that a sentence names


@dataclass(frozen=True, kw_only=True)
class CellSituation:
    """What is known of a cell beside its limits."""

    drop: DropTest | None
    changes: Sequence[RunDifference] = ()
    shared: float = 1.0  # share of the baseline's items that ask the same
    limited: bool = False  # whether the run asked a part of the suite only
    judge: Sentence | None = None  # why its judge may not be compared
    alarms: Sequence[Sentence] = ()  # of the run itself, that the baseline had not


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
        english = "none of {items} has a value: all failed or are unknown"
        text = state("gate.no_value", english, items=count_items(result.samples))
    elif result.mean is None:
        english = "the figure is not defined on the {items} that have a value"
        text = state("gate.undefined", english, items=count_items(result.known))
    elif share < cell.coverage:
        text = state(
            "gate.coverage",
            "{known} of {items} have a value, less than {least}",
            known=f"{result.known:,}",
            items=count_items(result.samples),
            least=f"{cell.coverage:.0%}",
        )
    else:
        return
    yield GateCheck(kind="coverage", verdict=verdict, text=text, value=share, limit=cell.coverage)


def _comparability(cell: LimitedCell, situation: CellSituation, policy: GatePolicy) -> Iterator[GateCheck]:
    """Why the baseline says nothing of it."""
    on_purpose: Verdict = "PASS" if policy.changed == "accept" else "NOT COMPARABLE"
    if situation.judge:
        yield GateCheck(kind="judge", verdict="NOT COMPARABLE", text=situation.judge)
    if cell.after is None:
        text = state("gate.gone", "the run has no such cell any more")
        yield GateCheck(kind="change", verdict=on_purpose, text=text)
    elif cell.before is None:
        text = state("gate.new", "the baseline has no such cell: accept a baseline that has it")
        yield GateCheck(kind="change", verdict=on_purpose, text=text)
    elif situation.limited:
        text = state("gate.part_only", "the run asked a part of the suite only")
        yield GateCheck(kind="change", verdict="NOT COMPARABLE", text=text)
    elif situation.changes:
        yield GateCheck(kind="change", verdict=on_purpose, text=_changed(situation.changes))
    elif situation.shared < policy.min_shared:
        text = state(
            "gate.few_shared",
            "{share} of the baseline's items ask the same, less than {least}",
            share=f"{situation.shared:.0%}",
            least=f"{policy.min_shared:.0%}",
        )
        yield GateCheck(
            kind="change", verdict="NOT COMPARABLE", text=text, value=situation.shared, limit=policy.min_shared
        )


def _changed(changes: Sequence[RunDifference]) -> Sentence:
    names: list[Sentence | str] = []
    for own in changes[:NAMED]:
        kind = state(f"comparison.kind_{own.kind}", own.kind)
        names.append(
            kind if own.kind == own.name else state("gate.changed_name", "{kind} {name}", kind=kind, name=own.name)
        )
    more = len(changes) - NAMED
    if more > 0:
        return state(
            "gate.changed_more",
            f"changed since the baseline: {{names}} and {counted(more, 'other thing')}; "
            "accept the run as a baseline if it is on purpose",
            names=names,
            n=more,
            count=f"{more:,}",
        )
    return state(
        "gate.changed",
        "changed since the baseline: {names}; accept the run as a baseline if it is on purpose",
        names=names,
    )


def _floor(cell: LimitedCell, policy: GatePolicy) -> Iterator[GateCheck]:
    """The figure, or the worse end of its interval, against the worst that is allowed."""
    result = cell.after
    if cell.floor is None or result is None or result.mean is None:
        return
    end = result.high if cell.sign < 0 else result.low
    values = {"mean": f"{result.mean:.4g}", "floor": f"{cell.floor:g}"}
    verdict: Verdict = "PASS"
    text = state("gate.floor_kept", "{mean} keeps the floor of {floor}", **values)
    if cell.sign * (result.mean - cell.floor) < 0:
        verdict = policy.verdict(cell.tier, "breach")
        if cell.sign < 0:
            text = state("gate.floor_exceeded", "{mean} is more than the floor of {floor}", **values)
        else:
            text = state("gate.floor_missed", "{mean} is less than the floor of {floor}", **values)
    elif cell.by_bound and end is None:
        verdict = policy.verdict(cell.tier, "doubt")
        english = "{mean} keeps the floor of {floor}, but its 95 % interval reaches no one knows how far"
        text = state("gate.floor_unbounded", english, **values)
    elif cell.by_bound and end is not None and cell.sign * (end - cell.floor) < 0:
        verdict = policy.verdict(cell.tier, "doubt")
        english = "{mean} keeps the floor of {floor}, but its 95 % interval reaches {end}"
        text = state("gate.floor_doubted", english, **values, end=f"{end:.4g}")
    yield GateCheck(kind="floor", verdict=verdict, text=text, value=result.mean, limit=cell.floor)


def _drop(cell: LimitedCell, test: DropTest | None, policy: GatePolicy) -> GateCheck:
    """A drop beyond what is allowed: proven, ruled out, or neither."""
    if test is None:
        text = state("gate.not_paired", "no item has a value both in the baseline and now")
        return GateCheck(kind="missing", verdict=policy.verdict(cell.tier, "missing"), text=text)
    verdict: Verdict = "PASS"
    if not test.differing:
        text = state("gate.no_difference", "no score differs on {items}", items=count_items(test.items))
    elif is_proven(test) and is_beyond(test):
        verdict, text = policy.verdict(cell.tier, "breach"), _proof(test)
    elif is_ruled_out(test):
        english, most = "{figure}; at most {most} worse, {allowed}", f"{max(test.highest, 0.0):.4g}"
        text = state("gate.ruled_out", english, figure=_seen(test), most=most, allowed=_allowed(test))
    else:
        verdict = policy.verdict(cell.tier, "doubt")
        text = state(
            "gate.doubt",
            "{figure}; it may be {most} worse, {allowed}: neither proven (p {p}) nor ruled out",
            figure=_seen(test),
            most=f"{test.highest:.4g}",
            allowed=_allowed(test),
            p=_p(test.p),
        )
    return GateCheck(kind="drop", verdict=verdict, text=text, value=test.drop, limit=test.margin)


def _proof(test: DropTest) -> Sentence:
    english = "{figure} where {allowed}: proven (p {p} is below {level})"
    values = {"figure": _seen(test), "allowed": _allowed(test), "p": _p(test.p), "level": _p(test.level)}
    if test.nights <= 1:
        return state("gate.proven", english, **values)
    return state("gate.proven_together", f"{english}, {{nights}} nights together", **values, nights=f"{test.nights:,}")


def _seen(test: DropTest) -> Sentence:
    """How the figure stands to the baseline's."""
    if not test.drop:
        return state("gate.same", "the same figure")
    items, size = count_items(test.items), f"{abs(test.drop):.4g}"
    if test.drop > 0:
        return state("gate.worse", "+{size} worse on {items}", size=size, items=items)
    return state("gate.better", "{size} better on {items}", size=size, items=items)


def _allowed(test: DropTest) -> Sentence:
    english = "{margin} is allowed" if test.margin == 1 else "{margin} are allowed"
    return state("gate.allowed", english, n=test.margin, margin=f"{test.margin:.4g}")


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 1e-4 else "< 0.0001" if p > 0 else "0"


def _alarms(cell: LimitedCell, alarms: Sequence[Sentence], policy: GatePolicy) -> Iterator[GateCheck]:
    """The run's own alarms. One of a watched cell is shown only."""
    if policy.alarms == "ignore":
        return
    is_blocking = policy.alarms == "block" and cell.tier != "watch"
    for text in alarms:
        yield GateCheck(kind="alarm", verdict="BLOCK" if is_blocking else "WARN", text=text)
