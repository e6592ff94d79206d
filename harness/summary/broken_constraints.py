"""Which demands of the suite a variant does not meet, or was not shown to meet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from harness.records.decisions import BrokenConstraint, VariantCost
from harness.records.deployment_terms import Constraints, DeploymentTerms
from harness.records.derived_names import FreshnessProbe
from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo, Result
from harness.records.inputs import JSON

GIB = 2**30
OFTEN = ("weekly", "daily")  # so often that nobody trains a model anew each time
MOSTLY = 0.5  # of the changed facts, answered as before the change, from which a variant does not follow it
CURRENT = ("RAG", "fine-tuning + RAG", "floor")  # approaches whose knowledge is no part of any weights


def broken_constraints(
    costs: Sequence[VariantCost],
    results: Sequence[Result],
    metrics: Mapping[str, MetricInfo],
    terms: DeploymentTerms,
) -> tuple[BrokenConstraint, ...]:
    """Variant by variant, in the order of the constraints. What was not measured counts as broken, with value None.

    An upper bound is left out, since nobody deploys it, and so is what was made elsewhere.
    """
    return tuple(
        broken
        for cost in costs
        if cost.approach not in ("upper bound", "made elsewhere")
        for broken in _broken_by(cost, results, metrics, terms.constraints)
    )


def stated(constraints: Constraints) -> dict[str, JSON]:
    """The constraints that the suite states, by their names there."""
    return {name: value for name, value in asdict(constraints).items() if value not in (None, False, {})}


def _broken_by(
    cost: VariantCost, results: Sequence[Result], metrics: Mapping[str, MetricInfo], limits: Constraints
) -> Iterator[BrokenConstraint]:
    def broken(constraint: str, limit: JSON, value: JSON) -> BrokenConstraint:
        return BrokenConstraint(variant=cost.variant, constraint=constraint, limit=limit, value=value)

    timed = cost.latency is not None and cost.latency.items > 0
    measured = (
        ("max_p95_ms", limits.max_p95_ms, 1000 * cost.latency.p95 if cost.latency and timed else None),
        ("max_memory_gb", limits.max_memory_gb, None if cost.memory is None else cost.memory / GIB),
        ("max_cost_per_1000", limits.max_cost_per_1000, cost.per_1000),
    )
    yield from (
        broken(name, limit, value) for name, limit, value in measured if limit is not None and not _within(value, limit)
    )
    for figure, limit in limits.min_quality.items():
        value = _mean(results, figure, cost.variant)
        is_lower_better = figure in metrics and metrics[figure].better == "lower"
        if value is None or (value > limit if is_lower_better else value < limit):
            yield broken(f"min_quality: {figure}", limit, value)
    if limits.local_only and not cost.is_local:
        yield broken("local_only", True, False)
    if limits.knowledge_changes in OFTEN:
        stale = _stale_share(results, cost.variant)
        is_current = cost.approach in CURRENT or cost.looks_up if stale is None else stale <= MOSTLY
        if not is_current:
            yield broken("knowledge_changes", limits.knowledge_changes, stale)


def _within(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _mean(results: Sequence[Result], figure: str, variant: str) -> float | None:
    return next((own.mean for own in results if own.variant == variant and str(FigureName.of(own)) == figure), None)


def _stale_share(results: Sequence[Result], variant: str) -> float | None:
    """Of the questions whose answer has changed, how many the variant answers as before; None: there was no probe.

    Over all probes of the run, each item counting once.
    """
    tasks = {result.task for result in results}
    shares = [
        (own.mean, own.known)
        for own in results
        if own.variant == variant
        and own.metric == "stale"
        and own.mean is not None
        and FreshnessProbe.parse(own.task, tasks) is not None
    ]
    total = sum(count for _, count in shares)
    return sum(mean * count for mean, count in shares) / total if total else None
