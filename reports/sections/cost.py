"""What every variant spent on every task, and what to look at before believing its figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.figures import Summary, Usage
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from reports.facts import numbers
from reports.facts.metric_columns import freshness_probes
from reports.facts.training_cost import models_behind
from reports.section import Section


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one variant spent on one task."""

    usage: Usage
    cell: Mapping[str, JSON]  # calls and cache hits of this run, where run.json counts them
    weights: str  # of its models, in memory


@dataclass(frozen=True, slots=True)
class TaskCost:
    """One task."""

    task: str
    rows: tuple[CostRow, ...]


@dataclass(frozen=True, slots=True)
class CostFacts:
    """The tasks, and the freshness probes by themselves."""

    tasks: tuple[TaskCost, ...]
    probes: tuple[TaskCost, ...]
    has_retrieval: bool  # whether anything was looked up in this run


class Cost(Section):
    title = "Cost"
    heading = "Cost, and what to look at first"
    order = 150

    def build(self, finished: FinishedRun) -> CostFacts | None:
        """By task, one row a variant; calls and cache hits only where run.json counts them."""
        run, summary = finished.run, finished.summary
        cells = {(cell.get("task"), cell.get("variant")): cell for cell in run.get("cells") or ()}
        rows: dict[str, list[CostRow]] = {}
        for usage in summary.usage:
            row = CostRow(usage, cells.get((usage.task, usage.variant), {}), _weights(run, summary, usage.variant))
            rows.setdefault(usage.task, []).append(row)
        if not rows:
            return None
        probes = freshness_probes(summary)
        costs = [TaskCost(task, tuple(group)) for task, group in rows.items()]
        has_retrieval = any(r.cell.get("retrieval_seconds") or r.cell.get("embedded") for c in costs for r in c.rows)
        return CostFacts(
            tuple(cost for cost in costs if cost.task not in probes),
            tuple(cost for cost in costs if cost.task in probes),
            has_retrieval,
        )


def _weights(run: Mapping[str, JSON], summary: Summary, variant: str) -> str:
    """The most that one of the variant's models takes: only one is loaded at a time."""
    models = run.get("models") or {}
    sizes = [(models.get(name) or {}).get("weights_bytes") for name in models_behind(run, summary, variant)]
    return numbers.memory(max(filter(None, sizes))) if any(sizes) else "–"
