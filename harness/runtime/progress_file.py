"""How far a run is, for whoever looks into its folder: a small file that is there only while the run goes on."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from harness.components.display import Display
from harness.records.run_overviews import RunProgress

PROGRESS = ".progress.json"
INTERVAL = 1.0  # seconds between two writes, at the least


class ProgressFile:
    """The file of one run folder. It is no part of the run's record: where it cannot be written, it is not."""

    def __init__(self, folder: Path, redact: Callable[[bytes], bytes]) -> None:
        """`redact` keeps secrets out of what is written."""
        self.path = folder / PROGRESS
        self._redact = redact
        self._lock = threading.Lock()
        self._is_open = False

    @contextmanager
    def opened(self) -> Iterator[None]:
        """While the folder is this process's own: before and after, nothing is written."""
        self._is_open = True
        try:
            yield
        finally:
            with self._lock:
                self._is_open = False
                with suppress(OSError):
                    self.path.unlink(missing_ok=True)

    def write(self, progress: RunProgress) -> None:
        """Replace the file, so that no reader ever sees half of one."""
        with self._lock, suppress(OSError):
            if self._is_open and not self.path.is_symlink():
                partial = self.path.with_name(f"{PROGRESS}.{os.getpid()}.partial")
                content = json.dumps(asdict(progress)).encode()
                partial.write_bytes(self._redact(content))
                partial.replace(self.path)


class RecordedDisplay(Display):
    """Passes everything on to another display, and keeps what it says of the progress."""

    def __init__(self, display: Display) -> None:
        self.display = display
        self.work = self.reason = ""
        self.done = self.total = self.tokens = self.finished = 0
        self.pieces: int | None = None
        self.began = time.monotonic()

    def progress(self) -> RunProgress:
        """As it is at this moment."""
        elapsed = time.monotonic() - self.began
        return RunProgress(
            work=self.work,
            done=self.done,
            total=self.total,
            rate=round(self.tokens / elapsed, 1) if self.tokens and elapsed > 0 else None,
            reason=self.reason,
            finished=self.finished,
            pieces=self.pieces,
            left=round(elapsed / self.done * (self.total - self.done), 1) if 0 < self.done <= self.total else None,
        )

    def schedule(self, pieces: int) -> None:
        self.finished, self.pieces = 0, pieces
        self.display.schedule(pieces)

    def begin(self, title: str) -> None:
        if self.pieces is not None and self.finished >= self.pieces:
            self.pieces = None  # all that was announced is done: this is something else
        self.work, self.done, self.total, self.tokens, self.began = title, 0, 0, 0, time.monotonic()
        self.display.begin(title)

    def expect(self, calls: int) -> None:
        self.total += calls
        self.display.expect(calls)

    def advance(self, done: int, tokens: int = 0) -> None:
        self.done += done
        self.tokens += tokens
        self.display.advance(done, tokens)

    def finish(self, summary: str) -> None:
        self.finished += 1
        self.display.finish(summary)

    def wait(self, reason: str) -> None:
        self.reason = reason
        self.display.wait(reason)

    def note(self, text: str) -> None:
        self.display.note(text)


@contextmanager
def recorded(display: Display, file: ProgressFile) -> Iterator[Display]:
    """The display, whose progress is also written to the file, at most once a second and only when it has changed."""
    recorder, is_over = RecordedDisplay(display), threading.Event()

    def keep() -> None:
        written = None
        while not is_over.wait(INTERVAL):
            if (progress := recorder.progress()) != written:
                file.write(progress)
                written = progress

    thread = threading.Thread(target=keep, name="progress", daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        is_over.set()
        thread.join()
