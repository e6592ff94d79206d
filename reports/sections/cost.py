"""What every variant spent on every task, and what to look at before believing its figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.figures import Usage
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.approach_names import approach_of
from reports.facts.metric_columns import freshness_probes
from reports.facts.phrases import counted
from reports.facts.training_cost import models_behind
from reports.section import Section
from reports.wording import say


@dataclass(frozen=True, slots=True)
class NotedFigure:
    """A figure, and what it has to be read with."""

    value: str = "–"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """What one variant spent on one task."""

    usage: Usage
    cell: Mapping[str, JSON]  # calls and cache hits of this run, where run.json counts them
    weights: str  # of its models, in memory
    latency: NotedFigure
    elsewhere: NotedFigure
    is_known: bool = True  # whether this run knows what the answers took; not of those that were made elsewhere


@dataclass(frozen=True, slots=True)
class TaskCost:
    """One task."""

    task: str
    rows: tuple[CostRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFacts:
    """The tasks, and the freshness probes by themselves."""

    tasks: tuple[TaskCost, ...]
    probes: tuple[TaskCost, ...]
    has_retrieval: bool  # whether anything was looked up in this run
    has_latency: bool  # whether a server answered: else a latency is the item's part of the seconds
    has_elsewhere: bool  # whether options were read from a first token


class Cost(Section):
    order = 145

    def build(self, finished: FinishedRun) -> CostFacts | None:
        """By task, one row a variant; calls and cache hits only where run.json counts them."""
        run, summary = finished.run, finished.summary
        cells = {(cell.get("task"), cell.get("variant")): cell for cell in run.get("cells") or ()}
        rows: dict[str, list[CostRow]] = {}
        for usage in summary.usage:
            row = CostRow(
                usage=usage,
                cell=cells.get((usage.task, usage.variant), {}),
                weights=_weights(run, summary, usage.variant),
                latency=_latency(usage),
                elsewhere=_elsewhere(usage),
                is_known=approach_of(summary, usage.variant) != "made elsewhere",
            )
            rows.setdefault(usage.task, []).append(row)
        if not rows:
            return None
        probes = freshness_probes(summary)
        costs = [TaskCost(task, tuple(group)) for task, group in rows.items()]
        has_retrieval = any(r.cell.get("retrieval_seconds") or r.cell.get("embedded") for c in costs for r in c.rows)
        return CostFacts(
            tasks=tuple(cost for cost in costs if cost.task not in probes),
            probes=tuple(cost for cost in costs if cost.task in probes),
            has_retrieval=has_retrieval,
            has_latency=any(usage.timing is not None and usage.timing.served for usage in summary.usage),
            has_elsewhere=any(usage.elsewhere is not None for usage in summary.usage),
        )


def _latency(usage: Usage) -> NotedFigure:
    """The latency with what it rests on; seconds among other calls are never called one."""
    timing = usage.timing
    if timing is None:
        return NotedFigure()
    notes = []
    if timing.latency is not None and timing.shared is not None:
        notes.append(say("cost.of_items", items=counted(timing.measured, "item")))
    if timing.shared is not None:
        notes.append(f"{numbers.seconds_of(timing.shared)} {numbers.among(timing.at_once)}")
    if timing.cached_tokens is not None:
        share = numbers.share(timing.cached_tokens / max(1, usage.tokens_in))
        notes.append(say("cost.prompts_cached", share=share))
    return NotedFigure("–" if timing.latency is None else numbers.seconds_of(timing.latency), tuple(notes))


def _elsewhere(usage: Usage) -> NotedFigure:
    if usage.elsewhere is None:
        return NotedFigure()
    notes = (say("cost.above_half", items=counted(usage.astray, "item")),) if usage.astray else ()
    return NotedFigure(numbers.share(usage.elsewhere), notes)


def _weights(run: Mapping[str, JSON], summary: Summary, variant: str) -> str:
    """The most that one of the variant's models takes: only one is loaded at a time."""
    models = run.get("models") or {}
    sizes = [(models.get(name) or {}).get("weights_bytes") for name in models_behind(run, summary, variant)]
    return numbers.memory(max(filter(None, sizes))) if any(sizes) else "–"
