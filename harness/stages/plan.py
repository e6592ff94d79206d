"""What a run would do: its cells in the order in which they are asked, what is cached, what is made before, memory."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.checks.leakage import contamination
from harness.components.model import Preparation
from harness.components.task import Task
from harness.components.variant import Variant
from harness.errors import ModelError
from harness.judging.asking.judge_metric import Opinion
from harness.records.call_counts import Tally
from harness.records.inputs import Cell
from harness.runtime.dry_context import DryContext, NotYetError
from harness.stages.prepare import making, models_of, needed_models, prepare
from harness.suite.expansion import root_of
from harness.suite.suite import Suite


@dataclass(frozen=True)
class PlannedCell:
    """What a run would do for one cell."""

    cell: Cell
    samples: int
    tally: Tally  # calls: to be computed; cached: already known
    exact: bool = True  # not while passages are to be embedded first: then calls is a guess
    needs: int | None = None  # bytes to answer the longest prompt, estimated; None: not known, or another machine's
    has: int | None = None  # bytes that there are


@dataclass(frozen=True)
class PlannedJudging:
    """What a run would ask a judge, once the answers are known."""

    task: str
    metric: str
    judge: str
    calls: int  # without those for replies that cannot be read; equal answers are asked about once


@dataclass(frozen=True)
class Plan:
    """What a run would do."""

    cells: list[PlannedCell]
    preparations: Mapping[str, Preparation]  # of models that are made before, by name
    judging: list[PlannedJudging]


def plan(suite: Suite, context: DryContext) -> Plan:
    """What a run would compute and what is cached. Loads no weights and changes nothing."""
    tasks = prepare(suite, needed_models(suite, "predict"))
    contamination(suite, tasks)
    planned = [
        _planned(cell, suite.answering()[cell.variant], tasks[cell.task], context) for cell in cells(suite, tasks)
    ]
    prepared = {name: suite.models[name].preparation() for name in making(suite)}
    return Plan(planned, {name: one for name, one in prepared.items() if one is not None}, _judging(suite, tasks))


def _judging(suite: Suite, tasks: Mapping[str, Task]) -> list[PlannedJudging]:
    return [
        PlannedJudging(name, metric_name, judge, metric.calls(len(task.data.test), len(suite.asked(name))))
        for name, task in tasks.items()
        for metric_name, metric in task.metrics.items()
        if isinstance(metric, Opinion)
        for judge in metric.judges
    ]


def _planned(cell: Cell, variant: Variant, task: Task, context: DryContext) -> PlannedCell:
    """Ask the variant with a context that only counts. Raises ModelError where not even one prompt fits the memory."""
    context.begin(cell)
    exact = True
    try:
        variant.answer(task, task.data.test, context)
    except NotYetError:
        context.tally = Tally(0 if variant.floor else len(task.data.test))
        exact = False
    needs = has = None
    for name, tokens in context.longest.items():
        found = context.model(name).memory(tokens)
        if found is not None and found[0] >= (needs or 0):
            needs, has = found
            if needs > has:
                raise ModelError(
                    f"{cell.task} × {cell.variant}: {needs / 2**30:.1f} GiB are needed to ask {name} {tokens} tokens, "
                    f"there are {has / 2**30:.1f} GiB; shorten the prompt, or store the model in fewer bits (quantised)"
                )
    return PlannedCell(cell, len(task.data.test), context.tally, exact, needs, has)


def cells(suite: Suite, tasks: Mapping[str, Task]) -> list[Cell]:
    """All cells, grouped by the weights that they need so that each are loaded once, else in the order of the suite."""
    order = {name: i for i, name in enumerate(suite.models)}
    first: dict[str, int] = {}  # of each model that is made of others: where the one that it is made of comes first

    def rank(variant: str) -> tuple[int, int]:
        names = models_of(suite.answering()[variant], suite)
        last = max(names, key=order.__getitem__, default=None)
        if last is None:
            return (-1, -1)
        root = root_of(last, suite.models)
        return (first.setdefault(root, min(order[root], order[last])), order[last])

    asked = [Cell(task, variant) for task in tasks for variant in suite.asked(task)]
    variants = {variant: i for i, variant in enumerate(suite.answering())}
    return sorted(asked, key=lambda cell: (rank(cell.variant), variants[cell.variant]))
