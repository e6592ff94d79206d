"""What every model behind a server has: secrets that nobody sees, bounded retries, and patience with its server."""

import random
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import ClassVar, TypeVar

from pydantic import Field, PrivateAttr

from harness.components.display import Display
from harness.components.model import Model
from harness.models.remote.call_clock import CallClock, SignsOfLife
from harness.models.remote.call_error import CallError
from harness.models.remote.outage import Outage
from harness.text.inert import inert_line
from harness.text.redaction import Redaction

REASON_EXCERPT = 300  # characters

T = TypeVar("T")


class HostedModel(Model):
    """Base of models behind a server."""

    prefix: ClassVar[str] = ""  # of what is said about a failed call

    retries: int = Field(2, ge=0)
    """Further attempts after a passing failure."""
    pause: float = Field(1.0, ge=0)
    """Seconds before the first retry, doubled each time."""
    timeout: float = Field(300.0, gt=0)
    """Seconds that a reply may fall silent, and that a connection may take."""
    longest: float = Field(3600.0, gt=0)
    """Seconds for one whole reply; waiting in the server's queue is no part of it."""
    patience: float = Field(600.0, ge=0)
    """Seconds that a run waits for a server that takes no calls."""
    _display: Display = PrivateAttr(default_factory=Display)

    def report_to(self, display: Display) -> None:
        self._display = display

    @property
    @abstractmethod
    def address(self) -> str:
        """Where its server is, as the suite writes it."""

    def still_the_same(self) -> None:
        """Raise ModelError if what answers is no longer what the run began with; a server that is gone says nothing."""

    def close(self) -> None:
        if "_client" in self.__dict__:
            self.__dict__.pop("_client").close()

    def mentions(self) -> Mapping[str, str]:
        """What no message shows: the values of all variables of the environment that the model's fields name."""
        return {}

    def redaction(self) -> Redaction:
        """Keeps this model's secrets out of what its server says."""
        return Redaction(self.secrets(), self.mentions())

    def failure_text(self, failure: CallError) -> str:
        """A failure as people see it: no secret, nothing that moves a cursor, not too long."""
        return inert_line(self.redaction().redact_message(str(failure)))[:REASON_EXCERPT]

    def ask(self, call: Callable[[], T]) -> T:
        """What one request gives; asked again while its failure may pass, or its server takes no calls.

        Raises CallError for a failure that lasts, ServerGoneError when patience with the server is over.
        """
        from harness.models.remote.transport import timed_call

        failures = 0
        while True:
            try:
                with timed_call(CallClock(self.timeout, self.longest, self._signs), self.prefix):
                    reply = call()
            except CallError as failure:
                problem = failure
            else:
                self._outage.answered()
                return reply
            if problem.takes_no_calls:
                time.sleep(self._outage.refused(self.failure_text(problem), problem.wait))
                continue
            failures += 1
            if problem.lasting or failures > self.retries:
                raise problem
            time.sleep(max(problem.wait, self.pause * 2 ** (failures - 1) * random.uniform(0.8, 1.2)))

    @cached_property
    def _outage(self) -> Outage:
        return Outage(self.address, self.patience, self.pause, lambda reason: self._display.wait(reason))

    @cached_property
    def _signs(self) -> SignsOfLife:
        return SignsOfLife()
