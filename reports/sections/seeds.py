"""How much a figure depends on luck: the same training with other seeds."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.figures import Seeds, Summary
from reports.facts import numbers
from reports.facts.columns import Column, columns


@dataclass(frozen=True, slots=True)
class Part:
    """One variant: a row a seed, a column a figure, their means and standard deviations beneath."""

    variant: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]  # the seed's variant, its figures
    means: tuple[tuple[str, str | None], ...]  # value, interval
    deviations: tuple[str, ...]


def section(summary: Summary) -> tuple[Part, ...]:
    """One part a variant whose model was trained several times."""
    return tuple(_part(summary, variant) for variant in dict.fromkeys(found.variant for found in summary.seeds))


def sentences(summary: Summary) -> tuple[str, ...]:
    """How far apart the seeds are on each headline figure."""
    by_key = {column.key: column for column in columns(summary) if column.headline}
    return tuple(
        text
        for found in summary.seeds
        if (column := by_key.get((found.task, found.metric))) and (text := _sentence(column, found))
    )


def spreads(summary: Summary) -> dict[tuple[str, str, str], str]:
    """By task, metric and variant, e.g. "3 seeds, standard deviation 1.2"."""
    by_key = {column.key: column for column in columns(summary)}
    found = {}
    for seeds in summary.seeds:
        column = by_key.get((seeds.task, seeds.metric))
        if column:
            spread = f", standard deviation {_deviation(column, seeds)}" if seeds.deviation is not None else ""
            found[seeds.task, seeds.metric, seeds.variant] = f"{len(seeds.members)} seeds{spread}"
    return found


def _part(summary: Summary, variant: str) -> Part:
    found = {(seeds.task, seeds.metric): seeds for seeds in summary.seeds if seeds.variant == variant}
    shown = tuple(column for column in columns(summary) if column.key in found)
    shown = tuple(column for column in shown if column.headline) or shown
    names = dict.fromkeys(name for seeds in found.values() for name, _ in seeds.members)
    members = {column.key: dict(found[column.key].members) for column in shown}
    rows = tuple((name, tuple(_value(column, members[column.key].get(name)) for column in shown)) for name in names)
    means = tuple(next(_pooled(summary, column, variant), ("–", None)) for column in shown)
    return Part(variant, shown, rows, means, tuple(_deviation(column, found[column.key]) for column in shown))


def _pooled(summary: Summary, column: Column, variant: str) -> Iterator[tuple[str, str | None]]:
    for result in summary.results:
        if (result.task, result.metric, result.variant) == (*column.key, variant):
            yield _value(column, result.mean), numbers.interval(result.low, result.high, column.info)


def _sentence(column: Column, found: Seeds) -> str | None:
    known = [(mean, name) for name, mean in found.members if mean is not None]
    if len(known) < 2:
        return None
    (low, worst), (high, best) = min(known), max(known)
    ends = f"from {_value(column, low)} ({worst}) to {_value(column, high)} ({best})"
    spread = f", standard deviation {_deviation(column, found)}" if found.deviation is not None else ""
    return f"On {column.name}, {found.variant} goes {ends} over {len(known)} seeds{spread}."


def _deviation(column: Column, found: Seeds) -> str:
    return "–" if found.deviation is None else numbers.points(found.deviation, column.info)


def _value(column: Column, mean: float | None) -> str:
    return "unknown" if mean is None else numbers.with_unit(mean, column.info)
