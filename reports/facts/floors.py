"""Where asking a model is not worth it: variants against the best one that asks none."""

from dataclasses import dataclass

from harness.records.figures import Comparison
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, means_by_variant, metric_columns
from reports.facts.phrases import joined, listed
from reports.wording import say


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorStanding:
    """One headline figure: the best variant that asks no model, and those that ask one, by what was shown of them."""

    column: MetricColumn
    variant: str
    value: str  # what it reaches
    below: tuple[Comparison, ...]
    open: tuple[Comparison, ...]  # neither is confirmed
    above: tuple[Comparison, ...]

    def is_lower(self, comparison: Comparison) -> bool:
        """Whether a variant's figure is on the worse side of the floor's."""
        return (comparison.difference or 0.0) * self.column.sign < 0


def floor_standings(summary: Summary) -> dict[str, FloorStanding]:
    """By "task.metric", where there is a floor."""
    return {column.name: floor for column in metric_columns(summary) if (floor := _standing(summary, column))}


def floor_alarms(summary: Summary) -> tuple[str, ...]:
    """One line for each figure on which nothing that asks a model is above the floor, unless the decision says so."""
    decision = summary.decisions.decision
    if decision is not None and decision.kind == "deploy floor":
        return ()
    return tuple(_alarm(floor) for floor in floor_standings(summary).values() if not floor.above)


def floor_sentences(floor: FloorStanding) -> tuple[str, ...]:
    """Which variants are below the floor, which are not shown to be above, which are above; the first names it."""
    is_lower = floor.column.lower_is_better
    introduction = "floors.introduction_lower" if is_lower else "floors.introduction"
    subject = say(introduction, variant=floor.variant, value=floor.value)
    sentences: list[str] = []
    lower = tuple(comparison for comparison in floor.open if floor.is_lower(comparison))
    equal = tuple(comparison for comparison in floor.open if comparison.difference in (0.0, None))
    higher = tuple(comparison for comparison in floor.open if comparison not in (*lower, *equal))
    for standing, comparisons in (
        ("below", floor.below),
        ("lower", lower),
        ("equal", equal),
        ("higher", higher),
        ("above", floor.above),
    ):
        if comparisons:
            is_brief = standing == "above"
            evidence = say("floors.between").join(_evidence(floor.column, c, is_brief) for c in comparisons)
            names = listed(comparison.variant for comparison in comparisons)
            floor_name = say("floors.it") if sentences else subject
            n = len(comparisons)
            sentences.append(say(f"floors.is_{standing}", n=n, names=names, floor=floor_name, evidence=evidence))
    return tuple(sentences)


def _standing(summary: Summary, column: MetricColumn) -> FloorStanding | None:
    tested = [c for c in summary.floors if (c.task, c.metric) == column.key and c.variant not in summary.bounds]
    if not tested:
        return None
    mean = means_by_variant(summary, column.key).get(tested[0].reference)
    below, unconfirmed, above = (
        tuple(comparison for comparison in tested if comparison.verdict == verdict)
        for verdict in ("worse", "inconclusive", "better")
    )
    return FloorStanding(
        column=column,
        variant=tested[0].reference,
        value=say("floors.unknown") if mean is None else numbers.with_unit(mean, column.info),
        below=below,
        open=unconfirmed,
        above=above,
    )


def _alarm(floor: FloorStanding) -> str:
    key = "floors.alarm_open" if floor.open else "floors.alarm_below"
    count = len(floor.below) + len(floor.open)
    return say(key, n=count, figure=floor.column.name, floor=floor.variant, value=floor.value)


def _evidence(column: MetricColumn, comparison: Comparison, is_brief: bool) -> str:
    """Difference and p; unless it is above the floor, the interval and the items needed, too."""
    if comparison.difference is None:
        return say("floors.no_value", variant=comparison.variant)
    signed = numbers.signed(comparison.difference, column.info)
    difference = say("floors.difference", variant=comparison.variant, difference=signed)
    p = numbers.p_value(comparison)
    if is_brief:
        return joined(difference, p)
    required = numbers.needed(comparison) if comparison.verdict == "inconclusive" else None
    advice = None if required is None else say("floors.needed", items=required)
    return joined(difference, numbers.confidence(comparison, column.info), p, advice)
