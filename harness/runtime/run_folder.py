"""A run is a folder of plain files; each stage reads what the stage before wrote, and can run again alone."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from harness.errors import HarnessError, InterruptionError, StoreError
from harness.records.decisions import Latency
from harness.records.figures import Overlap
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction, Score
from harness.records.summary import Summary
from harness.runtime.answered_items import answered_items
from harness.runtime.progress_file import PROGRESS, ProgressFile
from harness.runtime.record_files import RecordFiles
from harness.runtime.whole_files import PARTIAL, writing

RESULTS = (
    "samples.jsonl",
    "predictions.jsonl",
    "overlaps.jsonl",
    "latency.jsonl",
    "scores.jsonl",
    "judgements.jsonl",
    "summary.json",
    "report.html",
)
LOCK = ".lock"
PATIENCE = 0.3  # seconds: so long may somebody look whether the folder is locked


class RunFolder(RecordFiles):
    """Typed access to the files of one run. Every write is complete or absent, never half.

    run.json           what the result depends on: suite, data, models, versions, hardware
    samples.jsonl      the items, so that the folder can be read without the data source
    predictions.jsonl  every variant's answer with the messages as sent
    overlaps.jsonl     which test items also stand in what models learn from or look up
    latency.jsonl      how long one request takes by itself, by variant
    scores.jsonl       every metric's value and reason
    judgements.jsonl   everything that judges said, where there are any
    summary.json       the figures
    report.html        the page
    .progress.json     how far it is, while it goes on
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.progress = ProgressFile(path, lambda content: self.redaction.redact_bytes(content))

    def create(self) -> None:
        """Make the folder. Raises StoreError when it cannot be written, or holds what no run wrote."""
        self.refuse_foreign()
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".writable.{os.getpid()}.partial"
            probe.touch()
            probe.unlink()

    def refuse_foreign(self) -> None:
        """Raise StoreError for a folder that is neither empty nor a run: nothing that others wrote is ever replaced."""
        with writing(self.path):
            names = {file.name for file in self.path.iterdir()} if self.path.is_dir() else set()
        for name in ("run.json", *RESULTS, LOCK):
            self.refuse_strange(name)
        if not self._is_run() and any(name not in (LOCK, PROGRESS) and not PARTIAL.fullmatch(name) for name in names):
            raise StoreError(f"{self.path} is not empty and holds no run; choose a new or empty folder with --out")

    def _is_run(self) -> bool:
        """Whether run.json is one that `harness run` wrote."""
        try:
            record = self.read_run()
        except StoreError:
            return False
        return "status" in record and all(isinstance(record["suite"].get(part), str) for part in ("name", "text"))

    def read_run(self) -> dict[str, JSON]:
        """The content of run.json. Raises StoreError when the folder is not a run."""
        try:
            content: JSON = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except OSError as error:
            raise StoreError(f"{self.path}: not a run folder ({error}); name one made by `harness run`") from error
        except ValueError as error:
            raise StoreError(
                f"{self.path / 'run.json'} is no whole JSON: it was cut or changed ({error}); copy the folder again, "
                "or make it again"
            ) from error
        if not isinstance(content, dict) or not isinstance(content.get("suite"), dict):
            raise StoreError(f"{self.path}: its run.json was not written by `harness run`; delete the folder")
        return content

    def clear(self) -> None:
        """Remove what an earlier run left; run.json stays until it is replaced."""
        for name in RESULTS:
            self.remove(name)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder and hold it for a run. A run that is refused before it has finished anything leaves none."""
        made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        self.create()
        with self.locked():
            is_new = not self._is_run()
            self.clear_partials()
            try:
                with self.progress.opened():
                    yield
            except HarnessError as error:
                if is_new and not isinstance(error, InterruptionError) and not self._has_results():
                    self._discard(made)
                raise

    def _has_results(self) -> bool:
        try:
            record = self.read_run()
        except StoreError:
            return False
        return any(record.get(part) for part in ("training", "indexes", "cells"))

    def _discard(self, made: Sequence[Path]) -> None:
        """Remove what a run wrote, and the folders that it made, as far as nobody else put anything there."""
        with suppress(OSError, StoreError):
            for name in ("run.json", *RESULTS, LOCK):
                self.remove(name)
            for path in made:
                path.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process. Raises StoreError while another run writes to it."""
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout as error:
            raise StoreError(f"another run is writing to {self.path}; wait for it or choose another --out") from error
        try:
            yield
        finally:
            lock.release()

    def is_locked(self) -> bool:
        """Whether another process is writing here. Only looks: nothing is made, and no run is refused for it."""
        if not (self.path / LOCK).is_file():
            return False
        if sys.platform == "win32":
            return self._is_refused()
        import fcntl  # a module that Windows lacks

        try:
            with (self.path / LOCK).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a place that may not be read, or knows no locks
            return False
        return False

    def _is_refused(self) -> bool:
        try:
            with self.locked():
                return False
        except StoreError:
            return True

    def write_run(self, content: dict[str, JSON]) -> None:
        """Write run.json."""
        self.write_text("run.json", json.dumps(content, ensure_ascii=False, indent=1))

    def samples(self) -> list[Sample]:
        """All items, in task order."""
        return self.read_lines("samples.jsonl", Sample)

    def answered(self, at_hand: Iterable[Sample]) -> Iterator[tuple[Sample, Prediction]]:
        """All predictions in cell order, each with its item; only some of them are held at once. Raises StoreError.

        `at_hand` are the run's items as far as the process holds them already, in the order of the file.
        """
        return answered_items(self, at_hand)

    def predictions(self) -> list[Prediction]:
        """All predictions, in cell order."""
        return self.read_lines("predictions.jsonl", Prediction)

    def overlaps(self) -> list[Overlap]:
        """What test items share with what models learn from or look up; empty in runs from before that was checked."""
        return self.read_lines("overlaps.jsonl", Overlap) if (self.path / "overlaps.jsonl").is_file() else []

    def latencies(self) -> list[Latency]:
        """How long one request takes by itself; empty in runs of before, and where none was timed."""
        return self.read_lines("latency.jsonl", Latency) if (self.path / "latency.jsonl").is_file() else []

    def scores(self) -> list[Score]:
        """All scores, in cell order."""
        return self.read_lines("scores.jsonl", Score)

    def stream_samples(self) -> Iterator[Sample]:
        """All items, in task order; only some of them are held at once, here and below."""
        return self.stream_lines("samples.jsonl", Sample)

    def stream_predictions(self) -> Iterator[Prediction]:
        """All predictions, in cell order."""
        return self.stream_lines("predictions.jsonl", Prediction)

    def stream_scores(self) -> Iterator[Score]:
        """All scores, in cell order."""
        return self.stream_lines("scores.jsonl", Score)

    def judgements(self) -> list[Judgement]:
        """What judges said; empty in runs without any."""
        return self.read_lines("judgements.jsonl", Judgement) if (self.path / "judgements.jsonl").is_file() else []

    def summary(self) -> Summary:
        """The figures."""
        return self.parse("summary.json", 1, (self.content("summary.json")), Summary)

    def finished(self) -> FinishedRun:
        """All that a report is made of. Raises StoreError when an earlier stage has not been run."""
        return FinishedRun(
            run=self.read_run(),
            summary=self.summary(),
            samples=self.samples(),
            predictions=self.predictions(),
            scores=self.scores(),
        )

    def write_report(self, page: str) -> Path:
        """Write report.html."""
        return self.write_text("report.html", page)

    def write_samples(self, samples: Iterable[Sample]) -> None:
        """Write samples.jsonl."""
        self.write_lines("samples.jsonl", samples, Sample)

    def write_predictions(self, predictions: Iterable[Prediction]) -> None:
        """Write predictions.jsonl."""
        self.write_lines("predictions.jsonl", predictions, Prediction)

    def write_overlaps(self, overlaps: Iterable[Overlap]) -> None:
        """Write overlaps.jsonl."""
        self.write_lines("overlaps.jsonl", overlaps, Overlap)

    def write_latencies(self, latencies: Sequence[Latency]) -> None:
        """Write latency.jsonl, or remove it where nothing was timed."""
        if latencies:
            self.write_lines("latency.jsonl", latencies, Latency)
        else:
            self.remove("latency.jsonl")

    def write_scores(self, scores: Iterable[Score]) -> None:
        """Write scores.jsonl."""
        self.write_lines("scores.jsonl", scores, Score)

    def write_judgements(self, judgements: Sequence[Judgement]) -> None:
        """Write judgements.jsonl, or remove it where there are none."""
        if judgements:
            self.write_lines("judgements.jsonl", judgements, Judgement)
        else:
            self.remove("judgements.jsonl")

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json."""
        self.write_text("summary.json", TypeAdapter(Summary).dump_json(summary, indent=1).decode())
