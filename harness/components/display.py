"""What long work reports its progress to."""

from collections.abc import Sequence

from harness.records.inputs import Cell
from harness.records.work_pieces import WorkPiece


class Display:
    """What the run reports to: cells with done/total, tokens/s and time left. This base shows nothing."""

    def start(self, cell: Cell) -> None:
        """A cell begins."""
        self.begin(f"{cell.task} × {cell.variant}")

    def enter(self, stage: str) -> None:
        """A stage begins."""

    def schedule(self, pieces: Sequence[WorkPiece]) -> None:
        """These pieces of work follow, e.g. all cells; what was announced before and has not begun, does not."""

    def begin(self, title: str) -> None:
        """A piece of work begins."""

    def expect(self, calls: int) -> None:
        """That many more model calls, or steps of training, belong to the current piece of work."""

    def advance(self, done: int, tokens: int = 0) -> None:
        """Some model calls of the current cell are done, having generated `tokens` tokens."""

    def recall(self, done: int) -> None:
        """Some model calls of the current cell were answered before: they are done at once."""
        self.advance(done)

    def lose(self, calls: int) -> None:
        """Some model calls failed; they are counted as done, too."""

    def spend(self, money: float, currency: str) -> None:
        """The work has cost so much more."""

    def pulse(self) -> None:
        """About a second has passed, whether or not there is anything new."""

    def finish(self, summary: str) -> None:
        """The current cell is done."""

    def wait(self, reason: str) -> None:
        """The work stands still for a reason, e.g. a server that is gone; an empty one: it goes on."""

    def spread(self, places: Sequence[str]) -> None:
        """What each process of a cluster does at present; empty: the work goes on in this one."""

    def note(self, text: str) -> None:
        """Something worth a line: a model is loading, a download runs."""
