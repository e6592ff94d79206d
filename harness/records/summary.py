"""The record of all figures of a run. Frozen, equal after a round trip."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.anomalies import Anomaly, PromptMismatch
from harness.records.decisions import DecisionRecord, Statement
from harness.records.figures import (
    Breakdown,
    Comparison,
    Confusion,
    Grouping,
    MetricInfo,
    Overlap,
    Point,
    Result,
    Retrieved,
    Routed,
    Seeds,
    Usage,
)
from harness.records.grouped_tasks import GroupFigure
from harness.records.judgements import Judging


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All figures of a run, computed from its predictions and scores."""

    name: str
    reference: str | None
    headline: tuple[str, ...]  # "task.metric"
    metrics: Mapping[str, MetricInfo]  # by "task.metric"
    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...]
    usage: tuple[Usage, ...]
    leaders: tuple[Comparison, ...] = ()  # each figure's best variant against the runner-up, the reference apart
    floors: tuple[Comparison, ...] = ()  # headline figures against the best variant that asks no model
    retrieved: tuple[Retrieved, ...] = ()
    routed: tuple[Routed, ...] = ()
    warnings: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()  # what the warnings say, as data; none in runs of older versions
    unaided: tuple[str, ...] = ()  # variants that ask no model: floors
    bounds: tuple[str, ...] = ()  # variants that are told what only the answer's author knows: upper bounds
    overlaps: tuple[Overlap, ...] = ()  # of test items with what models learn from or look up
    clean: tuple[Result, ...] = ()  # headline figures on the items without any overlap, where some have one
    breakdowns: tuple[Breakdown, ...] = ()  # of headline figures by the values of columns, e.g. subjects
    task_groups: tuple[GroupFigure, ...] = ()  # of several tasks that their benchmark counts as one
    groupings: tuple[Grouping, ...] = ()  # of tasks with items that belong together
    general: tuple[Result, ...] = ()  # of models asked by themselves on the suite's general tasks, before and after
    forgotten: tuple[Comparison, ...] = ()  # there: derived models against the model they are made of
    seeds: tuple[Seeds, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    curve: tuple[Point, ...] = ()
    judging: Judging = field(default_factory=Judging)
    anomalies: tuple[Anomaly, ...] = ()
    mismatches: tuple[PromptMismatch, ...] = ()
    decisions: DecisionRecord = field(default_factory=DecisionRecord)
