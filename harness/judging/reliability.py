"""How a judge behaved: noise, flips with the order, unreadable replies, love of length, kinship, cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.judging.asking.combining import by_judge, outcome, value_of, verdicts
from harness.records.judgements import Calibration, Judgement, Panel, Ranked, Reliability


@dataclass(frozen=True)
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


def reliability(one: Judged, judgements: Sequence[Judgement]) -> list[Reliability]:
    """Each judge of a metric. `doubts` are filled in by the suite's policy."""
    said = by_judge(judgements)
    return [_reliability(one, judge, said.get(judge, [])) for judge in one.descriptions]


def panel(one: Judged, judgements: Sequence[Judgement]) -> Panel | None:
    """How far several judges of a metric disagree; None of one judge."""
    several = by_judge(judgements)
    if len(several) < 2:
        return None
    apart = _duels_apart(several) if one.pairwise else _scores_apart(several)
    return Panel(one.task, one.metric, tuple(several), sum(apart) / len(apart) if apart else None, len(apart))


def ranked(one: Judged, judgements: Sequence[Judgement], seed: int) -> Ranked | None:
    """The variants ranked by all duels of a metric that compares answers; None of others."""
    from harness.statistics.bradley_terry import Battle, rank

    if not one.pairwise or not judgements:
        return None
    battles = [Battle(item, *pair, outcome(some, pair)) for (item, pair), some in _duels(judgements).items()]
    return Ranked(one.task, one.metric, rank(battles, seed))


def _reliability(one: Judged, judge: str, judgements: Sequence[Judgement]) -> Reliability:
    asked = [judgement for judgement in judgements if judgement.attempts]
    flips, pairs, position_p = _flips(asked) if one.pairwise else (None, 0, None)
    return Reliability(
        task=one.task,
        metric=one.metric,
        judge=judge,
        description=one.descriptions.get(judge, ""),
        rubric=one.rubric,
        pairwise=one.pairwise,
        judgements=len(asked),
        unreadable=sum(judgement.unreadable is not None for judgement in asked),
        failed=sum(judgement.error is not None for judgement in asked),
        retried=sum(judgement.attempts > 1 and bool(judgement.values) for judgement in asked),
        repeats=1 + max((judgement.repeat for judgement in asked), default=0),
        noise=_noise(asked),
        flips=flips,
        pairs=pairs,
        position_p=position_p,
        length=_longer_wins(asked) if one.pairwise else _length(asked),
        kin=one.kin.get(judge, ()),
        itself=one.itself.get(judge, ()),
        tokens_in=sum(judgement.tokens_in for judgement in judgements),
        tokens_out=sum(judgement.tokens_out for judgement in judgements),
        seconds=sum(judgement.seconds for judgement in judgements),
        calibration=one.calibrations.get(judge),
        doubts=(),
    )


def _noise(judgements: Sequence[Judgement]) -> float | None:
    """Mean absolute difference between two readings of the same answer, or of the same two in the same order."""
    readings: dict[tuple[str, str, str | None], list[float]] = {}
    for one in judgements:
        value = value_of(one, None)
        if value is not None:
            readings.setdefault((one.sample_id, one.variant, one.rival), []).append(value)
    apart = [_mean([abs(a - b) for a, b in combinations(some, 2)]) for some in readings.values() if len(some) > 1]
    return _mean(apart) if apart else None


def _flips(judgements: Sequence[Judgement]) -> tuple[float | None, int, float | None]:
    """Flip rate, the pairs that it is computed from, and the p of no preference for a place."""
    from harness.statistics.order_effects import swapped

    both = swapped([one for (_, pair), some in _duels(judgements).items() for one in verdicts(some, pair)])
    return both.flip_rate, both.read, both.position_p


def _length(judgements: Sequence[Judgement]) -> float | None:
    """Spearman's ρ of score and length, both as differences from the item's mean, so that hard items tell nothing."""
    from harness.statistics.agreement import spearman

    items: dict[str, list[tuple[float, float]]] = {}
    for one in judgements:
        value = value_of(one, None)
        if value is not None:
            items.setdefault(one.sample_id, []).append((value, float(one.lengths[0])))
    centred = [
        (value - _mean([v for v, _ in some]), length - _mean([n for _, n in some]))
        for some in items.values()
        if len(some) > 1
        for value, length in some
    ]
    return spearman([value for value, _ in centred], [length for _, length in centred]) if centred else None


def _longer_wins(judgements: Sequence[Judgement]) -> float | None:
    """Share of decided verdicts for the longer answer minus the share for the shorter, in [-1, 1]."""
    decided = [
        1.0 if (one.lengths[0] > one.lengths[1]) == (one.values[""] == 1.0) else -1.0
        for one in judgements
        if one.values.get("") in (0.0, 1.0) and one.lengths[0] != one.lengths[1]
    ]
    return _mean(decided) if decided else None


def _duels(judgements: Sequence[Judgement]) -> dict[tuple[str, tuple[str, str]], list[Judgement]]:
    """By item and pair, the pair in the order in which it was asked first."""
    found: dict[tuple[str, tuple[str, str]], list[Judgement]] = {}
    for one in judgements:
        if one.rival is not None:
            pair = (one.variant, one.rival)
            key = (one.sample_id, pair[::-1]) if (one.sample_id, pair[::-1]) in found else (one.sample_id, pair)
            found.setdefault(key, []).append(one)
    return found


def _scores_apart(several: Mapping[str, Sequence[Judgement]]) -> list[float]:
    """Of each answer that two judges or more have scored: the mean difference between two of them."""
    values: dict[tuple[str, str], list[float]] = {}
    for some in several.values():
        answers: dict[tuple[str, str], list[float]] = {}
        for one in some:
            value = value_of(one, None)
            if value is not None and one.attempts:
                answers.setdefault((one.sample_id, one.variant), []).append(value)
        for answer, readings in answers.items():
            values.setdefault(answer, []).append(_mean(readings))
    return [_mean([abs(a - b) for a, b in combinations(some, 2)]) for some in values.values() if len(some) > 1]


def _duels_apart(several: Mapping[str, Sequence[Judgement]]) -> list[float]:
    """Of each pair that two judges or more have read: whether they differ."""
    outcomes: dict[tuple[str, frozenset[str]], list[float]] = {}
    for some in several.values():
        for (item, pair), duel in _duels([one for one in some if one.attempts]).items():
            ordered = (min(pair), max(pair))
            value = outcome(duel, ordered)
            if value is not None:
                outcomes.setdefault((item, frozenset(pair)), []).append(value)
    return [float(len(set(some)) > 1) for some in outcomes.values() if len(some) > 1]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
