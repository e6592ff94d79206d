"""What long work reports its progress to."""

from harness.records.inputs import Cell


class Display:
    """What the run reports to: cells with done/total, tokens/s and time left. This base shows nothing."""

    def start(self, cell: Cell) -> None:
        """A cell begins."""
        self.begin(f"{cell.task} × {cell.variant}")

    def schedule(self, pieces: int) -> None:
        """That many pieces of work follow, e.g. all cells."""

    def begin(self, title: str) -> None:
        """A piece of work begins."""

    def expect(self, calls: int) -> None:
        """That many more model calls, or steps of training, belong to the current piece of work."""

    def advance(self, done: int, tokens: int = 0) -> None:
        """Some model calls of the current cell are done, having generated `tokens` tokens."""

    def finish(self, summary: str) -> None:
        """The current cell is done."""

    def wait(self, reason: str) -> None:
        """The work stands still for a reason, e.g. a server that is gone; an empty one: it goes on."""

    def note(self, text: str) -> None:
        """Something worth a line: a model is loading, a download runs."""
