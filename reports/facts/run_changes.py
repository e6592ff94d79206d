"""What page, Markdown and terminal say of two runs, in the language that is spoken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.run_comparisons import CostChange, FigureChange, ItemChange, RunComparison, RunLabel
from harness.records.run_evidence import RunDifference
from reports.facts import numbers
from reports.facts.moments import date_text, moment_of
from reports.facts.phrases import counted, listed
from reports.facts.spoken_sentences import spoken_statement
from reports.wording import say

ARROW = "→"
SECONDS = ("seconds", "latency_p50", "latency_p95", "training_seconds", "index_seconds")
MONEY = ("per_1000", "one_off", "monthly")
MOST_NAMED = 4  # variants in one cell of a table


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureLine:
    """One figure in both runs."""

    figure: str  # task.metric
    variant: str
    verdict: str  # better, worse, inconclusive, unchanged, or no comparison
    word: str  # the verdict as it is said
    before: str
    after: str
    difference: str  # "" where there is none
    interval: str | None
    p: str | None
    note: str  # how many items it rests on, or why there is no difference
    is_headline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceLine:
    """One thing in which the runs differ."""

    kind: str
    name: str
    before: str
    after: str
    touches: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One quantity of a variant."""

    variant: str
    quantity: str
    before: str
    after: str
    change: str  # in percent, or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One item that is newly broken or newly fixed."""

    item: ItemChange
    figure: str
    values: str  # 1 → 0


def lead(comparison: RunComparison) -> str:
    """The result in one sentence: of the headline figures."""
    verdicts = [verdict_of(own) for own in comparison.figures if own.is_headline]
    if not any(own.is_headline and own.comparison for own in comparison.figures):
        return say("comparison.lead_nothing")
    changes = [own for own in comparison.differences if own.changes_figures]
    counts = {word: verdicts.count(word) for word in ("worse", "better", "inconclusive", "unchanged")}
    parts = [say(f"comparison.count_{word}", count=count) for word, count in counts.items() if count]
    key = "comparison.lead_changed" if changes else "comparison.lead"
    return say(key, parts=say("nouns.separator").join(parts), n=len(verdicts), count=f"{len(verdicts):,}")


def remark_texts(comparison: RunComparison) -> list[str]:
    """What has to be known of both runs."""
    return [spoken_statement(own.statement) for own in comparison.remarks]


def label_of(label: RunLabel) -> str:
    """A run as a reader tells it from another: its key and when it began; a baseline with who accepted it."""
    started = moment_of(label.started)
    parts = [label.key, *([date_text(started)] if started else [])]
    if label.acceptance is not None:
        parts.append(say("comparison.accepted_by", who=label.acceptance.who))
    return say("nouns.separator").join(parts)


def verdict_of(change: FigureChange) -> str:
    """better, worse, inconclusive, unchanged, or no comparison."""
    tested = change.comparison
    if tested is None:
        return "no comparison"
    return "unchanged" if not tested.difference and not tested.wins and not tested.losses else tested.verdict


def figure_lines(figures: Sequence[FigureChange]) -> list[FigureLine]:
    """As tables show them."""
    return [_figure_line(own) for own in figures]


def _figure_line(own: FigureChange) -> FigureLine:
    tested, info, verdict = own.comparison, own.info, verdict_of(own)
    ends = numbers.interval(tested.low, tested.high, info) if tested else None
    note = counted(tested.samples, "item") if tested else say(f"comparison.cause_{(own.cause or '').replace(' ', '_')}")
    if tested and tested.groups is not None:
        note = say("nouns.separator").join((note, counted(tested.groups, "group")))
    return FigureLine(
        figure=str(FigureName.within(own.task, own.metric)),
        variant=own.variant,
        verdict=verdict,
        word=say(f"comparison.verdict_{verdict.replace(' ', '_')}"),
        before="–" if own.before is None else numbers.with_unit(own.before, info),
        after="–" if own.after is None else numbers.with_unit(own.after, info),
        difference=numbers.signed(tested.difference, info) if tested else "",
        interval=ends,
        p=numbers.p_value(tested) if tested and verdict != "unchanged" else None,
        note=note,
        is_headline=own.is_headline,
    )


def difference_lines(differences: Sequence[RunDifference]) -> list[DifferenceLine]:
    """Those that can change figures first."""
    ordered = sorted(differences, key=lambda own: not own.changes_figures)
    return [
        DifferenceLine(
            kind=say(f"comparison.kind_{own.kind}"),
            name=own.name,
            before=own.before or say("comparison.absent"),
            after=own.after or say("comparison.absent"),
            touches=_touches(own),
        )
        for own in ordered
    ]


def _touches(own: RunDifference) -> str:
    if not own.changes_figures:
        return say("comparison.touches_nothing")
    if own.metrics:
        return listed(str(FigureName.within(task, metric)) for task in own.tasks for metric in own.metrics)
    if own.variants:
        further = len(own.variants) - MOST_NAMED
        if further <= 1:
            return say("nouns.separator").join(own.variants)
        names = say("nouns.separator").join(own.variants[:MOST_NAMED])
        return say("comparison.and_further", names=names, count=further)
    return listed(own.tasks) if own.tasks else say("comparison.touches_all")


def cost_lines(comparison: RunComparison) -> list[CostLine]:
    """Each quantity of each variant, in the order of the run."""
    return [_cost_line(own, comparison.currency) for own in comparison.costs]


def _cost_line(own: CostChange, currency: str | None) -> CostLine:
    shift = ""
    if own.before and own.after is not None:
        percent = 100 * (own.after - own.before) / own.before
        shift = "±0 %" if abs(percent) < 0.5 else f"{percent:+,.0f} %".replace("-", numbers.MINUS)
    return CostLine(
        variant=own.variant,
        quantity=say(f"comparison.quantity_{own.quantity}"),
        before=_amount(own.before, own, currency),
        after=_amount(own.after, own, currency),
        change=shift,
    )


def _amount(value: float | None, own: CostChange, currency: str | None) -> str:
    if value is None:
        return "–"
    if own.quantity == "memory":
        return numbers.memory(value)
    if own.quantity in MONEY:
        return f"{value:,.2f} {currency or ''}".strip()
    if own.quantity in SECONDS:
        return _time(value)
    return f"{value:,.1f}" if own.quantity.startswith("tokens") else f"{value:,.0f}"


def _time(seconds: float) -> str:
    if seconds < 1:
        return say("nouns.milliseconds", count=f"{seconds * 1000:.3g}")
    return numbers.duration(seconds)


def item_lines(comparison: RunComparison, kind: str) -> Iterator[ItemLine]:
    """The listed items that are newly broken, or newly fixed."""
    infos = {(own.task, own.metric): own.info for own in comparison.figures}
    for item in comparison.items:
        if item.kind == kind:
            info = infos[item.task, item.metric]
            values = [
                say("comparison.failed") if value is None else numbers.with_unit(value, info)
                for value in (item.before, item.after)
            ]
            figure = str(FigureName.within(item.task, item.metric))
            yield ItemLine(item=item, figure=figure, values=f" {ARROW} ".join(values))


def items_total(comparison: RunComparison, kind: str) -> int:
    """How many items of all cells are newly broken, or newly fixed."""
    return sum(own.broken if kind == "broken" else own.fixed for own in comparison.item_counts)
