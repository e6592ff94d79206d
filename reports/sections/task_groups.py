"""Groups of tasks that a benchmark counts as one: their averages, beside those of their tasks."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo
from harness.records.finished_run import FinishedRun
from harness.records.grouped_tasks import GroupFigure, TaskGroup
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import metric_info, variant_names
from reports.facts.phrases import counted
from reports.section import Section
from reports.wording import say

FEW = 12  # so many rows stand open; a longer table is folded

Figure = tuple[str, str | None]  # value, interval


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One group."""

    name: str
    tasks: str
    items: str
    weighting: str
    figures: tuple[Figure | None, ...]  # of each variant


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """One metric of all groups."""

    metric: str
    count: str
    variants: tuple[str, ...]
    rows: tuple[GroupRow, ...]
    is_folded: bool


class TaskGroups(Section):
    order = 57

    def build(self, finished: FinishedRun) -> tuple[GroupTable, ...]:
        """One part a metric."""
        summary = finished.summary
        return tuple(
            _table(summary, metric) for metric in dict.fromkeys(own.group.metric for own in summary.task_groups)
        )

    def sentences(self, finished: FinishedRun) -> Iterable[str]:
        """One line a group, with the figure of each variant."""
        summary = finished.summary
        for group in _groups(summary.task_groups):
            info, figures = _info(summary, group), _figures(summary, group)
            yield say(
                "task_groups.sentence",
                group=group.name,
                metric=group.metric,
                tasks=counted(len(group.figures), "task"),
                figures=say("nouns.comma").join(
                    f"{name} {numbers.with_unit(figures[name].mean, info)}"
                    for name in variant_names(summary)
                    if name in figures
                ),
            )


def _groups(figures: Iterable[GroupFigure]) -> list[TaskGroup]:
    return list(dict.fromkeys(own.group for own in figures))


def _figures(summary: Summary, group: TaskGroup) -> dict[str, GroupFigure]:
    return {own.variant: own for own in summary.task_groups if own.group == group}


def _info(summary: Summary, group: TaskGroup) -> MetricInfo:
    """How the figures are to be read: as those of the first task."""
    name = FigureName.parse(group.figures[0])
    return metric_info(summary, name.task, name.full_metric)


def _table(summary: Summary, metric: str) -> GroupTable:
    groups = [group for group in _groups(summary.task_groups) if group.metric == metric]
    variants = tuple(name for name in variant_names(summary) if any(name in _figures(summary, own) for own in groups))
    return GroupTable(
        metric=metric,
        count=counted(len(groups), "group"),
        variants=variants,
        rows=tuple(_row(summary, group, variants) for group in groups),
        is_folded=len(groups) > FEW,
    )


def _row(summary: Summary, group: TaskGroup, variants: tuple[str, ...]) -> GroupRow:
    figures, info = _figures(summary, group), _info(summary, group)
    return GroupRow(
        name=group.name,
        tasks=f"{len(group.figures):,}",
        items=f"{max(own.samples for own in figures.values()):,}",
        weighting=say("task_groups.by_size" if group.is_weighted else "task_groups.each_once"),
        figures=tuple(_figure(figures.get(variant), info) for variant in variants),
    )


def _figure(figure: GroupFigure | None, info: MetricInfo) -> Figure | None:
    if figure is None:
        return None
    return numbers.with_unit(figure.mean, info), numbers.interval(figure.low, figure.high, info)
