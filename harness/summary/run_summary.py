"""From scores to figures: means with intervals and coverage, paired differences to the reference, and what it cost."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.records.figure_names import FigureName
from harness.records.figures import Comparison, MetricInfo, Overlap, Result, Retrieved, Routed, Summary, Usage
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Score
from harness.statistics.groups import Groups
from harness.summary.comparison_plan import ComparisonPlan, able_first
from harness.summary.comparisons import best_floors, corrected
from harness.summary.error_causes import deciding, retrieved, routed, values_of
from harness.summary.groupings import grouping_warnings, groupings_of
from harness.summary.task_figures import Figures, TaskItems, add_task

LISTED_TWINS = 20  # of the twins of each overlap, in the summary


def summary_of(
    plan: ComparisonPlan,
    metrics: Mapping[str, MetricInfo],
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    scores: Sequence[Score],
    overlaps: Sequence[Overlap] = (),
) -> Summary:
    """All figures of a run. `metrics` is by "task.metric" and has an entry for every part that occurs in the scores."""
    figures = Figures()
    for items in _by_task(samples, overlaps):
        add_task(figures, items, [score for score in scores if score.task == items.task], plan, metrics)
    answered = [prediction for prediction in predictions if prediction.task not in plan.general]
    looked_up, stepped = _causes(plan, metrics, answered, scores)
    comparisons, leaders, floors = _tested(figures, plan, metrics)
    groupings = tuple(groupings_of(samples))
    return Summary(
        name=plan.name,
        reference=plan.reference,
        headline=tuple(plan.headline),
        metrics=metrics,
        results=tuple(figures.results),
        comparisons=comparisons,
        leaders=leaders,
        usage=tuple(pooled_usage(_usage(answered), plan.pools)),
        floors=floors,
        retrieved=looked_up,
        routed=stepped,
        warnings=(*_warnings(figures.results, plan, scores), *grouping_warnings(groupings)),
        unaided=tuple(plan.floors),
        bounds=tuple(plan.bounds),
        overlaps=tuple(replace(overlap, twins=overlap.twins[:LISTED_TWINS]) for overlap in overlaps),
        clean=tuple(figures.clean),
        groupings=groupings,
        general=tuple(figures.general),
        forgotten=tuple(corrected(figures.forgotten, list(metrics), metrics)),
        seeds=tuple(figures.seeds),
        confusions=tuple(figures.confusions),
        curve=tuple(plan.curve),
    )


def _tested(
    figures: Figures, plan: ComparisonPlan, metrics: Mapping[str, MetricInfo]
) -> tuple[tuple[Comparison, ...], tuple[Comparison, ...], tuple[Comparison, ...]]:
    """The corrected comparisons with the reference, of leaders with runners-up, and with the best floor."""
    compared, first = [*figures.comparisons, *figures.leaders], len(figures.comparisons)
    tested = corrected(compared, plan.headline, metrics, plan.bounds, figures.floors)
    floors = best_floors(tested[len(compared) :], figures.results, metrics)
    return tuple(tested[:first]), tuple(tested[first : len(compared)]), tuple(floors)


def _causes(
    plan: ComparisonPlan,
    metrics: Mapping[str, MetricInfo],
    predictions: Sequence[Prediction],
    scores: Sequence[Score],
) -> tuple[tuple[Retrieved, ...], tuple[Routed, ...]]:
    """What became of the items that passages were looked up for, and of those that a cascade passed on."""
    chosen = deciding(plan.headline, able_first(metrics, plan), plan.origins)
    values = values_of(scores, chosen)
    corpora = {task for task, metric in chosen.items() if str(FigureName.within(task, metric)) in plan.corpora}
    plain = {key: value for key, value in values.items() if key[0] not in corpora}
    return (
        tuple(retrieved(predictions, values, chosen, metrics)),
        tuple(routed(predictions, plain, chosen, plan.cascades)),
    )


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


def _usage(predictions: Sequence[Prediction]) -> list[Usage]:
    cells: dict[tuple[str, str], list[Prediction]] = {}
    for prediction in predictions:
        cells.setdefault((prediction.task, prediction.variant), []).append(prediction)
    return [
        Usage(
            task=task,
            variant=variant,
            samples=len(own),
            failed=sum(p.error is not None for p in own),
            unread=sum(p.reading.reason is not None for p in own),
            truncated=sum(p.finish == "length" for p in own),
            tokens_in=sum(p.tokens_in for p in own),
            tokens_out=sum(p.tokens_out for p in own),
            seconds=sum(p.seconds for p in own),
            prompts=_fingerprint(own),
        )
        for (task, variant), own in cells.items()
    ]


def pooled_usage(usage: Sequence[Usage], pools: Mapping[str, Sequence[str]]) -> list[Usage]:
    """One entry for the variants of several seeds: the cost of one of them on average, the trouble of all."""
    member_of = {member: pool for pool, members in pools.items() for member in members}
    cells: dict[tuple[str, str], list[Usage]] = {}
    for usage_of_cell in usage:
        cells.setdefault((usage_of_cell.task, member_of.get(usage_of_cell.variant, usage_of_cell.variant)), []).append(
            usage_of_cell
        )
    return [
        members[0]
        if len(members) == 1 and variant == members[0].variant
        else Usage(
            task=task,
            variant=variant,
            samples=members[0].samples,
            failed=sum(u.failed for u in members),
            unread=sum(u.unread for u in members),
            truncated=sum(u.truncated for u in members),
            tokens_in=round(sum(u.tokens_in for u in members) / len(members)),
            tokens_out=round(sum(u.tokens_out for u in members) / len(members)),
            seconds=sum(u.seconds for u in members) / len(members),
            prompts=members[0].prompts,
        )
        for (task, variant), members in cells.items()
    ]


def _fingerprint(predictions: Sequence[Prediction]) -> str:
    """sha256 over all messages as sent: equal for two cells that sent the same."""
    total = hashlib.sha256()
    for prediction in predictions:
        for message in prediction.messages:
            total.update(f"{message.role}\0{message.content}\0".encode("utf-8", "surrogatepass"))
        total.update(b"\0")
    return total.hexdigest()


def _warnings(results: Sequence[Result], plan: ComparisonPlan, scores: Sequence[Score]) -> list[str]:
    """Every headline figure that does not rest on all samples, with the commonest cause."""
    headline = plan.headline
    scored = {str(FigureName.of(result)) for result in results}
    lines = [f"{figure}: no sample has this score" for figure in headline if figure not in scored]
    for result in results:
        if str(FigureName.of(result)) in headline and result.known < result.samples:
            causes = [
                score.error or score.reason or "unknown"
                for score in scores
                if score.value is None
                and (score.task, score.metric) == (result.task, result.metric)
                and score.variant in plan.pools.get(result.variant, (result.variant,))
            ]
            commonest = max(causes or ["it was not scored for them"], key=causes.count)
            lines.append(
                f"{FigureName.of(result)}, {result.variant}: {result.samples - result.known} of {result.samples} "
                f"samples are unknown ({commonest})"
            )
    return lines
