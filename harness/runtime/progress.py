"""Progress of long work: one live display on a terminal, plain lines elsewhere."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live as LiveRegion
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from harness.components.display import Display
from harness.records.run_overviews import RunProgress
from harness.runtime.progress_text import log_line, piece_facts, run_facts
from harness.runtime.work_state import WorkState

BAR_WIDTH = 40  # characters, at most
SEPARATOR = " · "


class Lines(WorkState):
    """Plain lines for logs: when a piece of work ends, and every half minute between."""

    interval = 30.0

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self.noted = 0.0

    def begin(self, title: str) -> None:
        super().begin(title)
        self.noted = time.monotonic()

    def advance(self, done: int, tokens: int = 0) -> None:
        super().advance(done, tokens)
        self.pulse()

    def pulse(self) -> None:
        now = time.monotonic()
        if self.title and now - self.noted >= self.interval:
            self.noted = now
            self.note(log_line(self.progress()))

    def finish(self, summary: str) -> None:
        self.note(f"{self.title}: {summary}")
        super().finish(summary)
        self.title = ""

    def wait(self, reason: str) -> None:
        now = time.monotonic()
        if reason and (not self.reason or now - self.noted >= self.interval):
            self.noted = now
            self.note(f"{self.title}: waiting: {reason}")
        elif self.reason and not reason:
            self.note(f"{self.title}: goes on")
        super().wait(reason)

    def note(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


class Live(WorkState):
    """One region at the foot of a terminal; what is finished stands above it, a line a piece."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self.region = LiveRegion(
            console=console, get_renderable=self._drawn, refresh_per_second=4, transient=True, redirect_stderr=False
        )

    def finish(self, summary: str) -> None:
        line = f"{self.title}: {summary}"
        super().finish(summary)
        self.title = ""
        self.region.refresh()  # empties it: what is printed above draws it again
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, style="dim")

    def _drawn(self) -> RenderableType:
        return progress_region(self.progress(), self.console.width) if self.title else Text("")


def progress_region(progress: RunProgress, width: int) -> RenderableType:
    """The work, a bar where it is known how much it is, and the facts, in lines of at most `width` characters."""
    lines: list[RenderableType] = [Text(progress.work, "bold", no_wrap=True, overflow="ellipsis")]
    if progress.total:
        bar = min(BAR_WIDTH, width)
        drawn = ProgressBar(total=progress.total, completed=progress.done, width=bar, complete_style="green")
        lines.append(Padding(drawn, 0))  # ends its line, which a bar does not
    facts = (*packed(piece_facts(progress), width), *packed(run_facts(progress), width))
    return Group(*lines, *(Text(line, no_wrap=True, overflow="ellipsis") for line in facts))


def packed(facts: Iterator[str], width: int) -> Iterator[str]:
    """The facts in as few lines of this width as hold them."""
    line = ""
    for fact in facts:
        joined = f"{line}{SEPARATOR}{fact}" if line else fact
        if line and len(joined) > width:
            yield line
            joined = fact
        line = joined
    if line:
        yield line


@contextmanager
def display(console: Console) -> Iterator[Display]:
    """The display that suits the console: lines where nobody watches, which is so where CI is set, too."""
    if not console.is_terminal or console.is_dumb_terminal or is_automated():
        yield Lines(console)
        return
    live = Live(console)
    with live.region:
        yield live


def is_automated() -> bool:
    """Whether this is a job of a build service, as the variable CI says."""
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")
