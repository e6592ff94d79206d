"""The calls of a cell to one server: its speed, its outages, and what is a call's own failure. Times are real."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from harness.errors import ModelError, ServerGoneError
from harness.models.remote.allowance import Allowance
from harness.models.remote.asking import Asking
from harness.models.remote.call_error import CallError
from harness.models.remote.outage import Outage
from harness.models.remote.pace import Pace, Workers
from harness.records.outputs import Completion, Serving

SECOND = 0.05  # what a second of the issue lasts here


class Server:
    """Answers `parallel` calls at once, each within a second, however many are sent."""

    def __init__(self, parallel: int, tells: bool = False) -> None:
        self.places = threading.Semaphore(parallel)
        self.tells = tells
        self.most = 0  # calls in flight, at most
        self.in_flight = 0
        self.lock = threading.Lock()

    @contextmanager
    def visited(self) -> Iterator[None]:
        with self.lock:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        try:
            with self.places:
                yield
        finally:
            with self.lock:
                self.in_flight -= 1

    def __call__(self, index: int) -> Completion:
        with self.visited():
            time.sleep(SECOND)
        return Completion(text=str(index), serving=Serving(compute_seconds=SECOND) if self.tells else None)


def asking(make: Callable[[int], Completion], count: int, workers: Workers = "auto", **changes: object) -> Asking:
    settings = {"patience": 1.0, "retries": 2, "check": lambda: None, "most": None, "probe": None} | changes
    return Asking(
        count=count,
        make=make,
        probe=settings["probe"] or (lambda: make(count - 1)),  # type: ignore[arg-type]
        pace=Pace(workers, settings["most"]),  # type: ignore[arg-type]
        outage=Outage("the server", settings["patience"], 0.01, lambda reason: None),  # type: ignore[arg-type]
        retries=settings["retries"],  # type: ignore[arg-type]
        describe=str,
        check_server=settings["check"],  # type: ignore[arg-type]
    )


def completions(work: Asking) -> list[Completion]:
    by_index = dict(work.completions())
    assert sorted(by_index) == list(range(work.count))
    return [by_index[index] for index in range(work.count)]


# -- at the server's speed ------------------------------------------------------------------------------------------------


def timed(server: Server, workers: Workers, count: int = 40) -> tuple[float, list[Completion]]:
    began = time.monotonic()
    answers = completions(asking(server, count, workers))
    return (time.monotonic() - began) / SECOND, answers


@pytest.mark.parametrize("workers", ["auto", 8, 1])
def test_a_serial_server_is_no_slower_for_its_queue(workers: Workers) -> None:
    """The bar: 40 items of a second each in at most 44 seconds, all answered."""
    seconds, answers = timed(Server(1), workers)
    assert seconds <= 44
    assert [answer.text for answer in answers] == [str(index) for index in range(40)]


@pytest.mark.parametrize("workers", ["auto", 8])
def test_a_server_of_eight_at_once_is_used(workers: Workers) -> None:
    """The bar: at least six times as fast as one worker, who needs 40 seconds."""
    seconds, _ = timed(Server(8), workers)
    assert seconds <= 40 / 6


@pytest.mark.parametrize(
    ("parallel", "level"), [(1, 1), (2, 8), (4, 8), (8, 8), (9, 16), (16, 16), (24, 32), (500, 32)]
)
def test_the_pace_ends_where_more_calls_gain_nothing(parallel: int, level: int) -> None:
    """A server that answers so many calls a second at most, by a clock of its own: 1, 8, 16, 32 are tried."""
    now = [0.0]
    pace = Pace("auto", clock=lambda: now[0])
    for _ in range(200):
        now[0] += 1 / min(pace.level, parallel)
        with pace.turn(lambda: True) as place:
            assert place is not None
            pace.succeed(place[0])
    assert pace.level == level


class Clocked:
    """A pace and a server that answers `parallel` calls of a second at once, by a clock of their own."""

    def __init__(self, workers: Workers, parallel: int) -> None:
        self.now = 0.0
        self.pace = Pace(workers, clock=lambda: self.now)
        self.parallel = parallel

    def answer(self, count: int, seconds: float = 1.0) -> int:
        """The level after so many calls."""
        for _ in range(count):
            self.now += seconds / min(self.pace.level, self.parallel)
            with self.pace.turn(lambda: True) as place:
                assert place is not None
                self.pace.succeed(place[0])
        return self.pace.level

    def fail(self, times: int) -> int:
        for _ in range(times):
            with self.pace.turn(lambda: True) as place:
                assert place is not None
                self.pace.overrun(place[0])
        return self.pace.level

    def stand_still(self, seconds: float) -> None:
        with self.pace.pause():
            self.now += seconds


@pytest.mark.parametrize(("parallel", "level"), [(1, 1), (8, 8), (16, 16)])
def test_a_short_first_call_is_no_last_word(parallel: int, level: int) -> None:
    """One call of an eighth of the usual length makes eight at once look no better; later they are tried again."""
    server = Clocked("auto", parallel)
    server.answer(1, seconds=0.12)
    assert server.answer(8) == 1
    assert server.answer(400) == level


@pytest.mark.parametrize(("parallel", "level"), [(1, 1), (8, 8), (16, 16)])
def test_an_outage_is_no_sign_of_speed(parallel: int, level: int) -> None:
    """The time that the server was gone, while eight at once were tried, does not count against them."""
    server = Clocked("auto", parallel)
    server.answer(5)
    server.stand_still(60)
    assert server.answer(70) == level


@pytest.mark.parametrize(("workers", "level"), [("auto", 8), (6, 6), (8, 8)])
def test_what_was_overrun_is_given_more_again(workers: Workers, level: int) -> None:
    server = Clocked(workers, 8)
    assert server.answer(40) == level
    assert server.fail(1) == level // 2
    assert server.fail(5) == 1
    assert server.answer(600) == level


@pytest.mark.parametrize(("workers", "level"), [("auto", 8), (6, 6), (1, 1)])
def test_a_server_that_was_busy_before_its_first_answer_is_not_held_to_one(workers: Workers, level: int) -> None:
    """As llama.cpp's is while it loads its model."""
    server = Clocked(workers, 8)
    assert server.fail(3) == 1
    assert server.answer(40) == level


def test_what_a_server_tells_bounds_the_pace() -> None:
    server = Server(4)
    completions(asking(server, 20, most=4))
    assert server.most == 4


def test_the_time_to_load_a_model_is_no_sign_of_speed() -> None:
    """The first call takes ten seconds more: then eight at once look faster, if the server's own time is not heeded."""
    now = [0.0]
    levels = []
    for compute_seconds in (None, 1.0):
        pace = Pace("auto", clock=lambda: now[0])
        for number in range(40):
            with pace.turn(lambda: True) as place:
                assert place is not None
                now[0] += 11.0 if number == 0 else 1.0
                place[0].compute_seconds = compute_seconds
                pace.succeed(place[0])
        levels.append(pace.level)
    assert levels == [8, 1]


@pytest.mark.parametrize(("parallel", "workers"), [(1, 8), (8, 8), (1, 1), (8, "auto")])
def test_the_calls_share_the_wall_time(parallel: int, workers: Workers) -> None:
    """However many ran at the same time, their seconds add up to what the cell took."""
    seconds, answers = timed(Server(parallel), workers, 16)
    assert sum(answer.seconds for answer in answers) / SECOND == pytest.approx(seconds, rel=0.15, abs=0.5)
    serving = [answer.serving or Serving() for answer in answers]
    assert serving[0].at_once == 1  # the first call goes alone
    assert max(entry.at_once for entry in serving) == (1 if workers == 1 else 8)
    longest = max(entry.wall_seconds or 0.0 for entry in serving) / SECOND
    assert longest > 7 if (parallel, workers) == (1, 8) else longest < 3


@pytest.mark.parametrize("status", [429, 503])
def test_an_overrun_server_gets_half_as_many(status: int) -> None:
    server = Server(4)
    refused: list[int] = []

    def call(index: int) -> Completion:
        with server.visited():
            if server.in_flight > 4:
                refused.append(index)
                raise CallError("slow down", lasting=False, status=status)
            time.sleep(SECOND)
        return Completion(text="x")

    work = asking(call, 40)
    assert all(answer.finish == "stop" for answer in completions(work))
    assert refused
    assert work.pace.level == 4


def test_a_reply_that_fell_silent_is_repeated_alone() -> None:
    """A server that slows down under load answers each call by itself."""
    server, alone = Server(8), []

    def call(index: int) -> Completion:
        with server.visited():
            beside = server.in_flight
            time.sleep(SECOND)
            if index % 5 == 4 and beside > 1:
                raise CallError("fell silent", lasting=False, blame="silence")
            if index % 5 == 4:
                alone.append(index)
        return Completion(text="x")

    assert all(answer.finish == "stop" for answer in completions(asking(call, 20, 4)))
    assert sorted(alone) == [4, 9, 14, 19]


# -- outages --------------------------------------------------------------------------------------------------------------

GONE = CallError("connection refused", lasting=False, blame="server")


def test_a_server_that_comes_back_loses_no_call() -> None:
    asked = [0]
    back = []

    def call(index: int) -> Completion:
        asked[0] += 1
        if asked[0] > 7 and (not back or time.monotonic() < back[0]):
            back.append(time.monotonic() + 0.3) if not back else None
            raise GONE
        return Completion(text=str(index))

    work = asking(call, 60, 8)
    assert [answer.text for answer in completions(work)] == [str(index) for index in range(60)]


def test_a_server_that_stays_away_interrupts_the_run() -> None:
    """What came before is handed out first, so that it is kept."""

    def call(index: int) -> Completion:
        if index >= 7:
            raise GONE
        return Completion(text=str(index))

    began = time.monotonic()
    kept: list[int] = []
    with pytest.raises(
        ServerGoneError, match=r"the server: connection refused: no call was taken for 0\.3 s, so the run is"
    ):
        kept.extend(index for index, _ in asking(call, 60, 8, patience=0.3).completions())
    assert time.monotonic() - began < 2
    assert sorted(kept) == list(range(7))


@pytest.mark.parametrize("failure", [GONE, CallError("busy", lasting=False, status=503)])
@pytest.mark.parametrize("place", [0, 5, 19])
def test_a_call_that_a_living_server_refuses_is_unknown_by_itself(failure: CallError, place: int) -> None:
    """Wherever it stands: first, in the middle, or last with no other call left to be asked."""

    def call(index: int) -> Completion:
        if index == place:
            raise failure
        return Completion(text="x")

    answers = completions(asking(call, 20, patience=30.0, probe=lambda: None))
    assert [index for index, answer in enumerate(answers) if answer.finish == "error"] == [place]


@pytest.mark.parametrize("status", [None, 503, 504])
@pytest.mark.parametrize(("places", "workers"), [((3, 8), 1), ((0, 1, 2), 1), ((17, 18, 19), 2), (range(20), 4)])
def test_several_calls_that_a_living_server_refuses_are_unknown(
    places: Sequence[int], workers: Workers, status: int | None
) -> None:
    """No other is left to be asked at last, as in a run that is resumed: a short call shows that the server is there."""

    def call(index: int) -> Completion:
        if index in places:
            raise GONE if status is None else CallError("busy", lasting=False, status=status)
        return Completion(text="x")

    work = asking(call, 20, workers, patience=30.0, probe=lambda: None)
    answers = completions(work)
    assert [index for index, answer in enumerate(answers) if answer.finish == "error"] == list(places)


class Limited:
    """A server that takes `most` calls in a window of `seconds`, however many are in flight."""

    def __init__(self, most: int, seconds: float, wait: float) -> None:
        self.most, self.seconds, self.wait = most, seconds, wait
        self.asked = 0
        self._began = time.monotonic()
        self._taken = 0
        self._lock = threading.Lock()

    def __call__(self, index: int) -> Completion:
        with self._lock:
            self.asked += 1
            if time.monotonic() - self._began > self.seconds:
                self._began, self._taken = time.monotonic(), 0
            self._taken += 1
            if self._taken > self.most:
                raise CallError("too many requests", lasting=False, status=429, wait=self.wait)
        return Completion(text="x")


@pytest.mark.parametrize("workers", ["auto", 8, 1])
@pytest.mark.parametrize(("most", "wait"), [(10, 0.0), (10, 0.1), (1, 0.0), (3, 0.02)])
def test_a_rate_limit_makes_nothing_unknown(most: int, wait: float, workers: Workers) -> None:
    server = Limited(most, 0.1, wait)
    count = min(50, 12 * most)
    answers = completions(asking(server, count, workers, patience=30.0))
    assert {answer.finish for answer in answers} == {"stop"}
    assert server.asked < count + count / most * 10  # nobody storms a server that asks for patience


def test_a_call_beyond_a_rate_limit_is_unknown_by_itself() -> None:
    """As one is that has more tokens than a minute allows."""

    def call(index: int) -> Completion:
        if index == 3:
            raise CallError("request too large", lasting=False, status=429)
        return Completion(text="x")

    answers = completions(asking(call, 20, patience=30.0, probe=lambda: None))
    assert [index for index, answer in enumerate(answers) if answer.finish == "error"] == [3]


@pytest.mark.parametrize("failure", [GONE, CallError("busy", lasting=False, status=503)])
def test_a_server_that_is_gone_is_not_stormed(failure: CallError) -> None:
    """After the calls that were in flight one at a time is tried, each after as long again as it has lasted."""
    asked = [0]

    def call(index: int) -> Completion:
        asked[0] += 1
        if index >= 7:
            raise failure
        return Completion(text="x")

    with pytest.raises(ServerGoneError):
        completions(asking(call, 60, 8, patience=1.5, probe=lambda: call(59)))
    assert asked[0] < 40


def test_calls_that_nobody_waits_for_say_nothing() -> None:
    """The run has ended; its connections are closed under the calls that are still in flight."""
    said: list[str] = []
    closed = threading.Event()

    def call(index: int) -> Completion:
        if index:
            closed.wait(5)
            raise GONE
        return Completion(text="x")

    work = asking(call, 8, 8, patience=30.0)
    work.outage = Outage("the server", 30.0, 2.0, said.append)
    results = work.completions()
    next(results)
    results.close()
    closed.set()
    time.sleep(0.2)
    assert said == []


def test_a_passing_failure_is_repeated_and_a_lasting_one_is_not() -> None:
    asked: list[int] = []

    def call(index: int) -> Completion:
        asked.append(index)
        if index == 1:
            raise CallError("fell over", lasting=False, status=500)
        if index == 2:
            raise CallError("no such option", lasting=True, status=400)
        return Completion(text="x")

    answers = completions(asking(call, 4))
    assert [answer.error for answer in answers] == [None, "fell over", "no such option", None]
    assert sorted(asked) == [0, 1, 1, 1, 2, 3]


# -- causes that meet every call ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["auto", 8])
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, '"m" does not support thinking'),
        (401, "bad key (request 81f3)"),
        (404, "no such model"),
        (None, "the reply is larger than 64 MB"),
    ],
)
def test_what_meets_every_call_is_asked_three_times(status: int | None, reason: str, workers: Workers) -> None:
    asked: list[int] = []

    def call(index: int) -> Completion:
        asked.append(index)
        raise CallError(f"{reason} #{index}", lasting=True, status=status)

    answers = completions(asking(call, 60, workers))
    assert sorted(asked) == [0, 1, 59]  # the last one, because its cause may be another
    assert sum(str(answer.error).startswith("not asked: the first 3 calls failed alike") for answer in answers) == 57
    assert all(reason in str(answer.error) for answer in answers)


@pytest.mark.parametrize("reason", ["model runner has stopped", "out of memory at 0x7f31", "no space left"])
def test_what_meets_every_call_as_a_passing_failure_ends_it_too(reason: str) -> None:
    asked: list[int] = []

    def call(index: int) -> Completion:
        asked.append(index)
        raise CallError(f"{reason} #{index}", lasting=False, status=500)

    answers = completions(asking(call, 500))
    assert len(asked) == 9  # three calls, three times
    assert all(reason in str(answer.error) for answer in answers)


@pytest.mark.parametrize(
    "failure",
    [
        lambda index: CallError("does not fit num_ctx 512", lasting=True, status=400, blame="prompt"),
        lambda index: CallError(f"{'abcde'[index]} is refused", lasting=True, status=400),
    ],
)
def test_failures_of_several_causes_stop_nothing(failure: Callable[[int], CallError]) -> None:
    def call(index: int) -> Completion:
        if index < 4:
            raise failure(index)
        return Completion(text="x")

    answers = completions(asking(call, 9))
    assert [answer.finish for answer in answers] == ["error"] * 4 + ["stop"] * 5


# -- the same server to the end -------------------------------------------------------------------------------------------


def test_nothing_is_kept_of_a_server_that_has_changed() -> None:
    def changed() -> None:
        raise ModelError("the server is another version now")

    with pytest.raises(ModelError, match="another version"):
        next(asking(lambda index: Completion(text="x"), 3, check=changed).completions())


def test_whatever_else_goes_wrong_is_raised() -> None:
    def call(index: int) -> Completion:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        completions(asking(call, 3))


# -- at the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 4, 8])
def test_calls_that_break_when_the_run_has_stopped_are_no_outage(workers: int) -> None:
    """The server has changed: the run stops, and closes its connections under the calls in flight."""
    closed, notes, broken = threading.Event(), [], threading.Semaphore(0)

    def make(index: int) -> Completion:
        if index < 2:
            return Completion(text="x")
        closed.wait(5)
        broken.release()
        raise CallError("ReadError: [Errno 9] Bad file descriptor", lasting=False, blame="server")

    def check() -> None:
        raise ModelError("its digest is another one now")

    work = asking(make, 2 * workers, workers, check=check)
    work.outage = Outage("the server", 1.0, 0.01, notes.append)
    with pytest.raises(ModelError, match="another one now"):
        list(work.completions())
    closed.set()
    assert broken.acquire(timeout=5)
    time.sleep(0.05)
    assert notes == []


@pytest.mark.parametrize("workers", [1, 8])
def test_a_cell_keeps_to_its_allowance(workers: int) -> None:
    moments: list[float] = []
    lock = threading.Lock()

    def call(index: int) -> Completion:
        with lock:
            moments.append(time.monotonic())
        return Completion(text=str(index), tokens_in=10, tokens_out=5)

    limited = asking(call, 12, workers)
    limited.allowance = Allowance(calls=4, minute=0.2)
    assert sorted(int(answer.text) for answer in completions(limited)) == list(range(12))
    windows = [sum(begin <= moment < begin + 0.19 for moment in moments) for begin in moments]
    assert max(windows) <= 4
