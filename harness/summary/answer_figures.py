"""What answers took and how they came about, cell by cell: no more than one cell is held at once, without prompts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.records.derived_names import reported_name
from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo, Retrieved, Routed, Usage
from harness.records.outputs import Prediction
from harness.summary.comparison_plan import ComparisonPlan, able_first
from harness.summary.error_causes import deciding, retrieved, routed
from harness.summary.score_table import ScoreTable
from harness.summary.usage_figures import pooled_usage, usage_of


class AnswerFigures:
    """The figures of the cells that were added, of which each is added whole, and once.

    Of a model that was trained several times the answers of all seeds are held, since their costs are added up answer
    by answer.
    """

    def __init__(self, plan: ComparisonPlan, metrics: Mapping[str, MetricInfo], table: ScoreTable) -> None:
        self._plan = plan
        self._metrics = metrics
        self._table = table
        self._chosen = deciding(plan.headline, able_first(metrics, plan), plan.origins)
        self._pool_of = {member: pool for pool, members in plan.pools.items() for member in members}
        self._usage: list[Usage] = []
        self._answered: dict[tuple[str, str], Usage | list[Prediction]] = {}  # in the order of the cells
        self._retrieved: list[Retrieved] = []
        self._routed: list[Routed] = []

    def add(self, cell: Sequence[Prediction], prompts: str) -> None:
        """The predictions of one cell, and the digest of all prompts that were sent for them."""
        task, variant = cell[0].task, reported_name(cell[0].variant)
        own = cell if variant == cell[0].variant else [replace(p, variant=variant) for p in cell]
        self._add_answered(task, variant, [prediction for prediction in own if prediction.error is None])
        if task in self._plan.general:
            return
        self._usage.append(usage_of(own, prompts))
        metric = self._chosen.get(task)
        looks_up = any(p.retrieval is not None or p.route for p in own)
        values = self._table.values_of(task, variant, metric) if looks_up else {}
        self._retrieved += retrieved(own, values, self._chosen, self._metrics)
        is_mean = metric is None or str(FigureName.within(task, metric)) not in self._plan.corpora
        self._routed += routed(own, values if is_mean else {}, self._chosen, self._plan.cascades)

    def _add_answered(self, task: str, variant: str, answered: Sequence[Prediction]) -> None:
        if not answered:
            return
        pool = self._pool_of.get(variant)
        if pool is None:
            self._answered[task, variant] = usage_of(answered)
            return
        members = self._answered.setdefault((task, pool), [])
        if isinstance(members, list):
            members += [replace(prediction, variant=pool) for prediction in answered]

    @property
    def usage(self) -> tuple[Usage, ...]:
        """What the answers of each cell took; those of several seeds on average."""
        return tuple(pooled_usage(self._usage, self._plan.pools))

    @property
    def answered(self) -> list[Usage]:
        """What the requests took that were answered, those of several seeds together: the base of a mean over them."""
        return [usage_of(own) if isinstance(own, list) else own for own in self._answered.values()]

    @property
    def retrieved(self) -> tuple[Retrieved, ...]:
        """What became of items that passages were looked up for."""
        return tuple(self._retrieved)

    @property
    def routed(self) -> tuple[Routed, ...]:
        """What became of items that a cascade passed on."""
        return tuple(sorted(self._routed, key=lambda own: (own.task, own.variant)))
