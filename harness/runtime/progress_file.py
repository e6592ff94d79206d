"""How far a run is, for whoever looks into its folder: a small file that is there only while the run goes on."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from harness.components.display import Display
from harness.records.run_overviews import RunProgress
from harness.records.work_pieces import WorkPiece
from harness.runtime.work_state import WorkState

PROGRESS = ".progress.json"
SIGN_OF_LIFE = 10.0  # seconds after which the file of a run that has nothing new is written again
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


class RecordedDisplay(WorkState):
    """Passes everything on to another display, and keeps what it says of the progress."""

    def __init__(self, display: Display) -> None:
        super().__init__()
        self.display = display

    def enter(self, stage: str) -> None:
        super().enter(stage)
        self.display.enter(stage)

    def schedule(self, pieces: Sequence[WorkPiece]) -> None:
        super().schedule(pieces)
        self.display.schedule(pieces)

    def begin(self, title: str) -> None:
        super().begin(title)
        self.display.begin(title)

    def expect(self, calls: int) -> None:
        super().expect(calls)
        self.display.expect(calls)

    def advance(self, done: int, tokens: int = 0) -> None:
        super().advance(done, tokens)
        self.display.advance(done, tokens)

    def recall(self, done: int) -> None:
        self.recalled += done
        super().advance(done)
        self.display.recall(done)

    def lose(self, calls: int) -> None:
        super().lose(calls)
        self.display.lose(calls)

    def spend(self, money: float, currency: str) -> None:
        super().spend(money, currency)
        self.display.spend(money, currency)

    def pulse(self) -> None:
        self.display.pulse()

    def finish(self, summary: str) -> None:
        super().finish(summary)
        self.display.finish(summary)

    def wait(self, reason: str) -> None:
        super().wait(reason)
        self.display.wait(reason)

    def spread(self, places: Sequence[str]) -> None:
        super().spread(places)
        self.display.spread(places)

    def note(self, text: str) -> None:
        self.display.note(text)


@contextmanager
def recorded(display: Display, file: ProgressFile) -> Iterator[Display]:
    """The display, whose progress is also written to the file, at most once a second and only when there is news."""
    recorder, is_over = RecordedDisplay(display), threading.Event()

    def keep() -> None:
        written, seconds = None, 0.0
        while not is_over.wait(INTERVAL):
            recorder.pulse()
            seconds += INTERVAL
            if recorder.place() != written or seconds >= SIGN_OF_LIFE:
                written, seconds = recorder.place(), 0.0
                file.write(recorder.progress())

    thread = threading.Thread(target=keep, name="progress", daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        is_over.set()
        thread.join()
