"""What of a served answer's time is called latency, of one call, of several that came to one answer, of a cell."""

from typing import Any

import pytest

from harness.records.figures import Timing
from harness.records.outputs import Prediction, Reading, Serving
from harness.statistics.serving_times import duration_of, joint_serving, latency_of, timing_of


def prediction(seconds: float, serving: Serving | None, **changes: Any) -> Prediction:
    settings = {"messages": (), "text": "x", "reading": Reading("x"), **changes}
    return Prediction(sample_id="s", task="t", variant="v", seconds=seconds, serving=serving, **settings)


UNTIMED = Serving(at_once=None)


def told(seconds: float, **rest: Any) -> Serving:
    return Serving(compute_seconds=seconds, **rest)


@pytest.mark.parametrize(
    ("seconds", "serving", "latency", "duration"),
    [
        (0.4, None, 0.4, 0.4),  # a local model: the item's part of its batch
        (0.4, told(0.35, at_once=8, wall_seconds=3.2), 0.35, 3.2),  # seven calls before it in the queue
        (0.4, told(0.35), 0.35, 0.4),
        (1.0, Serving(at_once=1, wall_seconds=1.1), 1.1, 1.1),  # alone in flight
        (1.0, Serving(at_once=1), 1.0, 1.0),
        (0.25, Serving(at_once=2, wall_seconds=0.5), None, 0.5),
        (0.5, Serving(at_once=8, wall_seconds=4.0), None, 4.0),
        (0.5, told(0.0, at_once=8), 0.0, 0.5),  # all of it in the prompt cache
        (0.5, UNTIMED, None, 0.5),  # from before calls were timed: it may have waited among others
    ],
)
def test_the_latency_of_one_answer(
    seconds: float, serving: Serving | None, latency: float | None, duration: float
) -> None:
    assert latency_of(seconds, serving) == latency
    assert duration_of(seconds, serving) == duration


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(1.0, None), (2.0, None)], None),  # no server answered
        (
            [(0.5, told(0.4, cached_tokens=3, at_once=2)), (0.5, told(0.3, cached_tokens=4, at_once=4))],
            told(0.4 + 0.3, cached_tokens=7, at_once=4, calls=2, wall_seconds=1.0),
        ),
        # a local step of 0.1 s before a served one of 0.4
        ([(0.1, None), (0.9, told(0.4, at_once=4, wall_seconds=3.0))], told(0.5, at_once=4, wall_seconds=3.1)),
        # of one of the two nothing is known: 4 calls were in flight
        (
            [(0.5, told(0.4)), (0.5, Serving(at_once=4, wall_seconds=2.0))],
            Serving(at_once=4, calls=2, wall_seconds=2.5),
        ),
        ([(0.5, Serving(wall_seconds=0.5)), (0.7, Serving(wall_seconds=0.7))], Serving(calls=2, wall_seconds=1.2)),
        ([(0.5, Serving(at_once=4)), (0.7, UNTIMED)], Serving(at_once=None, calls=2, wall_seconds=1.2)),
        ([(0.5, Serving(calls=3, wall_seconds=0.5)), (0.7, told(0.6))], told(1.1, calls=4, wall_seconds=1.2)),
    ],
)
def test_several_calls_that_came_to_one_answer(
    parts: list[tuple[float, Serving | None]], expected: Serving | None
) -> None:
    assert joint_serving([prediction(seconds, serving) for seconds, serving in parts]) == expected


QUEUED = Serving(at_once=8, wall_seconds=4.0)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], None),
        ([prediction(0.0, None)], None),  # a floor
        ([prediction(0.2, None), prediction(0.4, None)], Timing(latency=pytest.approx(0.3), measured=2)),
        (
            [prediction(0.5, told(0.3, at_once=8, cached_tokens=5)), prediction(0.5, told(0.5, at_once=8))],
            Timing(latency=pytest.approx(0.4), measured=2, served=True, cached_tokens=5),
        ),
        (
            [prediction(0.5, QUEUED)] * 3,
            Timing(latency=None, measured=0, shared=4.0, at_once=8, served=True),
        ),
        (  # the first one had the server to itself
            [prediction(1.0, Serving(wall_seconds=1.0)), prediction(0.5, QUEUED)],
            Timing(latency=1.0, measured=1, shared=4.0, at_once=8, served=True),
        ),
        (  # of three of them nobody knows how many there were
            [prediction(0.8, UNTIMED)] * 3 + [prediction(0.2, Serving()), prediction(0.1, QUEUED)],
            Timing(latency=pytest.approx(0.2), measured=1, shared=pytest.approx(1.6), at_once=None, served=True),
        ),
        (  # of a failure its prompt was counted all the same, cached or not
            [prediction(9.0, told(8.0, cached_tokens=4), error="gone"), prediction(0.5, told(0.2, cached_tokens=3))],
            Timing(latency=0.2, measured=1, served=True, cached_tokens=7),
        ),
        (  # what failed tells nothing
            [prediction(9.0, None, error="gone"), prediction(0.5, told(0.2))],
            Timing(latency=0.2, measured=1, served=True),
        ),
    ],
)
def test_the_timing_of_a_cell(answers: list[Prediction], expected: Timing | None) -> None:
    assert timing_of(answers) == expected
