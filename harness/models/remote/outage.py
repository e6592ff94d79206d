"""An outage: waiting for a server that takes no calls: it may be restarted, loading a model, or overrun."""

import threading
import time
from collections.abc import Callable
from random import uniform

SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 15.0  # seconds between two attempts


class Outage:
    """How long a server has taken no calls, and how long that is borne. One for each model."""

    def __init__(self, seconds: float, pause: float, say: Callable[[str], None]) -> None:
        """`pause`: seconds before the first further attempt. `say` gets what is waited for, or an empty text."""
        self.seconds, self.pause, self._say = seconds, pause, say
        self.answers = 0  # calls that were answered so far
        self._since: float | None = None  # the server has taken no calls since then, by time.monotonic
        self._lock = threading.Lock()

    def answered(self) -> None:
        """A call was answered: the server lives."""
        with self._lock:
            self.answers += 1
            was_waiting, self._since = self._since is not None, None
        if was_waiting:
            self._say("")

    def refused(self, reason: str, wait: float) -> float | None:
        """The server took no call; returns the seconds to wait before the next, None when patience is over.

        `wait`: seconds that the server asked for.
        """
        with self._lock:
            now = time.monotonic()
            self._since = now if self._since is None else self._since
            gone = now - self._since
        if gone >= self.seconds:
            return None
        self._say(f"{reason}; asking again, {gone:.0f} of at most {self.seconds:g} s")
        pause = min(LONGEST_PAUSE, max(self.pause, gone, SHORTEST_PAUSE))  # as long again as it has lasted
        return min(max(wait, pause * uniform(0.8, 1.2)), self.seconds - gone)
