"""Where asking a model is not worth it: variants against the best one that asks none."""

from dataclasses import dataclass

from harness.records.figures import Comparison, Summary
from reports.facts import numbers
from reports.facts.columns import Column, columns, means
from reports.facts.wording import listed


@dataclass(frozen=True, slots=True)
class Floor:
    """One headline figure: the best variant that asks no model, and those that ask one, by what was shown of them."""

    column: Column
    variant: str
    value: str  # what it reaches
    below: tuple[Comparison, ...]
    open: tuple[Comparison, ...]  # not shown to be above
    above: tuple[Comparison, ...]


def floors(summary: Summary) -> dict[str, Floor]:
    """By "task.metric", where there is a floor."""
    return {column.name: floor for column in columns(summary) if (floor := _floor(summary, column))}


def alarms(summary: Summary) -> tuple[str, ...]:
    """One line for each figure on which no variant that asks a model is above the floor."""
    return tuple(_alarm(floor) for floor in floors(summary).values() if not floor.above)


def sentences(floor: Floor) -> tuple[str, ...]:
    """Which variants are below the floor, which are not shown to be above, which are above; the first names it."""
    lower = " (lower is better)" if floor.column.info.better == "lower" else ""
    first = f"the floor{lower}: {floor.variant} reaches {floor.value} without any model"
    said: list[str] = []
    for some, one, many in (
        (floor.below, "stays below", "stay below"),
        (floor.open, "is not shown to be above", "are not shown to be above"),
        (floor.above, "is above", "are above"),
    ):
        if some:
            told = _differs if some is floor.above else _evidence
            evidence = "; ".join(told(floor.column, comparison) for comparison in some)
            named = listed([comparison.variant for comparison in some])
            said.append(f"{named} {one if len(some) == 1 else many} {'it' if said else first} ({evidence}).")
    return tuple(said)


def _floor(summary: Summary, column: Column) -> Floor | None:
    tested = [c for c in summary.floors if (c.task, c.metric) == column.key and c.variant not in summary.bounds]
    if not tested:
        return None
    best = tested[0].reference
    mean = means(summary, column.key).get(best)
    value = "nothing known" if mean is None else numbers.with_unit(mean, column.info)
    below, open_, above = (
        tuple(c for c in tested if c.verdict == verdict) for verdict in ("worse", "inconclusive", "better")
    )
    return Floor(column, best, value, below, open_, above)


def _alarm(floor: Floor) -> str:
    count = len(floor.below) + len(floor.open)
    end = f"{floor.variant}, which reaches {floor.value} without any model."
    if not floor.open:
        below = "the only one that asks a model stays" if count == 1 else f"all {count} that ask a model stay"
        return f"No variant is worth deploying on {floor.column.name}: {below} below {end}"
    unshown = "the only one that asks a model is not" if count == 1 else f"none of the {count} that ask a model is"
    return f"No variant is shown to be worth deploying on {floor.column.name}: {unshown} shown to be above {end}"


def _differs(column: Column, found: Comparison) -> str:
    """What is enough to say of a variant that is above."""
    difference = f"{found.variant} {numbers.signed(found.difference or 0.0, column.info)}"
    return ", ".join(part for part in (difference, numbers.p_value(found)) if part)


def _evidence(column: Column, found: Comparison) -> str:
    if found.difference is None:
        return f"{found.variant}: no item known for both"
    bounds = numbers.interval(found.low, found.high, column.info)
    unsettled = found.verdict == "inconclusive" and found.needed is not None
    parts = (
        f"{found.variant} {numbers.signed(found.difference, column.info)}",
        f"95 % CI {bounds}" if bounds else None,
        numbers.p_value(found),
        f"about {numbers.about(found.needed or 0)} items needed" if unsettled else None,
    )
    return ", ".join(part for part in parts if part)
