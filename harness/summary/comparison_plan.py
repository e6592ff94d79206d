"""What a run compares with what, as its suite declares it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.components.component import named
from harness.components.metric import Metric
from harness.components.task import Task
from harness.records.decisions import Approach
from harness.records.deployment_terms import DeploymentTerms
from harness.records.derived_names import without_seed
from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo, Point
from harness.records.grouped_tasks import TaskGroup
from harness.records.inputs import JSON
from harness.suite.approaches import approaches_of, is_bound
from harness.suite.expansion import SizedVariant, root_of
from harness.suite.references import RESERVED
from harness.suite.suite import Suite

Grid = Mapping[str, Mapping[str, str]]  # variant, as reported → the level of each factor


@dataclass(frozen=True, kw_only=True)
class ComparisonPlan:
    """What is compared with what: the frame of a run's figures."""

    name: str
    seed: int
    reference: str | None  # the variant that the others are measured against
    headline: Sequence[str]  # "task.metric"
    floors: Sequence[str] = ()  # the variants that ask no model
    bounds: Sequence[str] = ()  # the variants that are shown the gold passage
    origins: Mapping[str, str] = field(default_factory=dict)  # of a probe: the task that it was derived from
    cascades: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of a cascade: its steps, in their order
    pools: Mapping[str, Sequence[str]] = field(default_factory=dict)  # variants that stand for those of several seeds
    curve: Sequence[Point] = ()
    general: Sequence[str] = ()  # tasks that only tell what training made a model forget
    made_of: Mapping[str, str] = field(default_factory=dict)  # there: a model → the one that it is made of in the end
    model_pools: Mapping[str, Sequence[str]] = field(default_factory=dict)  # there: what stands for several seeds
    demoted: Collection[str] = ()  # "task.metric" of judges that may not decide
    corpora: Mapping[str, Metric] = field(default_factory=dict)  # "task.metric" whose figures are no means over samples
    approaches: Mapping[str, Approach] = field(default_factory=dict)  # by variant, as reported, in the suite's order
    terms: DeploymentTerms = field(default_factory=DeploymentTerms)
    grids: Mapping[str, Grid] = field(default_factory=dict)  # by name, e.g. "model × retriever × shots"
    breakdowns: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by task: columns, e.g. subject
    task_groups: Sequence[TaskGroup] = ()  # of tasks that their benchmark counts as one


def comparison_plan(
    suite: Suite, tasks: Mapping[str, Task], training: Mapping[str, JSON], demoted: Mapping[str, str]
) -> ComparisonPlan:
    """What the suite compares with what. `demoted` figures, by "task.metric", may not stand in the headline."""
    expansion = suite.expansion
    headline = [figure for figure in headline_of(suite, tasks, demoted) if _whole(figure) not in demoted]
    model_pools = expansion.model_pools()
    pool_of = {member: pool for pool, members in model_pools.items() for member in members}
    return ComparisonPlan(
        name=suite.name,
        seed=suite.seed,
        reference=reference_of(suite),
        headline=headline,
        floors=[name for name, variant in suite.variants.items() if variant.floor],
        bounds=_bounds(suite),
        origins={name: task.origin for name, task in tasks.items() if task.origin},
        cascades={name: steps for name, variant in suite.variants.items() if (steps := named(variant, "variants"))},
        pools=expansion.pools,
        curve=_curve(suite, training),
        general=suite.general,
        made_of={
            pool_of.get(name, name): root for name in suite.models if (root := root_of(name, suite.models)) != name
        },
        model_pools=model_pools,
        demoted=tuple(demoted),
        corpora={
            str(FigureName(name, metric_name)): metric
            for name, task in tasks.items()
            for metric_name, metric in suite.metrics_of(task).items()
            if metric.corpus
        },
        approaches=approaches_of(expansion, suite.terms.approaches),
        terms=suite.terms,
        grids=_grids(suite),
        breakdowns={name: _columns(suite, task.origin or name) for name, task in tasks.items()},
        task_groups=suite.task_groups,
    )


def _bounds(suite: Suite) -> list[str]:
    """The variants, as reported, that are told what only the answer's author knows."""
    pools = suite.expansion.pools
    first_of = {name: pools.get(name, (name,))[0] for name in suite.expansion.reported()}
    return [name for name, member in first_of.items() if is_bound(suite.variants[member], suite.variants)]


def _columns(suite: Suite, task: str) -> Sequence[str]:
    """By what a task's figures are shown, too: what the suite says, else what its reader has."""
    return suite.tasks[task].data.breakdowns if suite.compare.by is None else suite.compare.by


def _curve(suite: Suite, training: Mapping[str, JSON]) -> list[Point]:
    """The variants of several sizes with the rows that their model learnt, or else their knowledge base."""
    points = []
    for name, origin in suite.expansion.sized.items():
        if origin.model in training:
            points.append(Point(origin.entry, name, training[origin.model]["rows"]))
        elif not origin.model and origin.knowledge in suite.knowledge:
            points.append(Point(origin.entry, name, len(suite.knowledge[origin.knowledge].learned_rows)))
    return points


def _grids(suite: Suite) -> dict[str, dict[str, dict[str, str]]]:
    """The cells of the suite's grid as they are reported, by the factors that vary: those of several sizes too."""
    cells: dict[str, dict[str, str]] = {}
    for name in suite.expansion.reported():
        origin = suite.expansion.sized.get(name, SizedVariant(name))
        if origin.entry in suite.grid:
            sizes = {"model": without_seed(origin.model), "knowledge": origin.knowledge}
            cells[name] = {**suite.grid[origin.entry], **{factor: level for factor, level in sizes.items() if level}}
    levels: dict[str, set[str]] = {}
    for cell in cells.values():
        for factor, level in cell.items():
            levels.setdefault(factor, set()).add(level)
    factors = [factor for factor, own in levels.items() if len(own) > 1]
    varying = {name: {factor: cell[factor] for factor in factors if factor in cell} for name, cell in cells.items()}
    return {" × ".join(factors): varying} if factors else {}


def headline_of(suite: Suite, tasks: Mapping[str, Task], demoted: Mapping[str, str]) -> list[str]:
    """What the suite names, else the first metric of each task that may decide."""
    if suite.compare.headline:
        return suite.compare.headline
    own = {name: task for name, task in tasks.items() if not task.origin and name not in suite.general}
    able = {
        name: [m for m in suite.metrics_of(task) if str(FigureName(name, m)) not in demoted and m not in RESERVED]
        for name, task in own.items()
    }
    return [str(FigureName(name, metrics[0])) for name, metrics in able.items() if metrics]


def able_first(metrics: Mapping[str, MetricInfo], plan: ComparisonPlan) -> dict[str, MetricInfo]:
    """The metrics, those that may not decide last."""
    return dict(sorted(metrics.items(), key=lambda entry: _whole(entry[0]) in plan.demoted))


def _whole(figure: str) -> str:
    """The metric that a part belongs to."""
    return str(FigureName.parse(figure).whole)


def reference_of(suite: Suite) -> str:
    """The variant that the others are measured against: the suite's first where it names none."""
    return suite.compare.reference or suite.expansion.reported()[0]


def metric_info(suite: Suite, tasks: Mapping[str, Task], scored: Iterable[tuple[str, str]]) -> dict[str, MetricInfo]:
    """How to read each metric, and each part that occurs in the scores or is made of them, by "task.metric"."""
    infos = {}
    for task, full_metric in scored:
        name = FigureName.within(task, full_metric)
        metric = suite.metrics_of(tasks[task])[name.metric]
        for own_part in ("", *(metric.parts() or ())) if metric.corpus else (name.part,):
            figure = str(FigureName(task, name.metric, own_part))
            scale, settings = metric.scale_of(own_part), metric.model_dump(mode="json") | metric.resolved(tasks[task])
            component = type(metric).__name__
            infos[figure] = MetricInfo(
                component=component,
                settings=settings,
                low=scale.low,
                high=scale.high,
                better=scale.better,
                corpus=metric.corpus,
            )
    return infos
