"""How far work is, kept from what a run reports: of the piece that goes on, and of the whole run."""

import time
from collections.abc import Iterator, Sequence

from harness.components.display import Display
from harness.records.run_overviews import RunProgress
from harness.records.work_pieces import WorkPiece


class WorkState(Display):
    """A display that counts. `recall`ed calls are done at once: they say nothing about how fast the others go."""

    def __init__(self) -> None:
        self.stage = self.title = self.reason = ""
        self.done = self.total = self.tokens = self.finished = self.failed = 0
        self.recalled = 0
        self.pieces: int | None = None
        self.cost: float | None = None
        self.currency = ""
        self.places: tuple[str, ...] = ()
        self.began = time.monotonic()
        self._piece = WorkPiece(title="")
        self._pending: list[WorkPiece] = []
        self._measured: dict[str, tuple[float, int]] = {}  # by source: seconds, calls that were made in them

    def progress(self) -> RunProgress:
        """As it is at this moment."""
        elapsed = time.monotonic() - self.began
        computed = self.done - self.recalled
        left = None
        if computed > 0 and self.done <= self.total and elapsed > 0:
            left = elapsed / computed * (self.total - self.done)
        left_run, unknown = self._left_run(elapsed, left)
        return RunProgress(
            stage=self.stage,
            work=self.title,
            done=self.done,
            total=self.total,
            rate=round(self.tokens / elapsed, 1) if self.tokens and elapsed > 0 else None,
            item_rate=round(computed / elapsed, 2) if computed > 0 and elapsed > 0 else None,
            reason=self.reason,
            finished=self.finished,
            pieces=self.pieces,
            left=None if left is None else round(left, 1),
            left_run=None if left_run is None else round(left_run, 1),
            unknown_pieces=unknown,
            failed=self.failed,
            cost=self.cost,
            currency=self.currency,
            places=self.places,
        )

    def place(self) -> tuple[object, ...]:
        """Where it is, without how fast: equal as long as nothing has happened."""
        return self.stage, self.title, self.done, self.total, self.finished, self.failed, self.reason, self.places

    def enter(self, stage: str) -> None:
        self.stage = stage
        self._count_pieces()

    def schedule(self, pieces: Sequence[WorkPiece]) -> None:
        self._pending = list(pieces)
        self._count_pieces()

    def begin(self, title: str) -> None:
        if self.pieces is not None and self.finished >= self.pieces:
            self.pieces = None  # all that was announced is done: this is something else
        announced = next((piece for piece in self._pending if (piece.stage, piece.title) == (self.stage, title)), None)
        if announced is not None:
            self._pending.remove(announced)
        self._piece = announced or WorkPiece(title=title, stage=self.stage)
        self.title, self.done, self.total, self.tokens, self.recalled = title, 0, 0, 0, 0
        self.began = time.monotonic()

    def expect(self, calls: int) -> None:
        self.total += calls

    def advance(self, done: int, tokens: int = 0) -> None:
        self.done += done
        self.tokens += tokens

    def recall(self, done: int) -> None:
        self.recalled += done
        self.advance(done)

    def lose(self, calls: int) -> None:
        self.failed += calls

    def spend(self, money: float, currency: str) -> None:
        self.cost, self.currency = (self.cost or 0.0) + money, currency

    def finish(self, summary: str) -> None:
        self.finished += 1
        if (computed := self.done - self.recalled) > 0:
            seconds, calls = self._measured.get(self._piece.source, (0.0, 0))
            own = seconds + time.monotonic() - self.began, calls + computed
            self._measured[self._piece.source] = own
        self._piece = WorkPiece(title="")

    def wait(self, reason: str) -> None:
        self.reason = reason

    def spread(self, places: Sequence[str]) -> None:
        self.places = tuple(places)

    def _count_pieces(self) -> None:
        self.finished = 0
        self.pieces = len([piece for piece in self._pending if piece.stage == self.stage]) or None

    def _left_run(self, elapsed: float, left: float | None) -> tuple[float | None, int]:
        """Seconds until all that was announced is done, and the pieces of which that is not known; None: of none."""
        if not self._pending and not self._piece.title:
            return left, 0
        estimates = [*self._current(left), *(self._estimate(piece, elapsed) for piece in self._pending)]
        estimable = [seconds for seconds in estimates if seconds is not None]
        unknown = len(estimates) - len(estimable)
        seconds = sum(estimable)
        return (None if unknown and not seconds else seconds), unknown

    def _current(self, left: float | None) -> Iterator[float | None]:
        if self._piece.title:
            yield 0.0 if left is None and self.total and self.done >= self.total else left

    def _estimate(self, piece: WorkPiece, elapsed: float) -> float | None:
        """Seconds of a piece that has not begun."""
        if piece.calls is None:
            return None
        seconds, calls = self._measured.get(piece.source, (0.0, 0))
        if piece.source == self._piece.source:
            seconds, calls = seconds + elapsed, calls + self.done - self.recalled
        pace = seconds / calls if calls else piece.seconds_a_call
        return None if pace is None else piece.calls * pace
