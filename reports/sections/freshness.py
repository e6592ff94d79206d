"""What became of changed facts: the same questions before and after, and who keeps saying what no longer holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.figures import Result, Summary
from reports.facts import numbers
from reports.facts.columns import columns, metric_info, ordinary, probes, variants
from reports.facts.wording import counted

STALE = "stale"  # the metric that counts answers which no longer hold


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean as text, with the address of the items behind it where there is one to look at."""

    value: str
    interval: str | None
    coverage: str | None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A column: what is asked, of how many items."""

    title: str
    detail: str
    items: str


@dataclass(frozen=True, slots=True)
class Row:
    """One variant."""

    variant: str
    is_floor: bool
    figures: tuple[Figure | None, ...]  # one a head


@dataclass(frozen=True, slots=True)
class Part:
    """One task under one knowledge base that has changed."""

    task: str
    knowledge: str
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """The results of one task and knowledge base, by (version, metric), then by variant."""

    task: str
    knowledge: str
    metric: str
    results: Mapping[tuple[str, str], Mapping[str, Result]]

    def figures(self) -> list[tuple[str, str, str]]:
        """The columns that have results: title, version, metric."""
        wanted = [("Before", "before", self.metric), ("After", "after", self.metric)]
        wanted += [("Still says the old", "after", STALE), ("Still says what was withdrawn", "withdrawn", STALE)]
        return [figure for figure in wanted if self.results.get(figure[1:])]


def section(summary: Summary) -> tuple[Part, ...]:
    """One part for each task and knowledge base that was probed."""
    return tuple(_part(summary, change) for change in _changes(summary))


def sentences(summary: Summary) -> tuple[str, ...]:
    """What the change did to the answers, task by task."""
    return tuple(sentence for change in _changes(summary) for sentence in _sentences(summary, change))


def _changes(summary: Summary) -> Iterable[_Change]:
    every = probes(summary)
    for task, knowledge in dict.fromkeys((probe.task, probe.knowledge) for probe in every.values()):
        found: dict[tuple[str, str], dict[str, Result]] = {}
        for result in summary.results:
            probe = every.get(result.task)
            if probe and (probe.task, probe.knowledge) == (task, knowledge):
                found.setdefault((probe.version, result.metric), {})[result.variant] = result
        yield _Change(task, knowledge, _deciding(summary, task), found)


def _deciding(summary: Summary, task: str) -> str:
    """The metric that decides what is right: the task's first headline figure, else its first metric."""
    every = (*ordinary(summary), *columns(summary))
    return next(column.metric for column in every if column.task == task)


def _part(summary: Summary, change: _Change) -> Part:
    figures = change.figures()
    unaided = summary.unaided
    rows = [
        Row(variant, variant in unaided, tuple(_figure(summary, change, v, m, variant) for _, v, m in figures))
        for variant in variants(summary)
    ]
    heads = tuple(_head(change, *figure) for figure in figures)
    shown = tuple(row for row in rows if any(row.figures))
    return Part(change.task, change.knowledge, heads, shown, tuple(_sentences(summary, change)))


def _head(change: _Change, title: str, version: str, metric: str) -> Head:
    count = max(result.samples for result in change.results[version, metric].values())
    detail = "lower is better" if metric == STALE else metric
    return Head(title, detail, counted(count, "item"))


def _figure(summary: Summary, change: _Change, version: str, metric: str, variant: str) -> Figure | None:
    result = change.results[version, metric].get(variant)
    if result is None:
        return None
    info = metric_info(summary, result.task, metric)
    stale = metric == STALE and result.mean
    address = {"task": result.task, "variant": variant, "metric": f"{result.task}.{metric}", "outcome": "wrong"}
    return Figure(
        "unknown" if result.mean is None else numbers.with_unit(result.mean, info),
        numbers.interval(result.low, result.high, info),
        numbers.coverage(result),
        f"#{urlencode(address)}" if stale else None,
    )


def _sentences(summary: Summary, change: _Change) -> Iterable[str]:
    """The best after the change and who sticks most to the old answer; then the same for withdrawn facts."""
    after = _known(change, "after", change.metric)
    if after:
        info = metric_info(summary, next(iter(after.values())).task, change.metric)
        sign = -1.0 if info.better == "lower" else 1.0
        contenders = [variant for variant in after if variant not in summary.bounds] or list(after)
        best = max(contenders, key=lambda variant: sign * (after[variant].mean or 0.0))
        stale = _known(change, "after", STALE)
        sticking = [variant for variant, result in stale.items() if result.mean and variant in after]
        told = dict.fromkeys([best, *sorted(sticking, key=lambda variant: -(stale[variant].mean or 0.0))[:1]])
        count = after[best].samples
        which = f"the {count:,} affected question{'s' if count != 1 else ''} of {change.task}"
        parts = [_told(summary, change, variant, which if variant == best else None) for variant in told]
        yield f"After the change of {change.knowledge}, {'; '.join(parts)}."
    yield from _withdrawn(change, summary)


def _told(summary: Summary, change: _Change, variant: str, which: str | None) -> str:
    """One variant: its figure after, its figure before, and how often it says the old."""

    def said(version: str, metric: str) -> str | None:
        result = _known(change, version, metric).get(variant)
        if result is None:
            return None
        return numbers.with_unit(result.mean or 0.0, metric_info(summary, result.task, metric))

    before, stale = said("before", change.metric), _known(change, "after", STALE).get(variant)
    text = f"{variant} reaches {said('after', change.metric)}"
    text += f" {change.metric} on {which}" if which else ""
    text += f" ({before} before)" if before else ""
    return text + (f" and keeps saying the old answer in {said('after', STALE)}" if stale and stale.mean else "")


def _withdrawn(change: _Change, summary: Summary) -> Iterable[str]:
    found = _known(change, "withdrawn", STALE)
    if not found:
        return
    most = max(found.values(), key=lambda result: result.mean or 0.0)
    never = sum(not result.mean for result in found.values())
    info = metric_info(summary, most.task, STALE)
    which = f"the {most.samples:,} questions whose answer was withdrawn" if most.samples != 1 else (
        "the one question whose answer was withdrawn"
    )  # fmt: skip
    if not most.mean:
        yield f"No variant still gives the old answer to {which}."
        return
    rest = f"; {never} of the {len(found)} variants never do{'es' if never == 1 else ''}" if never else ""
    yield f"Of {which}, {most.variant} still gives the old one in {numbers.with_unit(most.mean, info)}{rest}."


def _known(change: _Change, version: str, metric: str) -> dict[str, Result]:
    results = change.results.get((version, metric), {})
    return {variant: result for variant, result in results.items() if result.mean is not None}
