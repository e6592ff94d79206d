"""How a judge behaved: noise, flips with the order, unreadable replies, love of length, kinship, cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from harness.judging.asking.combining import by_judge, outcome, value_of, verdicts
from harness.records.judgements import Calibration, Judgement, Panel, Ranked, Reliability


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One metric of a task that asks judges, and what is known of them."""

    task: str
    metric: str
    rubric: str
    pairwise: bool
    descriptions: Mapping[str, str]  # judge → one line
    calibrations: Mapping[str, Calibration]  # judge → how it stands against people, where that was measured
    kin: Mapping[str, tuple[str, ...]]  # judge → variants answered by a model of its family
    itself: Mapping[str, tuple[str, ...]]  # judge → variants that it answers itself
    groups: Mapping[str, str] = field(default_factory=dict)  # sample → what it belongs to with others


def reliability(judged: Judged, judgements: Sequence[Judgement]) -> list[Reliability]:
    """Each judge of a metric. `doubts` are filled in by the suite's policy."""
    readings = by_judge(judgements)
    return [_reliability(judged, judge, readings.get(judge, [])) for judge in judged.descriptions]


def panel(judged: Judged, judgements: Sequence[Judgement]) -> Panel | None:
    """How far several judges of a metric disagree; None of one judge."""
    several = by_judge(judgements)
    if len(several) < 2:
        return None
    apart = _duels_apart(several) if judged.pairwise else _scores_apart(several)
    return Panel(
        task=judged.task,
        metric=judged.metric,
        judges=tuple(several),
        disagreement=sum(apart) / len(apart) if apart else None,
        items=len(apart),
    )


def ranked(judged: Judged, judgements: Sequence[Judgement], seed: int) -> Ranked | None:
    """The variants ranked by all duels of a metric that compares answers; None of others. Groups are resampled."""
    from harness.statistics.bradley_terry import Battle, rank

    if not judged.pairwise or not judgements:
        return None
    outcomes = {(item, pair): outcome(duel, pair) for (item, pair), duel in _duels(judgements).items()}
    battles = [Battle(judged.groups.get(item, item), *pair, result) for (item, pair), result in outcomes.items()]
    items = {item for (item, _), result in outcomes.items() if result is not None}
    return Ranked(judged.task, judged.metric, replace(rank(battles, seed), items=len(items)))


def _reliability(judged: Judged, judge: str, judgements: Sequence[Judgement]) -> Reliability:
    replies = [judgement for judgement in judgements if judgement.attempts]
    flips, pairs, position_p = _flips(replies) if judged.pairwise else (None, 0, None)
    return Reliability(
        task=judged.task,
        metric=judged.metric,
        judge=judge,
        description=judged.descriptions.get(judge, ""),
        rubric=judged.rubric,
        pairwise=judged.pairwise,
        judgements=len(replies),
        unreadable=sum(judgement.unreadable is not None for judgement in replies),
        failed=sum(judgement.error is not None for judgement in replies),
        retried=sum(judgement.attempts > 1 and bool(judgement.values) for judgement in replies),
        repeats=1 + max((judgement.repeat for judgement in replies), default=0),
        noise=_noise(replies),
        flips=flips,
        pairs=pairs,
        position_p=position_p,
        length=_longer_wins(replies) if judged.pairwise else _length(replies),
        kin=judged.kin.get(judge, ()),
        itself=judged.itself.get(judge, ()),
        tokens_in=sum(judgement.tokens_in for judgement in judgements),
        tokens_out=sum(judgement.tokens_out for judgement in judgements),
        seconds=sum(judgement.seconds for judgement in judgements),
        calibration=judged.calibrations.get(judge),
        doubts=(),
    )


def _noise(judgements: Sequence[Judgement]) -> float | None:
    """Mean absolute difference between two readings of the same answer, or of the same two in the same order."""
    readings: dict[tuple[str, str, str | None], list[float]] = {}
    for judgement in judgements:
        value = value_of(judgement, None)
        if value is not None:
            readings.setdefault((judgement.sample_id, judgement.variant, judgement.rival), []).append(value)
    apart = [_difference(values) for values in readings.values() if len(values) > 1]
    return _mean(apart) if apart else None


def _flips(judgements: Sequence[Judgement]) -> tuple[float | None, int, float | None]:
    """Flip rate, the pairs that it is computed from, and the p of no preference for a place."""
    from harness.statistics.order_effects import swapped

    both = swapped([verdict for (_, pair), duel in _duels(judgements).items() for verdict in verdicts(duel, pair)])
    return both.flip_rate, both.read, both.position_p


def _length(judgements: Sequence[Judgement]) -> float | None:
    """Spearman's ρ of score and length, both as differences from the item's mean, so that hard items tell nothing."""
    from harness.statistics.agreement import spearman

    items: dict[str, list[tuple[float, float]]] = {}
    for judgement in judgements:
        value = value_of(judgement, None)
        if value is not None:
            items.setdefault(judgement.sample_id, []).append((value, float(judgement.lengths[0])))
    centred = [
        (value - _mean([v for v, _ in points]), length - _mean([n for _, n in points]))
        for points in items.values()
        if len(points) > 1
        for value, length in points
    ]
    return spearman([value for value, _ in centred], [length for _, length in centred]) if centred else None


def _longer_wins(judgements: Sequence[Judgement]) -> float | None:
    """Share of decided verdicts for the longer answer minus the share for the shorter, in [-1, 1]."""
    decided = [
        1.0 if (judgement.lengths[0] > judgement.lengths[1]) == (judgement.values[""] == 1.0) else -1.0
        for judgement in judgements
        if judgement.values.get("") in (0.0, 1.0) and judgement.lengths[0] != judgement.lengths[1]
    ]
    return _mean(decided) if decided else None


def _duels(judgements: Sequence[Judgement]) -> dict[tuple[str, tuple[str, str]], list[Judgement]]:
    """By item and pair, the pair in the order in which it was asked first."""
    duels: dict[tuple[str, tuple[str, str]], list[Judgement]] = {}
    for judgement in judgements:
        if judgement.rival is not None:
            pair = (judgement.variant, judgement.rival)
            turned = (judgement.sample_id, pair[::-1])
            duels.setdefault(turned if turned in duels else (judgement.sample_id, pair), []).append(judgement)
    return duels


def _scores_apart(several: Mapping[str, Sequence[Judgement]]) -> list[float]:
    """Of each answer that two judges or more have scored: the mean difference between two of them."""
    values: dict[tuple[str, str], list[float]] = {}
    for readings in several.values():
        answers: dict[tuple[str, str], list[float]] = {}
        for judgement in readings:
            value = value_of(judgement, None)
            if value is not None and judgement.attempts:
                answers.setdefault((judgement.sample_id, judgement.variant), []).append(value)
        for answer, scores in answers.items():
            values.setdefault(answer, []).append(_mean(scores))
    return [_difference(scores) for scores in values.values() if len(scores) > 1]


def _duels_apart(several: Mapping[str, Sequence[Judgement]]) -> list[float]:
    """Of each pair that two judges or more have read: whether they differ."""
    outcomes: dict[tuple[str, frozenset[str]], list[float]] = {}
    for readings in several.values():
        for (item, pair), duel in _duels([judgement for judgement in readings if judgement.attempts]).items():
            ordered = (min(pair), max(pair))
            value = outcome(duel, ordered)
            if value is not None:
                outcomes.setdefault((item, frozenset(pair)), []).append(value)
    return [float(len(set(values)) > 1) for values in outcomes.values() if len(values) > 1]


def _difference(values: Sequence[float]) -> float:
    """The mean absolute difference between two of the values."""
    return _mean([abs(a - b) for a, b in combinations(values, 2)])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
