"""What one chooses from: all variants on the headline figures, by approach, with what a request of each costs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.records.decisions import Approach, VariantCost
from harness.records.figures import MetricInfo, Result
from harness.records.summary import Summary
from reports.charts.whiskers import Axis, Whisker, around, result_ends, whisker
from reports.facts import cost_texts, numbers
from reports.facts.approach_names import ORDER, approach_explanation, approach_name, approach_of, labels_used
from reports.facts.metric_columns import MetricColumn, ordinary_columns, results_by_variant, variant_names
from reports.facts.phrases import shortened
from reports.wording import say

MOST = 12  # variants that are all shown; of more, the best few of each approach


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLine:
    """A line through all rows: the best floor, or the best upper bound."""

    place: float  # percent of the width
    variant: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureScale:
    """One headline figure: its axis and its lines."""

    column: MetricColumn
    axis: Axis
    ticks: tuple[tuple[float, str], ...]
    floor: ReferenceLine | None
    bound: ReferenceLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One variant."""

    variant: str
    approach: Approach | None
    is_chosen: bool
    is_rival: bool
    is_broken: bool  # whether it breaks a constraint
    figures: tuple[tuple[str, str | None, Whisker | None], ...]  # value, interval, picture; one a scale
    costs: tuple[str, ...]  # one a cost head
    labels: str | None = None  # how many labelled rows it searches by, where it does


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateGroup:
    """The variants of one approach, best first."""

    approach: Approach | None
    name: str
    explanation: str | None
    candidates: tuple[Candidate, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateChart:
    """Rows of candidates on one or several scales."""

    scales: tuple[FigureScale, ...]
    groups: tuple[CandidateGroup, ...]
    cost_heads: tuple[tuple[str, str], ...]  # title, what it is


def headline_columns(summary: Summary) -> tuple[MetricColumn, ...]:
    """The figures that decide; without any, the first that may."""
    columns = [column for column in ordinary_columns(summary) if not column.demoted]
    return tuple(column for column in columns if column.headline) or tuple(columns[:1])


def candidate_chart(summary: Summary, columns: Sequence[MetricColumn]) -> CandidateChart:
    """The variants that have a result on any of these figures, the best of the first figure first in each approach."""
    results = [results_by_variant(summary, column.key) for column in columns]
    scales = tuple(_scale(summary, column, by) for column, by in zip(columns, results, strict=True))
    heads, cost_texts = _costs(summary)
    variants = [name for name in variant_names(summary) if any(name in by for by in results)]
    standing = _standing(columns[0], results[0]) if columns else {}
    groups = []
    for approach, members in _by_approach(summary, variants):
        members.sort(key=lambda name: standing.get(name, float("inf")))
        best = _best_few(summary, members, len(variants))
        groups.append(
            CandidateGroup(
                approach=approach,
                name=approach_name(approach),
                explanation=approach_explanation(approach),
                candidates=tuple(_candidate(summary, name, scales, results, cost_texts.get(name, ())) for name in best),
                left_out=len(members) - len(best),
            )
        )
    return CandidateChart(scales=scales, groups=tuple(groups), cost_heads=heads)


def _by_approach(summary: Summary, variants: Iterable[str]) -> list[tuple[Approach | None, list[str]]]:
    groups: dict[Approach | None, list[str]] = {}
    for name in variants:
        groups.setdefault(approach_of(summary, name), []).append(name)
    return sorted(groups.items(), key=lambda group: ORDER.index(group[0]))


def _best_few(summary: Summary, members: Sequence[str], total: int) -> list[str]:
    """All, or of very many the best ones and what was chosen."""
    if total <= MOST:
        return list(members)
    decision = summary.decisions.decision
    few = 2 if approach_of(summary, members[0]) not in ("floor", "upper bound") else 1
    return [name for place, name in enumerate(members) if place < few or (decision and name == decision.variant)]


def _standing(column: MetricColumn, results: Mapping[str, Result]) -> dict[str, float]:
    """Lower is better; what is unknown comes last."""
    return {
        name: -column.sign * r.mean
        for name, r in results.items()
        if r.mean is not None and cost_texts.is_number(r.mean)
    }


def _scale(summary: Summary, column: MetricColumn, results: Mapping[str, Result]) -> FigureScale:
    axis = _axis(results.values(), column.info)
    standing = _standing(column, results)
    return FigureScale(
        column=column,
        axis=axis,
        ticks=tuple((axis.place(tick), numbers.number(tick, column.info).removesuffix(".0")) for tick in axis.ticks()),
        floor=_line(column, axis, results, [name for name in summary.unaided if name in standing], standing),
        bound=_line(column, axis, results, [name for name in summary.bounds if name in standing], standing),
    )


def _axis(results: Iterable[Result], info: MetricInfo) -> Axis:
    """What the intervals span, and no more than the metric's range: differences are to be seen."""
    spanned = around([end for end in result_ends(results) if cost_texts.is_number(end)])
    low, high = max(spanned.low, info.low), min(spanned.high, info.high)
    return Axis(low, high) if low < high else spanned


def _line(
    column: MetricColumn,
    axis: Axis,
    results: Mapping[str, Result],
    variants: Sequence[str],
    standing: Mapping[str, float],
) -> ReferenceLine | None:
    if not variants:
        return None
    best = min(variants, key=lambda name: standing[name])
    mean = results[best].mean or 0.0
    return ReferenceLine(place=axis.place(mean), variant=shortened(best), value=numbers.with_unit(mean, column.info))


def _candidate(
    summary: Summary,
    name: str,
    scales: Sequence[FigureScale],
    results: Sequence[Mapping[str, Result]],
    costs: tuple[str, ...],
) -> Candidate:
    decision = summary.decisions.decision
    return Candidate(
        variant=name,
        approach=approach_of(summary, name),
        is_chosen=bool(decision and decision.variant == name),
        is_rival=bool(decision and name in decision.rivals),
        is_broken=bool(decision and any(broken.variant == name for broken in decision.broken)),
        figures=tuple(_figure(by.get(name), scale) for by, scale in zip(results, scales, strict=True)),
        costs=costs,
        labels=labels_used(summary, name),
    )


def _figure(result: Result | None, scale: FigureScale) -> tuple[str, str | None, Whisker | None]:
    if result is None:
        return cost_texts.NONE, None, None
    if result.mean is None or not cost_texts.is_number(result.mean):
        return say("nouns.unknown"), None, None
    info = scale.column.info
    ends = (
        (result.low, result.high)
        if cost_texts.is_number(result.low) and cost_texts.is_number(result.high)
        else (None, None)
    )
    return numbers.with_unit(result.mean, info), numbers.interval(*ends, info), whisker(scale.axis, result.mean, *ends)


def _costs(summary: Summary) -> tuple[tuple[tuple[str, str], ...], dict[str, tuple[str, ...]]]:
    """Heads, and the texts below them by variant: money where prices are stated, else tokens; and the time."""
    costs = summary.decisions.costs
    kinds: list[tuple[tuple[str, str], Callable[[VariantCost], str]]] = []
    if any(cost.per_1000 is not None for cost in costs):
        title = say("recommendation.per_1000", currency=shortened(summary.decisions.currency or "", 12))
        kinds.append(((title, say("recommendation.per_1000_explained")), lambda c: cost_texts.money(c.per_1000)))
    elif any(cost.tokens_in is not None for cost in costs):
        kinds.append(((say("recommendation.tokens"), say("recommendation.tokens_explained")), _tokens))
    if any(cost.latency for cost in costs):
        kinds.append(((say("recommendation.p50"), say("recommendation.p50_explained")), _p50))
    elif any(cost.seconds is not None for cost in costs):
        head = (say("recommendation.seconds"), say("recommendation.seconds_explained"))
        kinds.append((head, lambda c: cost_texts.request_time(c.seconds)))
    texts = {cost.variant: tuple(text(cost) for _, text in kinds) for cost in costs}
    return tuple(head for head, _ in kinds), texts


def _p50(cost: VariantCost) -> str:
    return cost_texts.request_time(cost.latency.p50 if cost.latency else None)


def _tokens(cost: VariantCost) -> str:
    if cost.tokens_in is None:
        return cost_texts.NONE
    return cost_texts.whole(cost.tokens_in + (cost.tokens_out or 0.0))
