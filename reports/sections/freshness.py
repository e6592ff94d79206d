"""What became of changed facts: the same questions before and after, and which variants repeat what no longer holds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.figure_names import FigureName
from harness.records.figures import Result
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import (
    freshness_probes,
    metric_columns,
    metric_info,
    ordinary_columns,
    variant_names,
)
from reports.facts.phrases import counted
from reports.section import Section
from reports.wording import say

STALE = "stale"  # the metric that counts answers which no longer hold
HEADS = {  # what is counted, and what that is in a sentence
    "before": ("freshness.before", "freshness.before_explained"),
    "after": ("freshness.after", "freshness.after_explained"),
    "repeats": ("freshness.repeats", "freshness.repeats_explained"),
    "withdrawn": ("freshness.repeats_withdrawn", "freshness.repeats_withdrawn_explained"),
}


@dataclass(frozen=True, slots=True)
class FreshnessFigure:
    """A mean as text, with the address of the items behind it where there is one to look at."""

    value: str
    interval: str | None
    coverage: str | None
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessColumn:
    """Which answers are counted, by which metric, of how many items."""

    title: str
    explanation: str
    detail: str
    items: str


@dataclass(frozen=True, slots=True)
class FreshnessRow:
    """One variant."""

    variant: str
    is_floor: bool
    figures: tuple[FreshnessFigure | None, ...]  # one a column


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessFacts:
    """One task under one knowledge base that has changed."""

    task: str
    knowledge: str
    columns: tuple[FreshnessColumn, ...]
    rows: tuple[FreshnessRow, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _FactChange:
    """The results of one task and knowledge base, by (version, metric), then by variant."""

    task: str
    knowledge: str
    metric: str
    results: Mapping[tuple[str, str], Mapping[str, Result]]

    def columns(self) -> list[tuple[str, str, str]]:
        """The columns that have results: what is counted, version, metric."""
        columns = [("before", "before", self.metric), ("after", "after", self.metric)]
        columns += [("repeats", "after", STALE), ("withdrawn", "withdrawn", STALE)]
        return [column for column in columns if self.results.get(column[1:])]

    def valued(self, version: str, metric: str) -> dict[str, Result]:
        """The results that have a mean."""
        results = self.results.get((version, metric), {})
        return {variant: result for variant, result in results.items() if result.mean is not None}


class Freshness(Section):
    order = 64

    def build(self, finished: FinishedRun) -> tuple[FreshnessFacts, ...]:
        """One part for each task and knowledge base that was probed."""
        return tuple(_facts(finished.summary, change) for change in _changes(finished.summary))

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """What the change did to the answers, task by task."""
        summary = finished.summary
        return tuple(sentence for change in _changes(summary) for sentence in _sentences(summary, change))


def _changes(summary: Summary) -> Iterable[_FactChange]:
    probes = freshness_probes(summary)
    for task, knowledge in dict.fromkeys((probe.task, probe.knowledge) for probe in probes.values()):
        results: dict[tuple[str, str], dict[str, Result]] = {}
        for result in summary.results:
            probe = probes.get(result.task)
            if probe and (probe.task, probe.knowledge) == (task, knowledge):
                results.setdefault((probe.version, result.metric), {})[result.variant] = result
        yield _FactChange(task, knowledge, _deciding_metric(summary, task), results)


def _deciding_metric(summary: Summary, task: str) -> str:
    """The metric that decides what is right: the task's first headline figure, else its first metric."""
    columns = (*ordinary_columns(summary), *metric_columns(summary))
    return next(column.metric for column in columns if column.task == task)


def _facts(summary: Summary, change: _FactChange) -> FreshnessFacts:
    rows = [
        FreshnessRow(
            variant,
            variant in summary.unaided,
            tuple(_figure(summary, change, version, metric, variant) for _, version, metric in change.columns()),
        )
        for variant in variant_names(summary)
    ]
    return FreshnessFacts(
        task=change.task,
        knowledge=change.knowledge,
        columns=tuple(_column(change, *column) for column in change.columns()),
        rows=tuple(row for row in rows if any(row.figures)),
        sentences=tuple(_sentences(summary, change)),
    )


def _column(change: _FactChange, kind: str, version: str, metric: str) -> FreshnessColumn:
    count = max(result.samples for result in change.results[version, metric].values())
    title, explanation = map(say, HEADS[kind])
    return FreshnessColumn(
        title=title,
        explanation=explanation,
        detail=say("freshness.lower_is_better") if metric == STALE else metric,
        items=counted(count, "item"),
    )


def _figure(summary: Summary, change: _FactChange, version: str, metric: str, variant: str) -> FreshnessFigure | None:
    result = change.results[version, metric].get(variant)
    if result is None:
        return None
    info = metric_info(summary, result.task, metric)
    filters = {"task": result.task, "variant": variant, "metric": str(FigureName.of(result)), "outcome": "wrong"}
    return FreshnessFigure(
        numbers.with_unit(result.mean, info),
        numbers.interval(result.low, result.high, info),
        numbers.coverage(result),
        f"#{urlencode(filters)}" if metric == STALE and result.mean else None,
    )


def _sentences(summary: Summary, change: _FactChange) -> Iterator[str]:
    """The best after the change and which sticks most to the old answer; then the same for withdrawn facts."""
    after = change.valued("after", change.metric)
    if after:
        info = metric_info(summary, next(iter(after.values())).task, change.metric)
        sign = -1.0 if info.better == "lower" else 1.0
        contenders = [variant for variant in after if variant not in summary.bounds] or list(after)
        best = max(contenders, key=lambda variant: sign * (after[variant].mean or 0.0))
        stale = change.valued("after", STALE)
        sticking = [variant for variant, result in stale.items() if result.mean and variant in after]
        sticking.sort(key=lambda variant: -(stale[variant].mean or 0.0))
        questions = counted(after[best].samples, "affected question")
        clauses = [_clause(summary, change, best, questions)]
        clauses += [_clause(summary, change, variant) for variant in sticking[:1] if variant != best]
        yield say("freshness.sentence", knowledge=change.knowledge, clauses=say("nouns.semicolon").join(clauses))
    yield from _withdrawn_sentences(summary, change)


def _clause(summary: Summary, change: _FactChange, variant: str, questions: str | None = None) -> str:
    """One variant: its figure after, its figure before, and how often it repeats the old answer."""

    def figure(version: str, metric: str) -> str | None:
        result = change.valued(version, metric).get(variant)
        return None if result is None else numbers.with_unit(result.mean, metric_info(summary, result.task, metric))

    key = "freshness.clause_on" if questions else "freshness.clause"
    text = say(
        key,
        variant=variant,
        value=figure("after", change.metric),
        metric=change.metric,
        questions=questions,
        task=change.task,
    )
    if before := figure("before", change.metric):
        text = say("freshness.clause_before", clause=text, value=before)
    stale = change.valued("after", STALE).get(variant)
    if stale is None or not stale.mean:
        return text
    return say("freshness.clause_repeats", clause=text, value=figure("after", STALE))


def _withdrawn_sentences(summary: Summary, change: _FactChange) -> Iterator[str]:
    results = change.valued("withdrawn", STALE)
    if not results:
        return
    worst = max(results.values(), key=lambda result: result.mean or 0.0)
    count = {"n": worst.samples, "count": f"{worst.samples:,}"}
    if not worst.mean:
        yield say("freshness.none_withdrawn", **count)
        return
    never = sum(not result.mean for result in results.values())
    others = say("freshness.others_never", n=never, variants=len(results)) if never else ""
    value = numbers.with_unit(worst.mean, metric_info(summary, worst.task, STALE))
    yield say("freshness.withdrawn", **count, variant=worst.variant, value=value, others=others)
