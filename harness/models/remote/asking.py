"""The calls of one cell to one server: in threads that nobody has to wait for, until each is answered or has failed."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from random import uniform

from harness.models.remote.allowance import Allowance
from harness.models.remote.call_error import BUSY, CallError
from harness.models.remote.outage import Outage
from harness.models.remote.pace import Pace, Turn
from harness.records.outputs import Completion, Serving

CAUSE_OF_ALL = 3  # calls that fail alike before any is answered: then so would the others
MOST_THREADS = 1_000  # whatever number of workers a suite names
CHECKED_EVERY = 1.0  # seconds after which what came is kept, once the server has shown that it is still the same
RATE_LIMITED = 429  # the status of a client that asks too often
RATE_LIMITS = 32  # refusals for that after which they are taken for the call's own
FINAL = frozenset((401, 403, 404, 405, 501))  # statuses that say the same to every call


@dataclass(eq=False, slots=True)
class Call:
    """One call, and how it has gone so far."""

    index: int
    failures: int = 0  # that were its own
    refusals: int = 0  # by a server that took others before the next attempt


@dataclass(kw_only=True)
class Asking:
    """Asks a server `count` calls by `make(index)`, which raises CallError.

    A call that fails by itself is repeated `retries` times and then unknown. While the server takes no calls at all,
    the run waits as long as its patience lasts. After three failures of one cause and no answer, nothing more is asked.
    """

    count: int
    make: Callable[[int], Completion]
    probe: Callable[[], object]  # a short call beside them; raises CallError
    pace: Pace
    outage: Outage
    retries: int
    describe: Callable[[CallError], str]  # a failure as people see it
    check_server: Callable[[], None]  # raises ModelError if the server is no longer the same
    allowance: Allowance = field(default_factory=Allowance)
    _pending: deque[Call] = field(init=False)
    _results: SimpleQueue[tuple[int, Completion] | BaseException] = field(init=False, default_factory=SimpleQueue)
    _stopped: threading.Event = field(init=False, default_factory=threading.Event)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _watch: threading.Lock = field(init=False, default_factory=threading.Lock)  # of the call that waits for the server
    _has_answered: bool = field(init=False, default=False)
    _causes: list[tuple[str, str]] = field(init=False, default_factory=list)  # before any answer: likeness, reason

    def completions(self) -> Iterator[tuple[int, Completion]]:
        """Each call's completion with its index, as they come. Raises ServerGoneError, ModelError."""
        self._pending = deque(Call(index) for index in range(self.count))
        for _ in range(min(self.pace.most, self.count, MOST_THREADS)):
            threading.Thread(target=self._work, daemon=True).start()
        arrived: list[tuple[int, Completion]] = []
        left, checked = self.count, time.monotonic()
        try:
            while left:
                came, failure = self._arrivals()
                arrived += came
                left -= len(came)
                is_due = not left or failure is not None or time.monotonic() - checked > CHECKED_EVERY
                if arrived and is_due:
                    self.check_server()
                    yield from arrived
                    arrived, checked = [], time.monotonic()
                if failure is not None:
                    raise failure
        finally:
            self._stopped.set()

    def _arrivals(self) -> tuple[list[tuple[int, Completion]], BaseException | None]:
        """What has come by now, after a moment of waiting for the first; and what ended a thread."""
        arrivals: list[tuple[int, Completion]] = []
        with suppress(Empty):
            result = self._results.get(timeout=CHECKED_EVERY)
            while not isinstance(result, BaseException):
                arrivals.append(result)
                result = self._results.get_nowait()
            return arrivals, result
        return arrivals, None

    def _work(self) -> None:
        try:
            while (call := self._ask_next()) is not None:
                if isinstance(call, tuple):
                    self._results.put(call)
        except BaseException as error:  # raised again where the results are read
            self._results.put(error)

    def _ask_next(self) -> tuple[int, Completion] | Call | None:
        """Make a call: its completion with its index, or the call, if it is to be made again; None at the end."""
        if (allowed := self.allowance.admit(self._stopped)) is None:
            return None
        with self.pace.turn(self._next) as place:
            if place is None:
                self.allowance.release(allowed)
                return None
            turn, call = place
            self.allowance.send(allowed)
            result = self._made(call, turn)
        self.allowance.settle(allowed, result.tokens_in + result.tokens_out if isinstance(result, Completion) else 0)
        while isinstance(result, CallError) and self._is_to_be_repeated_alone(call, result):
            with self.pace.turn(lambda: call, alone=True) as place:
                result = self._made(call, turn if place is None else place[0])
        if self._stopped.is_set():
            return None  # nobody waits for it any more
        completion = result if isinstance(result, Completion) else self._failed(call, result)
        return call if completion is None else (call.index, completion)

    def _next(self) -> Call | None:
        """The next call; the last one as the third, if the first two have failed: its cause may be another one."""
        with self._lock:
            if not self._pending or self._stopped.is_set():
                return None
            is_third = len(self._causes) == CAUSE_OF_ALL - 1 and not self._has_answered
            is_fresh = not self._pending[0].failures
            return self._pending.pop() if is_third and is_fresh else self._pending.popleft()

    def _made(self, call: Call, turn: Turn) -> Completion | CallError:
        if (cause := self._cause_of_all()) is not None:
            return _failed(f"not asked: the first {CAUSE_OF_ALL} calls failed alike: {cause}")
        began = time.monotonic()
        try:
            completion = self.make(call.index)
        except CallError as failure:
            if failure.blame == "silence" or (failure.status in BUSY and not self.outage.is_on):
                self.pace.overrun(turn)
            return failure
        self._has_answered = True
        self.outage.answered()
        serving = completion.serving or Serving()
        turn.compute_seconds = serving.compute_seconds
        self.pace.succeed(turn)
        serving = replace(serving, at_once=turn.at_once, wall_seconds=time.monotonic() - began)
        return replace(completion, seconds=self.pace.share_of(turn), serving=serving)

    def _is_to_be_repeated_alone(self, call: Call, failure: CallError) -> bool:
        """Whether its reply fell silent, perhaps because of the calls beside it."""
        call.failures += failure.blame == "silence"
        return failure.blame == "silence" and call.failures <= self.retries and not self._stopped.is_set()

    def _failed(self, call: Call, failure: CallError) -> Completion | None:
        """Unknown, for a failure that is the call's own; None for a call that is to be made again, after a pause."""
        if failure.takes_no_calls:
            return self._refused(call, failure)
        call.failures += failure.blame != "silence"
        if not failure.lasting and call.failures <= self.retries:
            pause = max(failure.wait, self.outage.pause * 2 ** (call.failures - 1) * uniform(0.8, 1.2))
            with nullcontext() if self._has_answered else self.pace.pause():
                self._rest(pause)
            self._put_back(call)
            return None
        if failure.blame == "call" and not self._has_answered:
            reason = self.describe(failure)
            self._causes.append((_likeness(failure, reason), reason))
        return _failed(self.describe(failure))

    def _refused(self, call: Call, failure: CallError) -> Completion | None:
        """The server took no call. Where it takes a short one, but this one again and again not, that is its own."""
        call.refusals += 1
        if call.refusals > (RATE_LIMITS if failure.status == RATE_LIMITED else max(1, self.retries)):
            return _failed(self.describe(failure))
        answers = self.outage.answers
        with self.pace.pause():
            if failure.status == RATE_LIMITED and call.refusals <= self.retries:
                self._rest(self.outage.refused(self.describe(failure), failure.wait))
            else:
                self._wait_for_server(failure, answers)
        self._put_back(call)
        return None

    def _wait_for_server(self, failure: CallError, answers: int) -> None:
        """Until it has answered more calls than these, or takes a short one. Raises ServerGoneError."""
        began, is_limited = time.monotonic(), failure.status == RATE_LIMITED
        with self._watch:
            self._wait(failure, answers)
        if is_limited:  # against which the short call counts, too
            self._rest(time.monotonic() - began)

    def _wait(self, failure: CallError, answers: int) -> None:
        while self.outage.answers == answers and not self._stopped.is_set():
            self._rest(self.outage.refused(self.describe(failure), failure.wait))
            try:
                self.probe()
            except CallError as problem:
                if problem.takes_no_calls:
                    failure = problem
                    continue
            self.outage.answered()  # or refused for what it was asked: it is there

    def _rest(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _put_back(self, call: Call) -> None:
        """Behind all others; before them while nothing was answered: perhaps nothing is."""
        with self._lock:
            if self._has_answered:
                self._pending.append(call)
            else:
                self._pending.appendleft(call)

    def _cause_of_all(self) -> str | None:
        """Why no call would be answered; None while that is not known."""
        causes = self._causes
        is_known = not self._has_answered and len(causes) >= CAUSE_OF_ALL and len({like for like, _ in causes}) == 1
        return causes[0][1] if is_known else None


def _failed(reason: str) -> Completion:
    return Completion(text="", finish="error", error=reason)


def _likeness(failure: CallError, reason: str) -> str:
    """What failures of one cause share: a telling status, else their words without numbers and identifiers."""
    return str(failure.status) if failure.status in FINAL else re.sub(r"[\w-]*\d[\w-]*", "#", reason)
