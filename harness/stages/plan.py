"""What a run would do: its cells in the order in which they are asked, what is cached, what is made before, memory."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.checks.leakage import contamination
from harness.checks.prompt_mismatch import prompt_mismatches
from harness.components.calls import NotPlannableError
from harness.components.indexes import IndexRequest
from harness.components.preparation import Preparation
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.errors import ModelError
from harness.judging.asking.judge_metric import JudgeMetric
from harness.records.anomalies import PromptMismatch
from harness.records.call_counts import CallCounts
from harness.records.inputs import Cell, Language
from harness.runtime.dry_context import DryContext
from harness.stages.describe_suite import GoldCoverage, coverage_of
from harness.stages.index import index_name, index_requests
from harness.stages.item_shards import sharded
from harness.stages.plan_decision import (
    DISCORDANCE,
    ForeseenDecision,
    ForeseenTiming,
    foresee_decision,
    foresee_timing,
)
from harness.stages.prepare import planning_door, prepare, resources_of
from harness.stages.rehearse import rehearse
from harness.suite.expansion import root_of
from harness.suite.loading_order import loaded_for, weights_for
from harness.suite.suite import Suite


@dataclass(frozen=True, kw_only=True)
class PlannedCell:
    """What a run would do for one cell."""

    cell: Cell
    samples: int
    counts: CallCounts  # calls: to be computed; cached: already known
    exact: bool = True  # not while passages are to be embedded first: then calls is a guess
    missing: str = ""  # calls of models that have to be made before the others are known, in words
    needs: int | None = None  # bytes to answer the longest prompt, estimated; None: not known, or another machine's
    has: int | None = None  # bytes that there are


@dataclass(frozen=True, kw_only=True)
class PlannedIndex:
    """An index that a run builds before it asks anything."""

    name: str
    base: str  # the knowledge base, with its version where there are two
    passages: int
    missing: str  # what only a run computes, e.g. "120 texts to embed with bge"; empty where nothing is missing
    coverage: tuple[GoldCoverage, ...] = ()  # by task, of how many items its passages hold the answer


@dataclass(frozen=True)
class PlannedJudging:
    """What a run would ask a judge, once the answers are known."""

    task: str
    metric: str
    judge: str
    calls: int  # without those for replies that cannot be read; equal answers are asked about once


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would do."""

    cells: list[PlannedCell]
    indexes: list[PlannedIndex]
    preparations: Mapping[str, Preparation]  # of models that are made before, by name
    judging: list[PlannedJudging]
    languages: Mapping[str, Language]  # by task: of what the product itself writes into its prompts
    mismatches: tuple[PromptMismatch, ...]
    decision: ForeseenDecision | None = None
    timing: ForeseenTiming | None = None
    changes: tuple[str, ...] = ()  # why models are asked again what they have answered, as sentences


def plan(suite: Suite, context: DryContext, discordance: float = DISCORDANCE) -> Plan:
    """What a run would compute and what is cached. Loads no weights and changes nothing; the models are closed then.

    `discordance` is the share of the items on which two variants are expected to differ.
    """
    try:
        return _plan(suite, context, discordance)
    finally:
        context.close()


def _plan(suite: Suite, context: DryContext, discordance: float) -> Plan:
    tasks = prepare(suite, suite.usage.asked_from("train"), planning_door(suite, context.cache, context.display))
    for name in dict.fromkeys([*suite.usage.answerers, *suite.usage.judges]):
        context.model_digest(name)  # what one of them has answered is not lost to another
    decision = foresee_decision(suite, tasks, discordance)
    contamination(suite, tasks)
    rehearse(suite, tasks, context.cache, context.display)
    whole, tasks = tasks, sharded(tasks, suite.scope.shard)
    resources = resources_of(suite, tasks)
    indexes = [_planned_index(request, context, resources, suite, tasks) for request in index_requests(suite, tasks)]
    planned = [
        _planned(cell, suite.answering()[cell.variant], tasks[cell.task], context, resources)
        for cell in planned_cells(suite, tasks)
    ]
    prepared = {name: suite.models[name].preparation() for name in suite.usage.trained}
    return Plan(
        cells=planned,
        indexes=indexes,
        preparations={name: preparation for name, preparation in prepared.items() if preparation is not None},
        judging=_judging(suite, whole) if suite.scope.shard is None else [],  # all parts are judged together
        languages={name: task.language for name, task in whole.items() if not task.origin},
        mismatches=prompt_mismatches(suite, whole),
        decision=decision,
        timing=foresee_timing(suite),
        changes=_changes(suite, context),
    )


def _changes(suite: Suite, context: DryContext) -> tuple[str, ...]:
    """Of the models that answer, and of the judges, whose prompts are not known yet."""
    judges = [name for name in suite.usage.judges if name not in context.changes]
    return (*context.changes.values(), *filter(None, map(context.changed_since, judges)))


def _judging(suite: Suite, tasks: Mapping[str, Task]) -> list[PlannedJudging]:
    return [
        PlannedJudging(name, metric_name, judge, metric.calls(len(task.data.test), len(suite.asked(name))))
        for name, task in tasks.items()
        for metric_name, metric in suite.metrics_of(task).items()
        if isinstance(metric, JudgeMetric)
        for judge in metric.judges
    ]


def _planned_index(
    request: IndexRequest, context: DryContext, resources: Resources, suite: Suite, tasks: Mapping[str, Task]
) -> PlannedIndex:
    missing = ""
    try:
        resources.indexes.get(request, context)
    except NotPlannableError as error:
        missing = str(error)
    knowledge = resources.knowledge[request.knowledge]
    searching = [task for name, task in tasks.items() if request.key in _searched_keys(suite, name, task)]
    return PlannedIndex(
        name=index_name(request),
        base=request.knowledge + (", second version" if request.updated else ""),
        passages=len(knowledge.passage_set(request.updated).passages),
        missing=missing,
        coverage=tuple(coverage_of(knowledge, task, request.updated) for task in searching),
    )


def _searched_keys(suite: Suite, name: str, task: Task) -> list[str]:
    return [request.key for variant in suite.asked(name).values() for request in variant.indexes(task)]


def _planned(cell: Cell, variant: Variant, task: Task, context: DryContext, resources: Resources) -> PlannedCell:
    """Ask the variant with a context that only counts. Raises ModelError where not even one prompt fits the memory."""
    context.begin(cell)
    exact, missing = True, ""
    try:
        variant.answer(task, task.data.test, context, resources)
    except NotPlannableError as error:
        context.counts = CallCounts(calls=variant.calls(task, task.data.test) + error.calls)
        exact, missing = False, str(error) if error.calls else ""
    needs = has = None
    for name, tokens in context.longest.items():
        estimate = context.model(name).memory(tokens)
        if estimate is not None and estimate[0] >= (needs or 0):
            needs, has = estimate
            if needs > has:
                raise ModelError(
                    f"{cell.task} × {cell.variant}: {needs / 2**30:.1f} GiB are needed to ask {name} {tokens} tokens, "
                    f"there are {has / 2**30:.1f} GiB; shorten the prompt, or store the model in fewer bits (quantised)"
                )
    return PlannedCell(
        cell=cell,
        samples=len(task.data.test),
        counts=context.counts,
        exact=exact,
        missing=missing,
        needs=needs,
        has=has,
    )


def planned_cells(suite: Suite, tasks: Mapping[str, Task]) -> list[Cell]:
    """All cells, grouped by the weights that they need so that each are loaded once, else in the order of the suite."""
    order = {name: i for i, name in enumerate(suite.models)}
    first: dict[str, int] = {}  # of each model that is made of others: where the one that it is made of comes first
    loads: dict[
        tuple[str, ...], int
    ] = {}  # of each of the weights in memory: where a model that needs them comes first
    for name in suite.models:
        loads.setdefault(weights_for(name, suite.models), order[name])

    def rank(variant: str) -> tuple[int, int, int]:
        names = suite.usage.models_of[variant]
        last = max(names, key=order.__getitem__, default=None)
        if last is None:
            return (-1, -1, -1)
        place = min(order[root_of(last, suite.models)], order[last])
        group = first.setdefault(loaded_for(last, suite.models), place)
        return (group, loads[weights_for(last, suite.models)], order[last])

    asked = [Cell(task, variant) for task in tasks for variant in suite.asked(task)]
    variants = {variant: i for i, variant in enumerate(suite.answering())}
    return sorted(asked, key=lambda cell: (rank(cell.variant), variants[cell.variant]))
