"""What several threads report of their work at once, as one piece of work on one display."""

import threading
from collections.abc import Sequence

from harness.components.display import Display


class SharedDisplay:
    """The display of a run while several pieces of work go on: their calls are counted together."""

    def __init__(self, display: Display, title: str) -> None:
        self.display, self.lock = display, threading.RLock()
        display.begin(title)

    def show(self, places: Sequence[str]) -> None:
        """What each process does."""
        with self.lock:
            self.display.spread(places)


class PieceDisplay(Display):
    """The display of one of these pieces."""

    def __init__(self, shared: SharedDisplay) -> None:
        self._shared = shared
        self._title = ""

    def begin(self, title: str) -> None:
        self._title = title

    def expect(self, calls: int) -> None:
        with self._shared.lock:
            self._shared.display.expect(calls)

    def advance(self, done: int, tokens: int = 0) -> None:
        with self._shared.lock:
            self._shared.display.advance(done, tokens)

    def recall(self, done: int) -> None:
        with self._shared.lock:
            self._shared.display.recall(done)

    def lose(self, calls: int) -> None:
        with self._shared.lock:
            self._shared.display.lose(calls)

    def spend(self, money: float, currency: str) -> None:
        with self._shared.lock:
            self._shared.display.spend(money, currency)

    def finish(self, summary: str) -> None:
        self.note(f"{self._title}: {summary}")

    def wait(self, reason: str) -> None:
        with self._shared.lock:
            self._shared.display.wait(reason)

    def note(self, text: str) -> None:
        with self._shared.lock:
            self._shared.display.note(text)
