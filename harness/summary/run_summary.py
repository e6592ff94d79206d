"""From scores to figures: means with intervals and coverage, paired differences to the reference, and what it cost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.records.figures import Comparison, MetricInfo, Overlap
from harness.records.inputs import Sample
from harness.records.sentences import Sentence
from harness.records.summary import Summary
from harness.statistics.groups import Groups
from harness.summary.answer_figures import AnswerFigures
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.comparisons import best_floors, corrected
from harness.summary.decision_evidence import decision_evidence
from harness.summary.group_figures import group_figures
from harness.summary.groupings import grouping_warnings, groupings_of
from harness.summary.item_breakdown import breakdowns
from harness.summary.score_table import ScoreTable
from harness.summary.task_figures import Figures, TaskItems, add_task
from harness.summary.unknown_values import unknown_warnings

LISTED_TWINS = 20  # of the twins of each overlap, in the summary


def summary_of(
    plan: ComparisonPlan,
    metrics: Mapping[str, MetricInfo],
    samples: Sequence[Sample],
    answers: AnswerFigures,
    scores: ScoreTable,
    overlaps: Sequence[Overlap] = (),
) -> Summary:
    """All figures of a run. `metrics` is by "task.metric" and has an entry for every part that occurs in the scores."""
    figures = _figures(plan, metrics, _by_task(samples, overlaps), scores)
    groupings = tuple(groupings_of(samples))
    comparisons, leaders, floors = _tested(figures, plan, metrics)
    return Summary(
        name=plan.name,
        reference=plan.reference,
        headline=tuple(plan.headline),
        metrics=metrics,
        results=tuple(figures.results),
        comparisons=comparisons,
        leaders=leaders,
        usage=answers.usage,
        floors=floors,
        retrieved=answers.retrieved,
        routed=answers.routed,
        **_said((*unknown_warnings(figures.results, plan, scores), *grouping_warnings(groupings))),
        unaided=tuple(plan.floors),
        bounds=tuple(plan.bounds),
        overlaps=_listed(overlaps),
        clean=tuple(figures.clean),
        breakdowns=tuple(breakdowns(figures.estimators, samples, plan)),
        task_groups=tuple(group_figures(plan.task_groups, figures.estimators, figures.results)),
        groupings=groupings,
        general=tuple(figures.general),
        forgotten=tuple(corrected(figures.forgotten, list(metrics), metrics)),
        seeds=tuple(figures.seeds),
        confusions=tuple(figures.confusions),
        curve=tuple(plan.curve),
        decisions=decision_evidence(figures.estimators, figures.results, plan),
    )


def _said(warnings: Sequence[Sentence]) -> dict[str, Any]:
    """Warnings in words, and as what each language says of them."""
    return {
        "warnings": tuple(warning.text for warning in warnings),
        "statements": tuple(warning.statement for warning in warnings),
    }


def _listed(overlaps: Sequence[Overlap]) -> tuple[Overlap, ...]:
    return tuple(replace(overlap, twins=overlap.twins[:LISTED_TWINS]) for overlap in overlaps)


def _tested(
    figures: Figures, plan: ComparisonPlan, metrics: Mapping[str, MetricInfo]
) -> tuple[tuple[Comparison, ...], tuple[Comparison, ...], tuple[Comparison, ...]]:
    """The corrected comparisons with the reference, of leaders with runners-up, and with the best floor."""
    compared, first = [*figures.comparisons, *figures.leaders], len(figures.comparisons)
    tested = corrected(compared, plan.headline, metrics, plan.bounds, figures.floors)
    floors = best_floors(tested[len(compared) :], figures.results, metrics)
    return tuple(tested[:first]), tuple(tested[first : len(compared)]), tuple(floors)


def _figures(
    plan: ComparisonPlan, metrics: Mapping[str, MetricInfo], tasks: Iterable[TaskItems], scores: ScoreTable
) -> Figures:
    figures = Figures()
    for items in tasks:
        add_task(figures, items, scores.tasks[items.task], plan, metrics)
    return figures


def _by_task(samples: Sequence[Sample], overlaps: Sequence[Overlap]) -> Iterator[TaskItems]:
    """The items of each task, and which of them stand nowhere else."""
    for task in dict.fromkeys(sample.task for sample in samples):
        own = [sample for sample in samples if sample.task == task]
        twins = {twin.sample_id for overlap in overlaps if overlap.task == task for twin in overlap.twins}
        yield TaskItems(
            task=task,
            ids=[sample.id for sample in own],
            groups=Groups.of([sample.group for sample in own]),
            unseen=np.array([sample.id not in twins for sample in own]),
        )
