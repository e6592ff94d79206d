"""How long one call to a server may take, measured from the first sign that it is worked on."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class SignsOfLife:
    """When anything last came back from a server, on whichever call."""

    def __init__(self) -> None:
        self.last = -math.inf  # by time.monotonic

    def show(self) -> None:
        """Something came back now."""
        self.last = time.monotonic()


class CallClock:
    """One call's time: its server may let it wait; once its reply flows it must neither fall silent nor go on for ever.

    `silence` and `longest` are seconds. Before the first byte of the reply the call may be in a queue, which counts as
    waiting only while nothing comes back on any other call either.
    """

    def __init__(self, silence: float, longest: float, signs: SignsOfLife) -> None:
        self.silence, self.longest, self._signs = silence, longest, signs
        self.begin()

    def begin(self) -> None:
        """A request was sent: a call may look something up before, whose reply is not the call's."""
        self._began = self._last = time.monotonic()
        self._first: float | None = None

    @property
    def has_begun(self) -> bool:
        """Whether any part of the reply came."""
        return self._first is not None

    def flow(self) -> None:
        """A part of the reply came."""
        self._last = time.monotonic()
        self._first = self._last if self._first is None else self._first
        self._signs.show()

    def left(self) -> float:
        """Seconds until the call has to end, if nothing more comes; negative when they are over."""
        return self._end() - time.monotonic()

    def verdict(self) -> str:
        """Why the call ended, in words for people."""
        if self._first is None:
            return f"no reply within {self.longest:g} s; raise longest if it needs more"
        if self._first + self.longest <= self._last + self.silence:
            return f"the reply was not complete after {self.longest:g} s; raise longest if it needs more"
        return f"the reply fell silent for {self.silence:g} s; raise timeout if it needs more"

    def _end(self) -> float:
        if self._first is None:
            return max(self._began, self._signs.last) + self.longest
        return min(self._last + self.silence, self._first + self.longest)


CLOCK: ContextVar[CallClock | None] = ContextVar("clock of the call", default=None)


@contextmanager
def running(clock: CallClock | None) -> Iterator[None]:
    """What this thread exchanges inside the block is timed by the clock; by none of them with None."""
    token = CLOCK.set(clock)
    try:
        yield
    finally:
        CLOCK.reset(token)
