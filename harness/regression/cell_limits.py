"""Which cells a gate looks at, and what each is held to: the policy's own limits, then those of entries that fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo, Result
from harness.records.gate_results import Tier
from harness.records.run_evidence import RunDifference, RunEvidence
from harness.regression.paired_drops import CellName
from harness.regression.policy import GatePolicy
from harness.regression.policy_file import allowed_drop, default_drop, matches


@dataclass(frozen=True, kw_only=True)
class LimitedCell:
    """One cell of the run or of its baseline, with its limits."""

    name: CellName
    info: MetricInfo
    before: Result | None
    after: Result | None
    tier: Tier
    margin: float  # the drop that is allowed, in the metric's own units
    floor: float | None
    by_bound: bool  # whether the worse end of the interval must keep the floor
    coverage: float

    @property
    def sign(self) -> float:
        """1 where higher is better, −1 where lower is."""
        return -1.0 if self.info.better == "lower" else 1.0


def limited_cells(before: RunEvidence, after: RunEvidence, policy: GatePolicy) -> list[LimitedCell]:
    """All cells of either run, in the order of the later one."""
    sides = [{(own.task, own.variant, own.metric): own for own in side.summary.results} for side in (before, after)]
    infos: Mapping[str, MetricInfo] = {**before.summary.metrics, **after.summary.metrics}
    names = dict.fromkeys([*sides[1], *sides[0]])
    cells = []
    for name in names:
        task, _, metric = name
        info = infos.get(str(FigureName.within(task, metric)))
        if info is not None:
            cells.append(_limited(name, info, (sides[0].get(name), sides[1].get(name)), policy, _tier(name, after)))
    return cells


def _tier(name: CellName, run: RunEvidence) -> Tier:
    """Headline figures of what could be deployed count; all else is watched."""
    task, variant, metric = name
    summary = run.summary
    is_headline = str(FigureName.within(task, metric)) in summary.headline
    return "normal" if is_headline and variant not in (*summary.unaided, *summary.bounds) else "watch"


def _limited(
    name: CellName, info: MetricInfo, results: tuple[Result | None, Result | None], policy: GatePolicy, tier: Tier
) -> LimitedCell:
    task, variant, metric = name
    before, after = results
    stated: dict[str, Any] = {"tier": tier, "drop": None, "floor": None, "floor_by": "point", "coverage": 0.95}
    for entry in (policy, *policy.gates):
        if entry is policy or matches(entry, task=task, variant=variant, metric=metric):
            own = {key: getattr(entry, key) for key in stated}
            stated |= {key: value for key, value in own.items() if value is not None}
    figure, baseline = str(FigureName.within(task, metric)), before.mean if before else None
    try:
        margin = default_drop(info, baseline)
        margin = margin if stated["drop"] is None else allowed_drop(stated["drop"], figure, info, baseline)
    except ValueError:  # one amount for all that this scale does not take
        margin = default_drop(info, baseline)
    return LimitedCell(
        name=name,
        info=info,
        before=before,
        after=after,
        tier=stated["tier"],
        margin=margin,
        floor=stated["floor"],
        by_bound=stated["floor_by"] == "bound",
        coverage=stated["coverage"],
    )


def changes_of(name: CellName, differences: tuple[RunDifference, ...]) -> Iterator[RunDifference]:
    """The differences that can move a cell's figure without any regression."""
    task, variant, metric = name
    whole = FigureName.within(task, metric).metric
    for own in differences:
        is_touched = (
            (not own.tasks or task in own.tasks)
            and (not own.variants or variant in own.variants)
            and (not own.metrics or whole in own.metrics or metric in own.metrics)
        )
        if own.changes_figures and is_touched:
            yield own
