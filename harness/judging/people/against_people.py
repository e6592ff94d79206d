"""A judge's judgements against the labels of people: agreement, κ, rank correlation, and the annotators' own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import combinations
from typing import Literal

from harness.judging.asking.combining import pointwise, verdicts
from harness.judging.asking.judge_metric import JudgeMetric
from harness.judging.people.labels import LabelledPair, Labels, ScoredItem
from harness.judging.trust import examined
from harness.records.judgements import Agreed, Calibration, Judgement, Reliability
from harness.suite.options import Trust

PAIR = ("first", "second")
OUTCOMES = {"first": 1.0, "tie": 0.5, "second": 0.0, None: None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """What people and a judge made of the same items, in numbers: a score, or 1, 0.5 and 0 for the first of two."""

    ratings: tuple[tuple[float | None, ...], ...]  # of each item, one an annotator
    people: tuple[float | None, ...]  # their majority, or their mean
    judge: tuple[float | None, ...]
    questions: tuple[str, ...]  # answers to one question are a group
    pairwise: bool
    whole: bool  # scores are whole numbers


def calibration(
    judge: str, metric: JudgeMetric, identity: str, labels: Labels, judgements: Sequence[Judgement], seed: int
) -> Calibration:
    """One judge's judgements against the labels.

    Of scores, κ has quadratic weights, and on a rubric of whole numbers both sides are rounded to them; the people's
    score is the mean of the annotators. Of pairs the people's verdict is the commonest; where two are equally common
    there is none. Rank correlations are of unrounded values. The interval of κ is a bootstrap over questions.
    """
    from harness.statistics import agreement as kappa
    from harness.statistics.order_effects import swapped

    by_item = _by_item(judgements)
    entries = [
        entry for entry in (labels.scored or labels.pairs) if any(j.attempts for j in by_item.get(entry.place, []))
    ]
    item_judgements = [by_item[entry.place] for entry in entries]
    pairs = [pair for readings in item_judgements for pair in verdicts(readings, PAIR)]
    both = swapped(pairs) if labels.pairs else None
    values = both.combined if both else tuple(pointwise(readings, None, "mean").value for readings in item_judgements)
    sides = _sides(entries, values, metric)
    failed = sum(any(judgement.error for judgement in readings) for readings in item_judgements)
    return Calibration(
        judge=judge,
        identity=identity,
        labels=labels.name,
        labels_digest=labels.digest,
        pairwise=sides.pairwise,
        items=len(entries),
        unreadable=sum(value is None for value in values) - failed,
        failed=failed,
        against=_against(sides, seed),
        spearman=kappa.spearman(sides.people, sides.judge),
        kendall=kappa.kendall(sides.people, sides.judge),
        annotators=len(labels.annotators),
        ceiling=_ceiling(sides),
        fleiss=kappa.fleiss_kappa([_labels(row, sides) for row in sides.ratings]),
        flips=both.flip_rate if both else None,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _by_item(judgements: Sequence[Judgement]) -> dict[str, list[Judgement]]:
    by_item: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        by_item.setdefault(judgement.sample_id, []).append(judgement)
    return by_item


def doubts(record: Calibration, trust: Trust) -> tuple[str, ...]:
    """What, of all that a suite's policy demands, speaks against a judge on the labelled items; none: nothing does."""
    conduct = Reliability(
        task="",
        metric="",
        judge=record.judge,
        description="",
        rubric="",
        pairwise=record.pairwise,
        judgements=record.items,
        unreadable=record.unreadable,
        failed=record.failed,
        flips=record.flips,
        calibration=record,
    )
    return examined(conduct, trust).doubts


def _sides(entries: Sequence[ScoredItem | LabelledPair], values: Sequence[float | None], metric: JudgeMetric) -> _Sides:
    from harness.statistics.agreement import majority

    ratings = tuple(
        entry.scores if isinstance(entry, ScoredItem) else tuple(OUTCOMES[verdict] for verdict in entry.verdicts)
        for entry in entries
    )
    people = tuple(majority(row) if metric.pairwise else mean(row) for row in ratings)
    return _Sides(
        ratings=ratings,
        people=people,
        judge=tuple(values),
        questions=tuple(entry.question for entry in entries),
        pairwise=metric.pairwise,
        whole=metric.rules.whole,
    )


def _labels(values: Sequence[float | None], sides: _Sides) -> list[float | None]:
    """Values as they are compared: scores of a rubric of whole numbers as whole numbers, a half upwards."""
    if sides.pairwise or not sides.whole:
        return list(values)
    return [None if value is None else float(math.floor(value + 0.5)) for value in values]


def _kappa(a: Sequence[float | None], b: Sequence[float | None], sides: _Sides) -> float | None:
    from harness.statistics.agreement import cohen_kappa

    return cohen_kappa(a, b, _weights(sides))


def _weights(sides: _Sides) -> Literal["quadratic"] | None:
    return None if sides.pairwise else "quadratic"


def _agreed(a: Sequence[float | None], b: Sequence[float | None], sides: _Sides) -> Agreed:
    """Two raters. On a scale of fractions equal scores are a coincidence: there is no share of them."""
    from harness.statistics.agreement import agreement

    items = sum(x is not None and y is not None for x, y in zip(a, b, strict=True))
    a, b = _labels(a, sides), _labels(b, sides)
    return Agreed(
        items=items, agreement=agreement(a, b) if sides.pairwise or sides.whole else None, kappa=_kappa(a, b, sides)
    )


def _against(sides: _Sides, seed: int) -> Agreed:
    from harness.statistics.agreement import cohen_kappa, interval

    people, judge = _labels(sides.people, sides), _labels(sides.judge, sides)
    rows = zip(people, judge, sides.questions, strict=True)
    both = [(x, y, question) for x, y, question in rows if x is not None and y is not None]
    statistic = partial(cohen_kappa, weights=_weights(sides))
    x, y, questions = zip(*both, strict=True) if both else ((), (), ())
    groups = questions if len(set(questions)) > 1 else None  # one question for all tells nothing apart
    low, high = interval(x, y, statistic=statistic, seed=seed, groups=groups) or (None, None)
    return replace(_agreed(sides.people, sides.judge, sides), low=low, high=high)


def _ceiling(sides: _Sides) -> Agreed | None:
    """Annotators among each other: the mean over their pairs, and the items that at least two of them rated."""
    columns = list(zip(*sides.ratings, strict=True))
    among = [agreed for a, b in combinations(columns, 2) if (agreed := _agreed(a, b, sides)).items]
    if not among:
        return None
    return Agreed(
        items=sum(sum(rating is not None for rating in row) > 1 for row in sides.ratings),
        agreement=mean([agreed.agreement for agreed in among]),
        kappa=mean([agreed.kappa for agreed in among]),
    )


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is known; None where nothing is."""
    numbers = [value for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers else None
