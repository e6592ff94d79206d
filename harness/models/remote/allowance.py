"""What a service allows a client within a minute: so many calls, and so many tokens of prompts and replies."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MINUTE = 60.0  # seconds
LONGEST_REST = 1.0  # seconds after which is looked again whether a place is free


@dataclass(eq=False, slots=True)
class Place:
    """A call's place within the minute."""

    tokens: float  # estimated until the call has ended
    moment: float | None = None  # when it was sent; None: it is about to be


class Allowance:
    """Keeps calls within limits of any minute. One for each model; None is no limit.

    A call counts from when it is sent until a minute later. Its tokens are those of the calls so far, on average, until
    it is known how many they are. A call that alone is more than a limit is sent when no other counts.
    """

    def __init__(
        self,
        calls: int | None = None,
        tokens: int | None = None,
        minute: float = MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.calls, self.tokens = calls, tokens
        self._minute, self._clock = minute, clock
        self._lock = threading.Lock()
        self._places: list[Place] = []
        self._ended, self._used = 0, 0  # calls, and their tokens

    def admit(self, stopped: threading.Event) -> Place | None:
        """Wait until a further call is allowed, and take its place; None where the work was stopped meanwhile."""
        if self.calls is None and self.tokens is None:
            return None if stopped.is_set() else Place(0.0)
        while not stopped.is_set():
            with self._lock:
                seconds = self._wait()
                if not seconds:
                    place = Place(self._mean)
                    self._places.append(place)
                    return place
            stopped.wait(min(seconds, LONGEST_REST))
        return None

    def send(self, place: Place) -> None:
        """The call is sent now."""
        with self._lock:
            place.moment = self._clock()

    def settle(self, place: Place, tokens: int) -> None:
        """The call has ended and took so many tokens."""
        with self._lock:
            place.tokens = tokens
            self._ended += 1
            self._used += tokens

    def release(self, place: Place) -> None:
        """The call is not made."""
        with self._lock:
            if place in self._places:
                self._places.remove(place)

    @property
    def _mean(self) -> float:
        """Tokens of a call so far."""
        return self._used / self._ended if self._ended else 0.0

    def _wait(self) -> float:
        """Seconds until a further call may be allowed; 0 where it is now."""
        now = self._clock()
        self._places = [own for own in self._places if own.moment is None or now - own.moment < self._minute]
        is_full = (self.calls is not None and len(self._places) >= self.calls) or (
            self.tokens is not None and sum(own.tokens for own in self._places) + self._mean > self.tokens
        )
        if not is_full or not self._places:
            return 0.0
        sent = [own.moment for own in self._places if own.moment is not None]
        return max(min(sent) + self._minute - now, 1e-3) if sent else self._minute / 100
