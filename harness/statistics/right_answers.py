"""Which right answers of an item the knowledge has, and at which rank each was found. Any of its passages will do."""

import math
from collections import Counter
from collections.abc import Collection, Sequence

from harness.records.outputs import Alternatives, RetrievalTrace, RightAnswer


def alternatives_of(trace: RetrievalTrace) -> Alternatives:
    """The right answers; in runs of older versions each gold passage is one."""
    return trace.answers or (tuple(RightAnswer(name, (place,)) for place, name in enumerate(trace.gold)),)


def places_of(alternatives: Alternatives) -> tuple[int, ...]:
    """The places of all passages that hold a right answer, ascending."""
    return tuple(sorted({place for answers in alternatives for answer in answers for place in answer.passages}))


def is_absent(trace: RetrievalTrace) -> bool:
    """Whether it is known what is right, and the knowledge has nothing of it."""
    return bool(trace.answers) and not trace.gold


def missing(trace: RetrievalTrace) -> tuple[str, ...]:
    """The right answers that no passage holds, of the alternative that the knowledge has most of."""
    lacking = [[answer for answer in alternative if not answer.passages] for alternative in alternatives_of(trace)]
    shares = [len(own) / max(1, len(whole)) for own, whole in zip(lacking, alternatives_of(trace), strict=True)]
    return tuple(answer.text for answer in lacking[shares.index(min(shares))])


def first_ranks(trace: RetrievalTrace, alternative: Sequence[RightAnswer]) -> list[int | None]:
    """For each right answer the rank of the first passage that holds it; None where none was found."""
    ranks = trace.ranks or ()
    return [
        min((rank for place in answer.passages if (rank := ranks[place]) is not None), default=None)
        for answer in alternative
    ]


def recall(trace: RetrievalTrace, depth: int) -> float:
    """The share of the right answers among the first hits, missing ones counted; of alternatives the best."""
    return max(
        sum(rank is not None and rank <= depth for rank in first_ranks(trace, alternative)) / len(alternative)
        for alternative in alternatives_of(trace)
    )


def ndcg(trace: RetrievalTrace, depth: int) -> float:
    """Discounted gains of the ranks where right answers come first, against the best order; of alternatives the best.

    Järvelin and Kekäläinen 2002, log2 discount; a passage gains by what it holds that none before it held (Clarke et
    al. 2008, section 3, with α = 1), so that a copy neither gains nor is missed.
    """
    return max(_ndcg(first_ranks(trace, alternative), alternative, depth) for alternative in alternatives_of(trace))


def is_covered(trace: RetrievalTrace, places: Collection[int]) -> bool:
    """Whether these gold passages hold all right answers that the knowledge has, of one alternative."""
    held = [[answer for answer in alternative if answer.passages] for alternative in alternatives_of(trace)]
    return any(own and all(set(answer.passages) & set(places) for answer in own) for own in held)


def _ndcg(ranks: Sequence[int | None], alternative: Sequence[RightAnswer], depth: int) -> float:
    gained = _discounted(Counter(rank for rank in ranks if rank is not None and rank <= depth))
    best_order = dict(enumerate(_best_gains(alternative)[:depth], start=1))
    return min(1.0, gained / _discounted(best_order))


def _discounted(gains: dict[int, int]) -> float:
    return math.fsum(gain / math.log2(1 + rank) for rank, gain in gains.items())


def _best_gains(alternative: Sequence[RightAnswer]) -> list[int]:
    """What each passage gains in the best order, chosen greedily; a missing answer would have a passage of its own."""
    left = [set(answer.passages) for answer in alternative if answer.passages]
    gains = []
    while left:
        place, gain = max(Counter(place for places in left for place in places).items(), key=lambda item: item[1])
        gains.append(gain)
        left = [places for places in left if place not in places]
    return gains + [1] * sum(not answer.passages for answer in alternative)
