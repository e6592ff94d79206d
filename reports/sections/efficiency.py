"""Quality against cost: what nothing beats in both, what each variant costs, and from when on it pays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.records.decisions import VariantCost
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.charts.scatter import Label, cost_axis, place_labels, quality_axis
from reports.facts import cost_texts, numbers
from reports.facts.approach_names import approach_of
from reports.facts.candidates import candidate_chart, headline_columns
from reports.facts.metric_columns import MetricColumn, means_by_variant
from reports.facts.phrases import counted, shortened
from reports.facts.spending import SpendingTable, break_even_sentences, spending_table
from reports.section import Section
from reports.wording import say

LONGEST = 24  # characters of a name in the picture
ALL_NAMED = 14  # points; of more, only those are named that nothing beats


@dataclass(frozen=True, slots=True)
class CostKind:
    """The measure of cost that is known of most variants."""

    title: str
    read: Callable[[VariantCost], float | None]
    write: Callable[[float | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoPoint:
    """One variant in the picture."""

    variant: str
    name: str
    x: float
    y: float
    style: str
    label: Label | None
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoChart:
    """Quality against cost; the line is that of the efficient ones."""

    column: MetricColumn
    cost: str
    description: str
    points: tuple[ParetoPoint, ...]
    steps: tuple[tuple[float, float, float, float], ...]  # of the line
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    not_drawn: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyFacts:
    """Picture, table and sentences."""

    chart: ParetoChart | None
    table: SpendingTable | None
    break_even: tuple[str, ...]
    further: int  # pairs whose break-even is not said


class Efficiency(Section):
    order = 20
    is_printed = True

    def build(self, finished: FinishedRun) -> EfficiencyFacts | None:
        """None where no cost is known."""
        summary = finished.summary
        columns = headline_columns(summary)
        groups = candidate_chart(summary, columns[:1]).groups if columns else ()
        table = spending_table(summary.decisions, [c.variant for group in groups for c in group.candidates])
        sentences, further = break_even_sentences(summary.decisions)
        if table is None:
            return None
        chart = _chart(summary, columns[0]) if columns else None
        return EfficiencyFacts(chart=chart, table=table, break_even=sentences, further=further)


def _kind(summary: Summary) -> CostKind | None:
    """Money, else the time of one request by itself, else its time in the run, else tokens."""
    currency = shortened(summary.decisions.currency or "", 12)
    kinds = (
        CostKind(say("efficiency.cost_money", currency=currency), lambda c: c.per_1000, cost_texts.money),
        CostKind(say("efficiency.cost_latency"), _median, cost_texts.request_time),
        CostKind(say("efficiency.cost_seconds"), lambda c: c.seconds, cost_texts.request_time),
        CostKind(say("efficiency.cost_tokens"), lambda c: c.tokens_in, cost_texts.whole),
    )
    return next(
        (kind for kind in kinds if any(cost_texts.is_number(kind.read(c)) for c in summary.decisions.costs)), None
    )


def _median(cost: VariantCost) -> float | None:
    return cost.latency.p50 if cost.latency else None


def _chart(summary: Summary, column: MetricColumn) -> ParetoChart | None:
    kind = _kind(summary)
    drawn = _drawn(summary, column, kind) if kind else []
    if kind is None or len(drawn) < 2:
        return None
    x_axis, y_axis = cost_axis(spent for _, _, spent in drawn), quality_axis([mean for _, mean, _ in drawn])
    places = [(x_axis.place(spent), _height(y_axis.place(mean), column)) for _, mean, spent in drawn]
    points = _points(summary, column, kind, drawn, places)
    has_zero = x_axis.is_logarithmic and any(spent <= 0 for _, _, spent in drawn)
    outline = say("nouns.separator").join(point.explanation for point in points[:ALL_NAMED])
    missing = len(summary.decisions.costs) - len(drawn)
    return ParetoChart(
        column=column,
        cost=say("efficiency.logarithmic", cost=kind.title) if x_axis.is_logarithmic else kind.title,
        description=say("efficiency.chart", figure=column.name, cost=kind.title, points=outline),
        points=points,
        steps=_front([place for place, (cost, _, _) in zip(places, drawn, strict=True) if cost.is_efficient]),
        x_ticks=(
            *([(0.0, "0")] if has_zero else []),
            *((x_axis.place(tick), kind.write(tick)) for tick in x_axis.ticks()),
        ),
        y_ticks=tuple(
            (_height(y_axis.place(tick), column), numbers.number(tick, column.info).removesuffix(".0"))
            for tick in y_axis.ticks()
            if column.info.low <= tick <= column.info.high
        ),
        not_drawn=counted(missing, "variant") if missing else None,
    )


def _drawn(summary: Summary, column: MetricColumn, kind: CostKind) -> list[tuple[VariantCost, float, float]]:
    """What has a value and a cost, with both."""
    means = means_by_variant(summary, column.key)
    return [
        (cost, means[cost.variant], spent)
        for cost in summary.decisions.costs
        if (spent := kind.read(cost)) is not None
        and cost_texts.is_number(spent)
        and cost_texts.is_number(means.get(cost.variant))
    ]


def _height(place: float, column: MetricColumn) -> float:
    """From the top: the better end is above."""
    return place if column.lower_is_better else round(100 - place, 2)


def _points(
    summary: Summary,
    column: MetricColumn,
    kind: CostKind,
    drawn: Sequence[tuple[VariantCost, float, float]],
    places: Sequence[tuple[float, float]],
) -> tuple[ParetoPoint, ...]:
    decision = summary.decisions.decision
    chosen = decision.variant if decision else None
    names = [shortened(cost.variant, LONGEST) for cost, _, _ in drawn]
    is_named = [len(drawn) <= ALL_NAMED or cost.is_efficient or cost.variant == chosen for cost, _, _ in drawn]
    spots = [(*place, name if named else "") for place, name, named in zip(places, names, is_named, strict=True)]
    labels = place_labels(spots)
    return tuple(
        ParetoPoint(
            variant=cost.variant,
            name=name,
            x=place[0],
            y=place[1],
            style=_style(summary, cost, chosen),
            label=label if named else None,
            explanation=say(
                "efficiency.point",
                variant=cost.variant,
                value=numbers.with_unit(mean, column.info),
                cost=kind.write(spent),
            ),
        )
        for (cost, mean, spent), place, name, label, named in zip(drawn, places, names, labels, is_named, strict=True)
    )


def _style(summary: Summary, cost: VariantCost, chosen: str | None) -> str:
    if cost.variant == chosen:
        return "chosen"
    if approach_of(summary, cost.variant) in ("floor", "upper bound"):
        return "apart"
    return "efficient" if cost.is_efficient else "beaten"


def _front(places: Sequence[tuple[float, float]]) -> tuple[tuple[float, float, float, float], ...]:
    """From the cheapest to the best, in steps: to the right at the same quality, then up."""
    ordered = sorted(places)
    steps = []
    for (x1, y1), (x2, y2) in pairwise(ordered):
        steps += [(x1, y1, x2, y1), (x2, y1, x2, y2)]
    return tuple(steps)
