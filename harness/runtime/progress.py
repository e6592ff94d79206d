"""Progress of long work: one live display on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harness.components.display import Display
from harness.text.excerpts import shortened

REASON_LENGTH = 60  # characters of why the work stands still, beside a bar


class Lines(Display):
    """Plain lines for logs: when a cell starts and ends, and every half minute between."""

    interval = 30.0

    def __init__(self, console: Console) -> None:
        self.console = console
        self.title = ""
        self.total = self.done = self.tokens = 0
        self.began = self.noted = 0.0
        self.reason = ""  # why the work stands still

    def begin(self, title: str) -> None:
        self.title, self.total, self.done, self.tokens = title, 0, 0, 0
        self.began = self.noted = time.monotonic()

    def expect(self, calls: int) -> None:
        self.total += calls

    def advance(self, done: int, tokens: int = 0) -> None:
        self.done += done
        self.tokens += tokens
        now = time.monotonic()
        if now - self.noted >= self.interval:
            self.noted = now
            rate = self.tokens / (now - self.began)
            left = (now - self.began) / self.done * (self.total - self.done) if self.done else 0
            self.note(f"{self.title}: {self.done}/{self.total}, {rate:.0f} tokens/s, about {left:.0f} s left")

    def finish(self, summary: str) -> None:
        self.note(f"{self.title}: {summary}")

    def wait(self, reason: str) -> None:
        now = time.monotonic()
        if reason and (not self.reason or now - self.noted >= self.interval):
            self.noted = now
            self.note(f"{self.title}: waiting: {reason}")
        elif self.reason and not reason:
            self.note(f"{self.title}: goes on")
        self.reason = reason

    def note(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


class Live(Display):
    """A bar a cell on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task: TaskID | None = None
        self.tokens = self.total = 0
        self.began = 0.0
        self.reason = ""  # why the work stands still

    def begin(self, title: str) -> None:
        self.tokens, self.total, self.began = 0, 0, time.monotonic()
        self.task = self.progress.add_task(title, total=None, rate="")

    def expect(self, calls: int) -> None:
        if self.task is not None:
            self.total += calls
            self.progress.update(self.task, total=self.total)

    def advance(self, done: int, tokens: int = 0) -> None:
        if self.task is not None:
            self.tokens += tokens
            elapsed = time.monotonic() - self.began
            rate = f"{self.tokens / elapsed:.0f} tokens/s" if elapsed > 0 and self.tokens else ""
            self.progress.update(self.task, advance=done, rate=self._waiting or rate)

    def finish(self, summary: str) -> None:
        if self.task is not None:
            self.progress.update(self.task, rate=summary, completed=self.progress.tasks[self.task].total)

    def wait(self, reason: str) -> None:
        self.reason = reason
        if self.task is not None:
            self.progress.update(self.task, rate=self._waiting)

    @property
    def _waiting(self) -> str:
        return f"waiting: {shortened(self.reason, REASON_LENGTH)}" if self.reason else ""

    def note(self, text: str) -> None:
        self.progress.console.print(text, highlight=False, markup=False, style="dim")


@contextmanager
def display(console: Console) -> Iterator[Display]:
    """The display that suits the console."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        yield Live(progress)
