"""The figures of one task, whatever they are made of: results, differences, floors, seeds, what was forgotten."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.records.figure_names import FigureName
from harness.records.figures import Confusion, MetricInfo, Result, Seeds
from harness.statistics.groups import Groups
from harness.summary.comparison_plan import ComparisonPlan, able_first
from harness.summary.comparisons import Standings, against_floors, against_runners_up
from harness.summary.corpus_figures import CorpusFigures
from harness.summary.error_causes import deciding, measures_retrieval
from harness.summary.estimator import Compared, Estimator
from harness.summary.means import Means
from harness.summary.score_columns import Rows, pooled_columns
from harness.summary.score_table import Column, TaskScores


@dataclass(kw_only=True)
class Figures:
    """What is computed task by task."""

    results: list[Result] = field(default_factory=list)
    comparisons: list[Compared] = field(default_factory=list)
    leaders: list[Compared] = field(default_factory=list)
    floors: list[Compared] = field(default_factory=list)
    seeds: list[Seeds] = field(default_factory=list)
    confusions: list[Confusion] = field(default_factory=list)
    clean: list[Result] = field(default_factory=list)
    general: list[Result] = field(default_factory=list)
    forgotten: list[Compared] = field(default_factory=list)
    estimators: list[Estimator] = field(default_factory=list)  # of the tasks that a decision may rest on


@dataclass(frozen=True)
class TaskItems:
    """The items of a task."""

    task: str
    ids: Sequence[str]
    groups: Groups
    unseen: Rows  # [n] those that stand nowhere in what is learnt or looked up


def add_task(
    figures: Figures, items: TaskItems, scores: TaskScores, plan: ComparisonPlan, metrics: Mapping[str, MetricInfo]
) -> None:
    """The figures of one task: of all metrics that are means, then of each that is a figure of the corpus."""
    for estimator in estimators_of(items, scores, plan, metrics):
        if items.task in plan.general:
            _add_forgetting(figures, estimator, plan, metrics)
        else:
            _add_figures(figures, estimator, items.unseen, plan)
            figures.estimators.append(estimator)


def estimators_of(
    items: TaskItems, scores: TaskScores, plan: ComparisonPlan, metrics: Mapping[str, MetricInfo]
) -> Iterator[Estimator]:
    """One for all metrics that are means over samples, then one for each that is a figure of the corpus."""
    pools = plan.model_pools if items.task in plan.general else plan.pools
    names = map(FigureName.parse, plan.corpora)
    corpora = {name.metric: plan.corpora[str(name)] for name in names if name.task == items.task}
    columns: dict[str | None, list[Column]] = {}  # by the metric that is a figure of the corpus; None: of the means
    for column in scores.values:
        name = FigureName.within(items.task, column[0]).metric
        columns.setdefault(name if name in corpora else None, []).append(column)
    if None in columns:
        own = pooled_columns(scores, items.groups, pools, columns[None])
        yield Means(items.task, own, metrics, plan.seed, plan.reference)
    for name, metric in corpora.items():
        if name in columns:
            own = pooled_columns(scores, items.groups, pools, columns[name], with_counts=True)
            yield CorpusFigures(items.task, name, metric, own, metrics, plan.seed)


def _add_figures(figures: Figures, estimator: Estimator, unseen: Rows, plan: ComparisonPlan) -> None:
    results = estimator.results()
    figures.results += results
    figures.seeds += estimator.spread()
    figures.confusions += estimator.confusions()
    reference = plan.reference
    if reference is not None:
        references = {variant: reference for _, variant in estimator.figures if variant != reference}
        figures.comparisons += estimator.compare(references)
    standings = Standings.of(estimator, results, plan)
    figures.leaders += against_runners_up(estimator, standings, plan)
    of_answers = [standing for standing in standings if not measures_retrieval(estimator.info((standing.metric, "")))]
    figures.floors += against_floors(estimator, of_answers, plan)
    headline = {
        metric for metric, _ in estimator.figures if str(FigureName.within(estimator.task, metric)) in plan.headline
    }
    if headline and unseen.any() and not unseen.all():
        clean = estimator.at(unseen, headline).results()
        figures.clean += [result for result in clean if result.metric in headline]


def _add_forgetting(
    figures: Figures, estimator: Estimator, plan: ComparisonPlan, metrics: Mapping[str, MetricInfo]
) -> None:
    """A general task: each derived model against the one it is made of, by the task's deciding metric."""
    own = {name: info for name, info in metrics.items() if FigureName.parse(name).task == estimator.task}
    metric = deciding((), able_first(own, plan)).get(estimator.task)
    if metric is not None:
        figures.general += [result for result in estimator.results() if result.metric == metric]
        figures.forgotten += estimator.compare(plan.made_of, [metric])
