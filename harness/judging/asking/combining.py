"""From what judges said to one value: repeats, both orders, and a panel are combined here and nowhere else."""

from collections.abc import Sequence
from typing import Literal

from harness.components.metric import Mark
from harness.records.judgements import Judgement

Combine = Literal["mean", "majority"]
Pair = tuple[str, str]


def by_judge(judgements: Sequence[Judgement]) -> dict[str, list[Judgement]]:
    """Judgements of each judge, in their order."""
    groups: dict[str, list[Judgement]] = {}
    for reading in judgements:
        groups.setdefault(reading.judge, []).append(reading)
    return groups


def value_of(judgement: Judgement, dimension: str | None) -> float | None:
    """A dimension's score, or the mean of all; None where nothing was read."""
    if dimension is not None:
        return judgement.values.get(dimension)
    return sum(judgement.values.values()) / len(judgement.values) if judgement.values else None


def pointwise(judgements: Sequence[Judgement], dimension: str | None, combine: Combine) -> Mark:
    """One answer's value: the mean over repeats of each judge, then the panel's.

    A panel of which one judge is unknown is unknown: its mean would depend on who was silent. `majority` is the value
    that more than half of the panel gave, else the median.
    """
    values: list[float] = []
    for judge, readings in by_judge(judgements).items():
        numbers = [value for reading in readings if (value := value_of(reading, dimension)) is not None]
        if not numbers:
            return Mark(None, f"{judge}: {_failure(readings)}")
        values.append(sum(numbers) / len(numbers))
    return Mark(_combined(values, combine), _reason(judgements, dimension))


def outcome(judgements: Sequence[Judgement], pair: Pair) -> float | None:
    """What came of two answers to one item for the first of the pair: 1 won, 0.5 tie, 0 lost, None unknown.

    Each repeat counts in both orders; repeats of a judge by their commonest outcome; a panel by its commonest, a draw
    among them being a tie. Unknown where a judge is.
    """
    from harness.statistics.order_effects import swapped

    outcomes: list[float] = []
    for readings in by_judge(judgements).values():
        numbers = [value for value in swapped(verdicts(readings, pair)).combined if value is not None]
        if not numbers:
            return None
        outcomes.append(_commonest(numbers))
    return _commonest(outcomes) if outcomes else None


def verdicts(judgements: Sequence[Judgement], pair: Pair) -> list[tuple[float | None, float | None]]:
    """For each repeat the outcome for the first of the pair, shown first and shown second."""
    first, second = (
        {reading.repeat: reading.values.get("") for reading in judgements if (reading.variant, reading.rival) == shown}
        for shown in (pair, pair[::-1])
    )
    return [(first.get(n), _turned(second.get(n))) for n in sorted({*first, *second})]


def _turned(value: float | None) -> float | None:
    return None if value is None else 1.0 - value


def _commonest(outcomes: Sequence[float]) -> float:
    from harness.statistics.agreement import majority

    winner = majority(list(outcomes))
    return 0.5 if winner is None else float(winner)


def _combined(values: Sequence[float], combine: Combine) -> float:
    from harness.statistics.agreement import majority

    if combine == "majority" and len(values) > 1:
        top = majority(list(values))
        if top is not None and list(values).count(top) > len(values) / 2:
            return float(top)
        ordered = sorted(values)
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return sum(values) / len(values)


def _failure(judgements: Sequence[Judgement]) -> str:
    """Why there is no value: what went wrong, or what a judgement without one gives as its reason."""
    reasons = (
        reading.error or reading.unreadable or next(iter(reading.reasons.values()), "") for reading in judgements
    )
    return next(filter(None, reasons), "no verdict")


def _reason(judgements: Sequence[Judgement], dimension: str | None) -> str | None:
    """The first reading of each judge, by name where there are several."""
    several = by_judge(judgements)
    lines = []
    for judge, readings in several.items():
        first = next(reading for reading in readings if reading.values)
        if dimension is None and len(first.values) > 1:
            text = "\n".join(f"{name} {value:g}: {first.reasons.get(name, '')}" for name, value in first.values.items())
        else:
            text = first.reasons.get(dimension or next(iter(first.values)), "")
        lines.append(f"{judge}: {text}" if len(several) > 1 else text)
    return "\n".join(line.strip() for line in lines if line.strip()) or None
