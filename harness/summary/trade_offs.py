"""Evidence against folklore: what is commonly said of the approaches, and what this run measured of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from harness.records.decisions import Approach, Statement, TradeOff, VariantCost
from harness.records.deployment_terms import Profile
from harness.records.derived_names import FreshnessProbe
from harness.records.figure_names import FigureName
from harness.records.inputs import JSON
from harness.records.summary import Summary
from harness.summary.decision_figures import DecidingFigure
from harness.summary.decision_reasons import APPROACHES, phrase, points, slug

DIMENSIONS = (
    "freshness", "adapting", "running", "latency", "traceability", "style", "data", "forgetting",
)  # fmt: skip
BEARING = {  # of each dimension: the fields of the profile that bear on it
    "freshness": ("knowledge_changes",),
    "adapting": ("team", "hardware"),
    "running": ("hardware",),
    "latency": ("latency",),
    "traceability": ("explainability",),
    "data": ("labelled_rows",),
}
STALE = "stale"


def trade_offs(summary: Summary, figures: Sequence[DecidingFigure], profile: Profile) -> tuple[TradeOff, ...]:
    """One row a dimension, in the order in which the trade-off is usually told."""
    measured = {
        "freshness": _freshness(summary),
        "adapting": _adapting(summary),
        "running": _running(summary),
        "latency": _latency(summary),
        "traceability": _traceability(summary),
        "style": _style(summary),
        "data": _data(summary, figures),
        "forgetting": _forgetting(summary),
    }
    return tuple(
        TradeOff(
            dimension=dimension,
            said=Statement(f"trade_offs.said_{dimension}"),
            measured=tuple(measured[dimension]),
            needed=_needed(profile, dimension),
        )
        for dimension in DIMENSIONS
    )


def _needed(profile: Profile, dimension: str) -> Statement | None:
    """What the profile says of a dimension; None where it says nothing."""
    stated = {field: getattr(profile, field) for field in BEARING.get(dimension, ())}
    phrases: list[JSON] = [
        phrase(f"trade_offs.need_{field}", value=_stated(field, value))
        for field, value in stated.items()
        if value is not None
    ]
    return Statement("trade_offs.needs", {"needs": phrases}) if phrases else None


def _stated(field: str, value: JSON) -> JSON:
    return phrase(f"trade_offs.profile_{field}_{slug(value)}") if isinstance(value, str) else value


def _by_approach(summary: Summary) -> Mapping[Approach, list[VariantCost]]:
    costs: dict[Approach, list[VariantCost]] = {approach: [] for approach in get_args(Approach)}
    for cost in summary.decisions.costs:
        costs[cost.approach].append(cost)
    return costs


def _approach(approach: Approach) -> dict[str, JSON]:
    return phrase(f"decision.approach_{slug(approach)}")


def _freshness(summary: Summary) -> Iterator[Statement]:
    """How often each approach repeats what no longer holds, at best."""
    tasks = list(dict.fromkeys(result.task for result in summary.results))
    least: dict[str, dict[Approach, float]] = {}
    for result in summary.results:
        probe = FreshnessProbe.parse(result.task, tasks)
        is_stale = probe is not None and probe.version == "after" and FigureName.of(result).metric == STALE
        approach = summary.decisions.approaches.get(result.variant)
        if probe is not None and is_stale and approach in APPROACHES and result.mean is not None:
            own = least.setdefault(probe.knowledge, {})
            own[approach] = min(own.get(approach, 1.0), result.mean)
    for knowledge, shares in least.items():
        for approach, share in shares.items():
            values = {"approach": _approach(approach), "knowledge": knowledge, "share": _share(share)}
            yield Statement("trade_offs.repeats_old", values)


def _adapting(summary: Summary) -> Iterator[Statement]:
    for approach, costs in _by_approach(summary).items():
        times = [cost.training_seconds for cost in costs if cost.training_seconds]
        rows = [cost.labelled_rows for cost in costs if cost.labelled_rows]
        if times:
            values = {"approach": _approach(approach), "time": {"unit": "duration", "value": max(times)}}
            yield Statement("trade_offs.training_takes", {**values, "rows": max(rows, default=0)})
        indexing = [cost.index_seconds for cost in costs if cost.index_seconds]
        if indexing and approach == "RAG":
            time = {"unit": "duration", "value": max(indexing)}
            yield Statement("trade_offs.indexing_takes", {"approach": _approach(approach), "time": time})


def _running(summary: Summary) -> Iterator[Statement]:
    """Tokens, or money, of one request: from the least to the most of each approach."""
    currency = summary.decisions.currency
    for approach, costs in _by_approach(summary).items():
        money = sorted(cost.per_1000 for cost in costs if cost.per_1000 is not None)
        tokens = sorted(cost.tokens_in + (cost.tokens_out or 0) for cost in costs if cost.tokens_in)
        amounts, unit = (money, "money") if money else (tokens, "tokens")
        if amounts and approach in APPROACHES:
            ends = [{"unit": unit, "value": end, "currency": currency} for end in (amounts[0], amounts[-1])]
            values = {"approach": _approach(approach), "low": ends[0], "high": ends[1]}
            kind = "costs" if money else "runs"
            yield Statement(f"trade_offs.{kind}_{'at' if amounts[0] == amounts[-1] else 'between'}", values)


def _latency(summary: Summary) -> Iterator[Statement]:
    for approach, costs in _by_approach(summary).items():
        latencies = [cost.latency for cost in costs if cost.latency is not None and cost.latency.items]
        if latencies and approach in APPROACHES:
            quickest = min(latencies, key=lambda latency: latency.p50)
            ends = {"p50": quickest.p50, "p95": quickest.p95}
            values = {name: {"unit": "seconds", "value": seconds} for name, seconds in ends.items()}
            quickest_values = {"approach": _approach(approach), "variant": quickest.variant, **values}
            yield Statement("trade_offs.answers_in", quickest_values)


def _traceability(summary: Summary) -> Iterator[Statement]:
    """How often the passage that holds the answer was among those that a variant showed."""
    for cell in summary.retrieved:
        hits = sum(count for outcome, count in cell.counts.items() if outcome.startswith("hit"))
        known = sum(count for outcome, count in cell.counts.items() if outcome != "unknown")
        if known and cell.variant not in summary.bounds:
            values = {"variant": cell.variant, "task": cell.task, "share": _share(hits / known)}
            yield Statement("trade_offs.shows_source", values)


def _style(summary: Summary) -> Iterator[Statement]:
    """How many replies could not be read, or were cut, by approach: the share of the worst variant."""
    worst: dict[Approach, float] = {}
    seeds = {(own.task, own.variant): len(own.members) for own in summary.seeds}  # whose trouble is added up
    for usage in summary.usage:
        replies = usage.samples * max(1, seeds.get((usage.task, usage.variant), 1))
        approach = summary.decisions.approaches.get(usage.variant)
        if approach in APPROACHES and usage.samples:
            worst[approach] = max(worst.get(approach, 0.0), (usage.unread + usage.truncated) / replies)
    for approach, share in worst.items():
        yield Statement("trade_offs.unreadable", {"approach": _approach(approach), "share": _share(min(1.0, share))})


def _data(summary: Summary, figures: Sequence[DecidingFigure]) -> Iterator[Statement]:
    """What the most and the fewest labelled rows of each learning curve came to, on the first headline figure."""
    for figure in figures[:1]:
        families: dict[str, list[tuple[int, float]]] = {}
        for point in summary.curve:
            if point.variant in figure.means:
                families.setdefault(point.family, []).append((point.rows, figure.means[point.variant]))
        for family, curve in families.items():
            (fewest, before), (most, after) = min(curve), max(curve)
            if fewest < most:
                gain = points(figure, figure.sign * (after - before))
                key = "trade_offs.gains" if figure.sign * (after - before) > 0 else "trade_offs.does_not_gain"
                values = {"variant": family, "fewest": fewest, "most": most, "gain": gain, "figure": figure.name}
                yield Statement(key, values)


def _forgetting(summary: Summary) -> Iterator[Statement]:
    for comparison in summary.forgotten:
        if comparison.difference is None:
            continue
        size = {"unit": "points", "value": abs(comparison.difference), "figure": str(FigureName.of(comparison))}
        key = "trade_offs.forgets" if comparison.verdict == "worse" else "trade_offs.keeps"
        yield Statement(key, {"variant": comparison.variant, "task": comparison.task, "size": size})


def _share(share: float) -> dict[str, JSON]:
    return {"unit": "share", "value": share}
