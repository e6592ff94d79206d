"""Two runs as one: each variant of the later one against itself in the earlier one, by the product's own estimators."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from harness.components import registry
from harness.components.component import Component
from harness.components.metric import Metric
from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo
from harness.records.outputs import Score
from harness.records.run_evidence import RunEvidence
from harness.regression.cell_pairing import pool_of
from harness.regression.recorded_components import recorded_class
from harness.regression.run_differences import differences
from harness.statistics.groups import Groups
from harness.summary.corpus_figures import CorpusFigures
from harness.summary.estimator import Compared, Estimator
from harness.summary.means import Means
from harness.summary.score_columns import score_columns
from harness.summary.score_table import Column

BEFORE, AFTER = "before/", "after/"  # in front of a variant, whose own name has no slash


class PairedNights(Means):
    """Means of two runs: each variant's rival is itself in the earlier one."""

    def rival_of(self, variant: str) -> str | None:
        return BEFORE + variant.removeprefix(AFTER) if variant.startswith(AFTER) else None


@dataclass(frozen=True, kw_only=True)
class RunContest:
    """One figure of one variant in two runs, on the items that ask the same in both."""

    task: str
    variant: str
    metric: str  # with its part
    estimator: Estimator
    compared: Compared  # its p is not yet corrected; `interval` gives the interval at any level

    @property
    def columns(self) -> tuple[Column, Column]:
        """The figure before and after, as the estimator names it."""
        return (self.metric, BEFORE + self.variant), (self.metric, AFTER + self.variant)


def shared_items(before: RunEvidence, after: RunEvidence) -> dict[str, list[str]]:
    """Of each task that both runs have the ids of the items that ask the same."""
    tasks = {task for task, _ in before.questions} & {task for task, _ in after.questions}
    shared: dict[str, list[str]] = {
        task: [] for task in dict.fromkeys(task for task, _ in after.questions) if task in tasks
    }
    for (task, own), question in after.questions.items():
        if task in tasks and before.questions.get((task, own)) == question:
            shared[task].append(own)
    return shared


def run_contests(before: RunEvidence, after: RunEvidence, items: Mapping[str, Sequence[str]]) -> Iterator[RunContest]:
    """Every figure that both runs have, on some of the items of `shared_items`; metrics that changed are left out."""
    infos = metric_infos(before, after)
    for estimator in paired_estimators(before, after, items):
        rivals = {v: BEFORE + v.removeprefix(AFTER) for _, v in estimator.figures if v.startswith(AFTER)}
        for compared in estimator.compare(rivals):
            variant = compared.comparison.variant.removeprefix(AFTER)
            if str(FigureName.of(compared.comparison)) not in infos:
                continue  # a part that is younger than both runs
            yield RunContest(
                task=estimator.task,
                variant=variant,
                metric=compared.comparison.metric,
                estimator=estimator,
                compared=replace(compared, comparison=replace(compared.comparison, variant=variant, reference=variant)),
            )


def paired_estimators(
    before: RunEvidence, after: RunEvidence, items: Mapping[str, Sequence[str]]
) -> Iterator[Estimator]:
    """Those of both runs as one, on some of the items of `shared_items`; variants are named with BEFORE and AFTER."""
    changed = {
        (own.tasks[0], own.metrics[0]) for own in differences(before, after) if changes_metric(own.kind, own.name)
    }
    scores = _sided_scores(before, after)
    for task, ids in items.items():
        own = {side: rows.get(task, []) for side, rows in scores.items()}
        yield from _estimators(task, ids, own, (before, after), {name for t, name in changed if t == task})


def changes_metric(kind: str, name: str) -> bool:
    """Whether a difference makes a metric another one; what its package is called at another version does not."""
    return kind == "metric" and not name.endswith(": signature")


def metric_infos(before: RunEvidence, after: RunEvidence) -> dict[str, MetricInfo]:
    """How to read the figures of either run, as the later one reads them where both have them."""
    return {**before.summary.metrics, **after.summary.metrics}


def _sided_scores(before: RunEvidence, after: RunEvidence) -> dict[str, dict[str, list[Score]]]:
    """The scores of each side, by task, their variants named with the side."""
    sided: dict[str, dict[str, list[Score]]] = {}
    for side, evidence in ((BEFORE, before), (AFTER, after)):
        rows: dict[str, list[Score]] = {}
        for score in evidence.scores:
            rows.setdefault(score.task, []).append(replace(score, variant=side + score.variant))
        sided[side] = rows
    return sided


def _estimators(
    task: str,
    ids: Sequence[str],
    scores: Mapping[str, Sequence[Score]],
    sides: tuple[RunEvidence, RunEvidence],
    changed: Collection[str],
) -> Iterator[Estimator]:
    """One for all means of a task, then one for each metric that is a figure of the corpus."""
    infos, seed = metric_infos(*sides), int(sides[1].record.get("seed") or 0)
    groups, chosen = joint_groups(task, ids, sides), set(ids)
    pools = {
        side + pool: members
        for side, own in zip((BEFORE, AFTER), sides, strict=True)
        for pool, members in _pools(own, side)
    }
    columns: dict[str, list[Score]] = {}
    for score in (*scores[BEFORE], *scores[AFTER]):
        figure = FigureName.within(task, score.metric)
        if score.sample_id in chosen and figure.metric not in changed:
            info = infos.get(str(figure)) or infos.get(str(figure.whole))
            if info is not None:
                columns.setdefault(figure.metric if info.corpus else "", []).append(score)
    if columns.get(""):
        yield PairedNights(task, score_columns(ids, groups, columns.pop(""), pools), infos, seed)
    for name, own in columns.items():
        metric = rebuilt_metric(infos[str(FigureName(task, name))], sides[1])
        if name and metric is not None:
            columns_of = score_columns(ids, groups, own, pools, True)
            yield CorpusFigures(
                task, name, metric, columns_of, _with_parts(infos, FigureName(task, name), metric), seed
            )


def _with_parts(infos: Mapping[str, MetricInfo], figure: FigureName, metric: Metric) -> dict[str, MetricInfo]:
    """How to read the parts, too, that a metric did not have when the runs were made."""
    parts = {str(replace(figure, part=part)): metric.scale_of(part) for part in metric.parts() or ()}
    own = infos[str(figure)]
    younger = {name: replace(own, low=scale.low, high=scale.high, better=scale.better) for name, scale in parts.items()}
    return {**younger, **infos}


def _pools(evidence: RunEvidence, side: str) -> Iterator[tuple[str, list[str]]]:
    members: dict[str, list[str]] = {}
    for variant, pool in pool_of(evidence).items():
        if variant != pool:
            members.setdefault(pool, []).append(side + variant)
    yield from members.items()


def joint_groups(task: str, ids: Sequence[str], sides: Sequence[RunEvidence]) -> Groups:
    """The groups of some items: two that either run holds together belong together, and so do whom those join."""
    root: dict[object, object] = {}

    def find(node: object) -> object:
        while root.setdefault(node, node) != node:
            node = root[node]
        return node

    for own in ids:
        for place, side in enumerate(sides):
            if (task, own) in side.groups:
                root[find(("group", place, side.groups[task, own]))] = find(("item", own))
    return Groups.of([str(find(("item", own))) for own in ids])


def rebuilt_metric(info: MetricInfo, evidence: RunEvidence) -> Metric | None:
    """A metric by what a summary says of it; None where its code is not here, or no longer takes its settings."""
    own = recorded_class("metric", info.component) or _own_class(info.component, evidence)
    if own is None:
        return None
    settings = {name: value for name, value in info.settings.items() if name in own.model_fields}
    try:
        metric = own.model_validate(settings)
    except ValidationError:
        return None
    return metric if isinstance(metric, Metric) else None


def _own_class(component: str, evidence: RunEvidence) -> type[Component] | None:
    """A user's own metric, by the place that the suite names."""
    text = str((evidence.record.get("suite") or {}).get("text", ""))
    for name in re.findall(rf"[\w.]+\.{re.escape(component)}\b", text):
        try:
            return registry.find("metric", name)
        except LookupError:
            continue
    return None
