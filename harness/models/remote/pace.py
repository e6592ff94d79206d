"""How many calls a server is given at once, and what each of them took of the time.

Some servers answer one call after the other, whatever they are sent: more calls only wait in their queue. Others answer
many at once. Which of them it is shows in the throughput.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

T = TypeVar("T")
Workers = int | Literal["auto"]

LEAP = 8  # calls at once that are tried after one
MOST = 32  # calls at once, when the pace is found by itself
GROWTH = 1.1  # what more calls at once must gain in throughput
CALM = 64  # answers after which more calls at once are tried again; then twice as many, and so on


@dataclass(eq=False, slots=True)
class Turn:
    """One call in flight; filled in while it is."""

    level: int  # calls at once that the pace allowed when it began
    at_once: int = 1  # calls in flight, itself included, at most
    seconds: float = 0.0  # its share of the wall time, of which every call in flight has as much at any moment
    compute_seconds: float | None = None  # by its server's own account; to be set by the caller


class Pace:
    """Lets so many calls through as the server can use. One for each model; what it has learnt stays.

    With a number, that many, once the first call has shown that the server answers. With "auto", one, then LEAP, then
    twice as many as long as the throughput grows; half of them when the server is overrun. Both are no last word: the
    first calls may have been longer than most, the server busy with others.
    """

    def __init__(self, workers: Workers, most: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`most`: calls that the server can take at once, where it tells."""
        self._clock = clock
        self.is_auto = workers == "auto"
        self.most = min(MOST, most or MOST) if workers == "auto" else int(workers)
        self.level = 1
        self._is_settled = False
        self._calm = CALM
        self._best: tuple[int, float] | None = None  # a level and its throughput, in calls a second
        self._began = clock()  # of the level
        self._done = 0  # calls at the level
        self._active: list[Turn] = []
        self._barriers = 0  # calls that wait to be alone, or are; and pauses
        self._moment = clock()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, take: Callable[[], T | None], alone: bool = False) -> Iterator[tuple[Turn, T] | None]:
        """Wait for a place, and take the call to be made there; None where none is left.

        alone: a place without any other call beside it.
        """
        with self._changed:
            self._barriers += alone
            self._changed.wait_for(lambda: self._has_place(alone))
            call = take()
            if call is not None:
                turn = Turn(self.level)
                self._enter(turn)
        try:
            yield None if call is None else (turn, call)
        finally:
            with self._changed:
                if call is not None:
                    self._share()
                    self._active.remove(turn)
                self._barriers -= alone
                self._changed.notify_all()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """No call begins inside the block, which is left out of the throughput."""
        with self._changed:
            self._barriers += 1
        try:
            yield
        finally:
            with self._changed:
                self._barriers -= 1
                self._began, self._done = self._clock(), 0
                self._changed.notify_all()

    def _enter(self, turn: Turn) -> None:
        self._share()
        self._active.append(turn)
        for other in self._active:
            other.at_once = max(other.at_once, len(self._active))

    def share_of(self, turn: Turn) -> float:
        """The seconds that a call in flight has taken so far, of the wall time that all of them share."""
        with self._changed:
            self._share()
            return turn.seconds

    def succeed(self, turn: Turn) -> None:
        """A call was answered: perhaps more of them at once are."""
        with self._changed:
            self._done += 1
            if self._is_settled:
                self._look_again()
            elif not self.is_auto:
                self._is_settled = True
                self._set(self.most)
            elif self._done >= self.level:
                seconds = self._clock() - self._began
                if self.level == 1 and turn.compute_seconds:
                    seconds = turn.compute_seconds * self._done  # without the time to load the model
                self._judge(self._done / max(seconds, 1e-9))

    def overrun(self, turn: Turn) -> None:
        """The server refused a call, or fell silent on it: half as many, until it was calm for a while."""
        with self._changed:
            if self.level > 1:
                self._is_settled = True
                self._set(min(self.level, max(1, turn.level // 2)))

    def _look_again(self) -> None:
        """After a calm while, try more calls at once."""
        if self.level < self.most and self._done >= self._calm:
            self._calm *= 2
            self._best = (self.level, self._done / max(self._clock() - self._began, 1e-9))
            self._is_settled = not self.is_auto
            self._set(self._more)

    @property
    def _more(self) -> int:
        return min(LEAP if self.level == 1 else self.level * 2, self.most)

    def _judge(self, throughput: float) -> None:
        """Go on to more calls at once, or back to the level before."""
        if self._best is not None and throughput < self._best[1] * GROWTH:
            self._is_settled = True
            self._set(self._best[0])
            return
        self._best = (self.level, throughput)
        self._is_settled = self.level >= self.most
        self._set(self._more)

    def _set(self, level: int) -> None:
        if level != self.level:
            self.level, self._began, self._done = level, self._clock(), 0
            self._changed.notify_all()

    def _has_place(self, alone: bool) -> bool:
        if alone:
            return not self._active
        return self._barriers == 0 and len(self._active) < self.level

    def _share(self) -> None:
        """Give every call in flight its part of the time since the last change."""
        now = self._clock()
        for turn in self._active:
            turn.seconds += (now - self._moment) / len(self._active)
        self._moment = now
