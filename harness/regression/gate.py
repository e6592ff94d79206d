"""A run held against its baseline: a verdict on each cell and over all, and how often it would be wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.errors import HarnessError
from harness.records.anomalies import Anomaly
from harness.records.figure_names import FigureName
from harness.records.gate_results import VERDICTS, FalseAlarms, GatedCell, GateResult, Verdict
from harness.records.judge_anchors import JudgeStanding
from harness.records.run_evidence import RunDifference, RunEvidence
from harness.records.sentences import Sentence
from harness.regression.ceilings import ceiling_cells
from harness.regression.cell_checks import CellSituation, cell_checks
from harness.regression.cell_limits import LimitedCell, changes_of, limited_cells
from harness.regression.drop_test import NightEvidence, drop_test
from harness.regression.night_log import NightLog, answer_digests, cell_night, counted_nights, with_night
from harness.regression.paired_drops import CellName, PairedDrops, paired_drops
from harness.regression.paired_runs import changes_metric, shared_items
from harness.regression.policy import GatePolicy
from harness.regression.run_differences import differences
from harness.regression.waivers import today, waived, waiver_notes, worst
from harness.text.counting import counted
from harness.text.stating import state

NAMED = 5  # differences that a note names
TIERS = ("critical", "normal", "watch")


@dataclass(frozen=True, kw_only=True)
class GateInputs:
    """A run, its baseline, and what they are held to."""

    before: RunEvidence
    after: RunEvidence
    policy: GatePolicy
    policy_name: str = ""
    judges: JudgeStanding
    log: NightLog | None = None  # of the sequential rule


def gate(inputs: GateInputs) -> tuple[GateResult, NightLog | None]:
    """The verdict, and the nights counted so far. Raises HarnessError for runs of different suites."""
    before, after, policy = inputs.before, inputs.after, inputs.policy
    refuse_unfit(before, after)
    changed = tuple(_settled(own) for own in differences(before, after))
    limited = limited_cells(before, after, policy)
    paired = paired_drops(before, after)
    log = _counted(inputs, paired, changed)
    alarms = _false_alarms(policy, [cell for cell in limited if _can_block(cell, policy) and cell.name in paired])
    day = today(after.started)
    situations = _Situations(inputs, changed, paired, alarms.level, log)
    cells = [*(_gated(cell, situations, policy) for cell in limited), *ceiling_cells(before, after, policy)]
    notes = (*waiver_notes(policy.waivers, cells, day), *inputs.judges.notes, *_notes(after, changed))
    cells = sorted((waived(cell, policy.waivers, day) for cell in cells), key=_rank)
    result = GateResult(
        suite=after.suite,
        run=after.key,
        started=after.started,
        baseline=before.key,
        policy=inputs.policy_name,
        verdict=overall(cells),
        false_alarms=alarms,
        cells=tuple(cells),
        differences=changed,
        notes=tuple(notes),
    )
    return result, log


def refuse_unfit(before: RunEvidence, after: RunEvidence) -> None:
    """Raise HarnessError for a baseline that can be none of this run."""
    if before.suite != after.suite:
        raise HarnessError(
            f"{after.place} is a run of suite {after.suite} and {before.place} of suite {before.suite}; "
            "name a baseline of the same suite"
        )
    if before.limited:
        raise HarnessError(
            f"{before.place}: a limited run is no baseline; accept a whole one with `harness baseline accept RUN`"
        )


def overall(cells: Sequence[GatedCell]) -> Verdict:
    """The worst verdict of what is not only watched; a watched cell warns at most, unless there is nothing else."""
    counting = [cell.verdict for cell in cells if cell.tier != "watch"]
    if not counting:
        return worst([cell.verdict for cell in cells]) if cells else "INCONCLUSIVE"
    is_warned = any(cell.verdict != "PASS" for cell in cells)
    return worst([*counting, "WARN" if is_warned else "PASS"])


class _Situations:
    """What is known of each cell."""

    def __init__(
        self,
        inputs: GateInputs,
        changed: tuple[RunDifference, ...],
        paired: Mapping[CellName, PairedDrops],
        level: float,
        log: NightLog | None,
    ) -> None:
        self.inputs, self.changed, self.paired, self.level, self.log = inputs, changed, paired, level, log
        shared, questions = shared_items(inputs.before, inputs.after), inputs.before.questions
        totals: dict[str, int] = {}
        for task, _ in questions:
            totals[task] = totals.get(task, 0) + 1
        self.shared = {task: len(shared.get(task, ())) / total for task, total in totals.items()}
        earlier = {(own.task, own.variant, own.kind) for own in inputs.before.summary.anomalies}
        self.alarms: dict[tuple[str, str], list[Sentence]] = {}
        for own in inputs.after.summary.anomalies:
            if (own.task, own.variant, own.kind) not in earlier:
                self.alarms.setdefault((own.task, own.variant), []).append(_alarm(own))

    def of(self, cell: LimitedCell) -> CellSituation:
        """The situation of one."""
        task, variant, metric = cell.name
        figure = FigureName.within(task, metric)
        paired = self.paired.get(cell.name)
        evidence = None
        if self.log is not None and paired is not None:
            evidence = NightEvidence(
                nights=counted_nights(self.log, cell.name, paired), gated=max(1, len(self.log.nights))
            )
        return CellSituation(
            drop=drop_test(paired, cell.margin, self.inputs.policy.confidence, self.level, evidence)
            if paired
            else None,
            changes=tuple(changes_of(cell.name, self.changed)),
            shared=self.shared.get(task, 1.0),
            limited=bool(self.inputs.after.limited),
            judge=self.inputs.judges.moved.get(str(figure.whole)),
            alarms=self.alarms.get((task, variant), ()),
        )


def _alarm(own: Anomaly) -> Sentence:
    return state(
        "gate.alarm",
        "{kind}: {count} of {answers} answers; {cause}",
        kind=state(f"gate.fault_{own.kind.replace(' ', '_')}", own.kind),
        count=f"{own.count:,}",
        answers=f"{own.answers:,}",
        cause=Sentence(own.cause, own.statements[0]) if own.statements else own.cause,
    )


def _gated(cell: LimitedCell, situations: _Situations, policy: GatePolicy) -> GatedCell:
    """The verdict on a cell, waivers not accounted for."""
    situation = situations.of(cell)
    checks = cell_checks(cell, situation, policy)
    task, variant, metric = cell.name
    return GatedCell(
        task=task,
        variant=variant,
        metric=metric,
        tier=cell.tier,
        verdict=worst([check.verdict for check in checks]),
        before=cell.before.mean if cell.before else None,
        after=cell.after.mean if cell.after else None,
        samples=cell.after.samples if cell.after else 0,
        known=cell.after.known if cell.after else 0,
        drop=situation.drop,
        checks=tuple(checks),
    )


def _can_block(cell: LimitedCell, policy: GatePolicy) -> bool:
    return policy.verdict(cell.tier, "breach") not in ("PASS", "WARN")


def _false_alarms(policy: GatePolicy, cells: Sequence[LimitedCell]) -> FalseAlarms:
    """The budget spread over the cells that can turn the gate red, and the nights of a month (Bonferroni)."""
    budget, count = policy.false_alarms, max(1, len(cells))
    is_nightly = policy.rule == "nightly"
    level = min(0.5, budget.per_month / (budget.nights * count)) if is_nightly else budget.ever / count
    return FalseAlarms(
        rule=policy.rule,
        cells=len(cells),
        level=level,
        expected=level * budget.nights * len(cells) if is_nightly else None,
        chance=None if is_nightly else level * len(cells),
        nights=budget.nights,
    )


def _counted(
    inputs: GateInputs, paired: Mapping[CellName, PairedDrops], changed: tuple[RunDifference, ...]
) -> NightLog | None:
    """The log with this night, of cells that may be compared."""
    if inputs.log is None or inputs.after.limited:
        return inputs.log
    before, after = answer_digests(inputs.before), answer_digests(inputs.after)
    nights = {}
    for name, own in paired.items():
        moved = str(FigureName.within(name[0], name[2]).whole) in inputs.judges.moved
        night = cell_night(own, before.get(name[:2], ""), after.get(name[:2], ""))
        if night is not None and not moved and not any(changes_of(name, changed)):
            nights[name] = night
    return with_night(inputs.log, inputs.after, nights)


def _settled(own: RunDifference) -> RunDifference:
    """A metric of the same settings whose package has another version is not changed."""
    return (
        replace(own, changes_figures=False) if own.kind == "metric" and not changes_metric(own.kind, own.name) else own
    )


def _notes(after: RunEvidence, changed: Sequence[RunDifference]) -> list[Sentence]:
    """What does not stop the comparison, and should be known."""
    notes = list(after.remarks)
    harmless = [own for own in changed if not own.changes_figures]
    if not harmless:
        return notes
    absent = state("gate.none", "none")
    named = [
        state(
            "gate.version",
            "{name} {before} → {after}",
            name=own.name,
            before=own.before or absent,
            after=own.after or absent,
        )
        for own in harmless[:NAMED]
    ]
    more = len(harmless) - NAMED
    start = "Not the same as for the baseline, but compared all the same: {names}"
    if more > 0:
        text = state(
            "gate.harmless_more", f"{start} and {counted(more, 'other')}.", names=named, n=more, count=f"{more:,}"
        )
    else:
        text = state("gate.harmless", f"{start}.", names=named)
    return [*notes, text]


def _rank(cell: GatedCell) -> tuple[int, int, float]:
    """The worst verdict first, then the tier that counts most, then the largest drop against what is allowed."""
    drop = cell.drop.drop / cell.drop.margin if cell.drop and cell.drop.margin else 0.0
    return (-VERDICTS.index(cell.verdict), TIERS.index(cell.tier), -drop)
