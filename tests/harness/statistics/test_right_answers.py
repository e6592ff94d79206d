"""Right answers, by hand: any passage of an answer will do, an answer without one counts, of alternatives the best."""

import math

import pytest

from harness.records.outputs import Alternatives, RetrievalTrace, RightAnswer
from harness.statistics.right_answers import is_absent, is_covered, missing, ndcg, places_of, recall

SECOND, THIRD = 1 / math.log2(3), 1 / math.log2(4)  # what a gain at rank 2, at rank 3 is worth


def one(*answers: tuple[int, ...]) -> Alternatives:
    """One right answer made of so many things, each with its passages."""
    return (tuple(RightAnswer(f"t{i}", places) for i, places in enumerate(answers)),)


def trace(ranks: tuple[int | None, ...], answers: Alternatives = ()) -> RetrievalTrace:
    return RetrievalTrace(gold=tuple(f"g{i}" for i in range(len(ranks))), ranks=ranks, depth=100, k=5, answers=answers)


@pytest.mark.parametrize(
    ("ranks", "answers", "at_1", "at_5", "gain"),
    [
        # two passages with the same text: either is all of it, and the copy is not missed
        ((1, 2), one((0, 1)), 1, 1, 1),
        ((1, None), one((0, 1)), 1, 1, 1),
        ((3, None), one((0, 1)), 0, 1, THIRD),
        ((None, None), one((0, 1)), 0, 0, 0),
        # two terms, one of which has two passages
        ((1, 2, 3), one((0, 1), (2,)), 1 / 2, 1, (1 + THIRD) / (1 + SECOND)),
        ((2, None, None), one((0, 1), (2,)), 0, 1 / 2, SECOND / (1 + SECOND)),
        # the knowledge lacks the second of two terms: it counts as not found
        ((1,), one((0,), ()), 1 / 2, 1 / 2, 1 / (1 + SECOND)),
        ((1, 2), one((0,), (1,), ()), 1 / 3, 2 / 3, (1 + SECOND) / (1 + SECOND + THIRD)),
        # alternatives: either is right
        ((1, None), (*one((0,)), *one((1,))), 1, 1, 1),
        ((None, 2), (*one((0,)), *one((1,))), 0, 1, SECOND),
        ((1,), (*one(()), *one((0,))), 1, 1, 1),
        # of alternatives of two and of one term the better: half of the first, or all of the second
        ((1, None, 4), (*one((0,), (1,)), *one((2,))), 1 / 2, 1, 1 / (1 + SECOND)),
        # a passage that holds both terms is all that is needed
        ((1, 2), one((0,), (0, 1)), 1, 1, 1),
        ((None, 1), one((0,), (0, 1)), 1 / 2, 1 / 2, 1 / 2),
        # runs of older versions: each gold passage counts
        ((1, None), (), 1 / 2, 1 / 2, 1 / (1 + SECOND)),
    ],
)
def test_recall_and_ndcg(
    ranks: tuple[int | None, ...], answers: Alternatives, at_1: float, at_5: float, gain: float
) -> None:
    own = trace(ranks, answers)
    assert (recall(own, 1), recall(own, 5), ndcg(own, 10)) == pytest.approx((at_1, at_5, gain))


@pytest.mark.parametrize(
    ("ranks", "answers", "absent", "lacking"),
    [
        ((), one(()), True, ("t0",)),
        ((), one((), ()), True, ("t0", "t1")),
        ((), (*one(()), *one((), ())), True, ("t0",)),
        ((), (), False, ()),  # what is right is not known
        ((1,), one((0,), ()), False, ("t1",)),
        ((1,), (*one((), (0,)), *one((0,))), False, ()),  # the second alternative is there as a whole
        ((1,), (), False, ()),
    ],
)
def test_what_the_knowledge_lacks(
    ranks: tuple[int, ...], answers: Alternatives, absent: bool, lacking: tuple[str, ...]
) -> None:
    own = trace(ranks, answers)
    assert (is_absent(own), missing(own)) == (absent, lacking)


@pytest.mark.parametrize(
    ("answers", "places", "expected"),
    [
        (one((0, 1)), {1}, True),
        (one((0,), (1,)), {0}, False),
        (one((0,), (1,)), {0, 1}, True),
        (one((0,), ()), {0}, True),  # more than it has cannot be shown
        ((*one((0,), (1,)), *one((2,))), {2}, True),
        ((*one(()), *one((0,))), set(), False),
        (one(()), set(), False),
    ],
)
def test_what_is_covered(answers: Alternatives, places: set[int], expected: bool) -> None:
    assert is_covered(trace((1, 2, 3), answers), places) is expected


def test_places_are_those_of_all_answers() -> None:
    assert places_of((*one((3, 1), (2,)), *one((1,)))) == (1, 2, 3)
