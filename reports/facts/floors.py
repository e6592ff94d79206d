"""Where asking a model is not worth it: variants against the best one that asks none."""

from dataclasses import dataclass

from harness.records.figures import Comparison
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, means_by_variant, metric_columns
from reports.facts.phrases import joined, listed


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
    """One line for each figure on which no variant that asks a model is above the floor."""
    return tuple(_alarm(floor) for floor in floor_standings(summary).values() if not floor.above)


def floor_sentences(floor: FloorStanding) -> tuple[str, ...]:
    """Which variants are below the floor, which are not shown to be above, which are above; the first names it."""
    direction = " (lower is better)" if floor.column.lower_is_better else ""
    introduction = f"the floor{direction}: {floor.variant} reaches {floor.value} without any model"
    sentences: list[str] = []
    lower = tuple(comparison for comparison in floor.open if floor.is_lower(comparison))
    equal = tuple(comparison for comparison in floor.open if comparison.difference in (0.0, None))
    higher = tuple(comparison for comparison in floor.open if comparison not in (*lower, *equal))
    for comparisons, singular, plural, doubt in (
        (floor.below, "stays below", "stay below", ""),
        (lower, "looks worse than", "look worse than", ", not confirmed"),
        (equal, "is not shown to differ from", "are not shown to differ from", ""),
        (higher, "looks better than", "look better than", ", not confirmed"),
        (floor.above, "is above", "are above", ""),
    ):
        if comparisons:
            is_brief = comparisons is floor.above
            evidence = "; ".join(_evidence(floor.column, comparison, is_brief) for comparison in comparisons)
            names = listed(comparison.variant for comparison in comparisons)
            verb = singular if len(comparisons) == 1 else plural
            sentences.append(f"{names} {verb} {'it' if sentences else introduction}{doubt} ({evidence}).")
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
        value="an unknown value" if mean is None else numbers.with_unit(mean, column.info),
        below=below,
        open=unconfirmed,
        above=above,
    )


def _alarm(floor: FloorStanding) -> str:
    count = len(floor.below) + len(floor.open)
    floor_clause = f"{floor.variant}, which reaches {floor.value} without any model."
    if not floor.open:
        subject = "the only one that asks a model stays" if count == 1 else f"all {count} that ask a model stay"
        return f"No variant is worth deploying on {floor.column.name}: {subject} below {floor_clause}"
    subject = "the only one that asks a model is not" if count == 1 else f"none of the {count} that ask a model is"
    return (
        f"No variant is shown to be worth deploying on {floor.column.name}: {subject} shown to be above {floor_clause}"
    )


def _evidence(column: MetricColumn, comparison: Comparison, is_brief: bool) -> str:
    """Difference and p; unless it is above the floor, the interval and the items needed, too."""
    if comparison.difference is None:
        return f"{comparison.variant}: no item has a value for both"
    difference = f"{comparison.variant} {numbers.signed(comparison.difference, column.info)}"
    p = numbers.p_value(comparison)
    if is_brief:
        return joined(difference, p)
    required = numbers.needed(comparison) if comparison.verdict == "inconclusive" else None
    return joined(
        difference, numbers.confidence(comparison, column.info), p, required and f"{required} needed to confirm it"
    )
