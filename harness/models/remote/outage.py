"""An outage: waiting for a server that takes no calls: it may be restarted, loading a model, or overrun."""

import threading
import time
from collections.abc import Callable
from random import uniform

from harness.errors import ServerGoneError

SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 15.0  # seconds between two attempts
WORTH_SAYING = 1.5  # seconds that the work stands still


class Outage:
    """How long a server has taken no calls, and how long that is borne. One for each model."""

    def __init__(self, server: str, seconds: float, pause: float, say: Callable[[str], None]) -> None:
        """`pause`: seconds before the first further attempt. `say` gets what is waited for, or an empty text."""
        self.server, self.seconds, self.pause, self._say = server, seconds, pause, say
        self.answers = 0  # calls that were answered so far
        self._since: float | None = None  # the server has taken no calls since then, by time.monotonic
        self._is_told = False
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether the last that was heard of the server is that it takes no calls."""
        return self._since is not None

    def answered(self) -> None:
        """A call was answered: the server lives."""
        with self._lock:
            self.answers += 1
            self._since = None
            if self._is_told:
                self._say("")
            self._is_told = False

    def refused(self, reason: str, wait: float) -> float:
        """The server took no call; returns the seconds to wait before the next.

        `wait`: seconds that the server asked for. Raises ServerGoneError when patience is over.
        """
        with self._lock:
            now = time.monotonic()
            self._since = now if self._since is None else self._since
            gone = now - self._since
            pause = min(LONGEST_PAUSE, max(self.pause, gone, SHORTEST_PAUSE))  # as long again as it has lasted
            pause = min(max(wait, pause * uniform(0.8, 1.2)), self.seconds - gone)
            self._is_told = self._is_told or gone + pause >= WORTH_SAYING
            if self._is_told and gone < self.seconds:
                self._say(f"{gone:.0f} of at most {self.seconds:g} s for {self.server}: {reason.rstrip('.')}")
        if gone >= self.seconds:
            raise ServerGoneError(
                f"{self.server}: {reason.rstrip('.')}: no call was taken for {self.seconds:g} s, so the run is "
                "interrupted; what was answered is kept: run the same command again when the server takes calls"
            )
        return pause
