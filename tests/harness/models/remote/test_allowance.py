"""Calls and tokens within any minute stay below what a service allows. The clock is the test's own."""

import threading
from dataclasses import dataclass, field

import pytest

from harness.models.remote.allowance import Allowance


@dataclass
class Clock:
    """Time goes on by what is waited for."""

    now: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.stopped.wait = self.wait  # type: ignore[method-assign]

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


@pytest.mark.parametrize(
    ("calls", "tokens", "each", "sent"),
    [
        (None, None, 500, [0, 0, 0, 0, 0, 0]),
        (2, None, 500, [0, 0, 60, 60, 120, 120]),
        (4, None, 500, [0, 0, 0, 0, 60, 60]),
        # a call takes 400: two of them are 800, a third would be 1,200
        (None, 1000, 400, [0, 0, 60, 60, 120, 120]),
        (3, 1000, 400, [0, 0, 60, 60, 120, 120]),
        (1, 1000, 400, [0, 60, 120, 180, 240, 300]),
        # a call alone is more than the limit
        (None, 1000, 1500, [0, 60, 120, 180, 240, 300]),
    ],
)
def test_calls_wait_for_their_minute(calls: int | None, tokens: int | None, each: int, sent: list[float]) -> None:
    clock = Clock()
    allowance = Allowance(calls, tokens, clock=lambda: clock.now)
    moments = []
    for _ in sent:
        place = allowance.admit(clock.stopped)
        assert place is not None
        allowance.send(place)
        moments.append(clock.now)
        allowance.settle(place, each)
    assert moments == pytest.approx(sent, abs=0.01)


def test_calls_in_flight_count_with_what_calls_took() -> None:
    clock = Clock()
    allowance = Allowance(tokens=1000, clock=lambda: clock.now)
    places = []
    for _ in range(4):
        place = allowance.admit(clock.stopped)
        assert place is not None
        allowance.send(place)
        if not places:
            allowance.settle(place, 300)  # the others are still in flight: 300 + 2 × 300, and a fourth has to wait
        places.append(clock.now)
    assert places == pytest.approx([0, 0, 0, 60], abs=0.01)


def test_a_place_that_is_not_used_is_free() -> None:
    clock = Clock()
    allowance = Allowance(calls=1, clock=lambda: clock.now)
    for _ in range(3):
        place = allowance.admit(clock.stopped)
        assert place is not None
        allowance.release(place)
    assert clock.now == 0


def test_work_that_was_stopped_waits_for_nothing() -> None:
    stopped = threading.Event()
    allowance = Allowance(calls=1)
    assert allowance.admit(stopped) is not None
    stopped.set()
    assert allowance.admit(stopped) is None
