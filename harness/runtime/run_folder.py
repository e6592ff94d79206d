"""A run is a folder of plain files; each stage reads what the stage before wrote, and can run again alone."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from harness.errors import HarnessError, StoreError
from harness.records.figures import Overlap, Summary
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction, Score

RESULTS = (
    "samples.jsonl",
    "predictions.jsonl",
    "overlaps.jsonl",
    "scores.jsonl",
    "judgements.jsonl",
    "summary.json",
    "report.html",
)
LOCK = ".lock"
PARTIAL = re.compile(r"\.[\w.]+\.\d+\.partial")  # what a killed run leaves of a file that it was writing

T = TypeVar("T")
_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Sample, Prediction, Overlap, Score, Judgement, Summary)
}


class RunFolder:
    """Typed access to the files of one run. Every write is complete or absent, never half.

    run.json           what the result depends on: suite, data, models, versions, hardware
    samples.jsonl      the items, so that the folder can be read without the data source
    predictions.jsonl  every variant's answer with the messages as sent
    overlaps.jsonl     which test items also stand in what models learn from or look up
    scores.jsonl       every metric's value and reason
    judgements.jsonl   everything that judges said, where there are any
    summary.json       the figures
    report.html        the page
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: dict[str, tuple[int, list[Any]]] = {}  # records written here need not be parsed again

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
            self._refuse_strange(name)
        if not self._is_run() and any(name != LOCK and not PARTIAL.fullmatch(name) for name in names):
            raise StoreError(f"{self.path} is not empty and holds no run; choose a new or empty folder with --out")

    def _is_run(self) -> bool:
        """Whether run.json is one that `harness run` wrote."""
        try:
            record = self.read_run()
        except StoreError:
            return False
        return "status" in record and all(isinstance(record["suite"].get(part), str) for part in ("name", "text"))

    def _refuse_strange(self, name: str) -> None:
        file = self.path / name
        if file.is_symlink() or (file.exists() and not file.is_file()):
            kind = "a link" if file.is_symlink() else "no plain file"
            raise StoreError(f"{file} is {kind}, which no run writes; move it away or choose another folder with --out")

    def read_run(self) -> dict[str, JSON]:
        """The content of run.json. Raises StoreError when the folder is not a run."""
        try:
            content: JSON = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.path}: not a run folder ({error}); name one made by `harness run`") from error
        if not isinstance(content, dict) or not isinstance(content.get("suite"), dict):
            raise StoreError(f"{self.path}: its run.json was not written by `harness run`; delete the folder")
        return content

    def clear(self) -> None:
        """Remove what an earlier run left; run.json stays until it is replaced."""
        self._written.clear()
        for name in RESULTS:
            self._remove(name)

    def clear_partials(self) -> None:
        """Remove the halves of files that a killed run left. The folder must be locked: nobody else is writing here."""
        with writing(self.path):
            for file in list(self.path.iterdir()):
                if PARTIAL.fullmatch(file.name) and file.is_file() and not file.is_symlink():
                    file.unlink(missing_ok=True)

    def _remove(self, name: str) -> None:
        self._refuse_strange(name)
        with writing(self.path):
            (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder and hold it for a run. A run that is refused before it has finished anything leaves none."""
        made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        self.create()
        with self.locked():
            is_new = not self._is_run()
            self.clear_partials()
            try:
                yield
            except HarnessError:
                if is_new and not self._has_results():
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
                self._remove(name)
            for path in made:
                path.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process. Raises StoreError while another run writes to it."""
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreError(f"another run is writing to {self.path}; wait for it or choose another --out") from error
        try:
            yield
        finally:
            lock.release()

    def is_locked(self) -> bool:
        """Whether another process is writing here."""
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
        return self._read_lines("samples.jsonl", Sample)

    def predictions(self) -> list[Prediction]:
        """All predictions, in cell order."""
        return self._read_lines("predictions.jsonl", Prediction)

    def overlaps(self) -> list[Overlap]:
        """What test items share with what models learn from or look up; empty in runs from before that was checked."""
        return self._read_lines("overlaps.jsonl", Overlap) if (self.path / "overlaps.jsonl").is_file() else []

    def scores(self) -> list[Score]:
        """All scores, in cell order."""
        return self._read_lines("scores.jsonl", Score)

    def judgements(self) -> list[Judgement]:
        """What judges said; empty in runs without any."""
        return self._read_lines("judgements.jsonl", Judgement) if (self.path / "judgements.jsonl").is_file() else []

    def summary(self) -> Summary:
        """The figures."""
        return self._parse("summary.json", 1, (self._bytes("summary.json")), Summary)

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
        self._write_lines("samples.jsonl", samples, Sample)

    def write_predictions(self, predictions: Iterable[Prediction]) -> None:
        """Write predictions.jsonl."""
        self._write_lines("predictions.jsonl", predictions, Prediction)

    def write_overlaps(self, overlaps: Iterable[Overlap]) -> None:
        """Write overlaps.jsonl."""
        self._write_lines("overlaps.jsonl", overlaps, Overlap)

    def write_scores(self, scores: Iterable[Score]) -> None:
        """Write scores.jsonl."""
        self._write_lines("scores.jsonl", scores, Score)

    def write_judgements(self, judgements: Sequence[Judgement]) -> None:
        """Write judgements.jsonl, or remove it where there are none."""
        if judgements:
            self._write_lines("judgements.jsonl", judgements, Judgement)
        else:
            self._remove("judgements.jsonl")

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json."""
        self.write_text("summary.json", _ADAPTERS[Summary].dump_json(summary, indent=1).decode())

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of the run, whole or not at all."""
        return self._replace(name, [text.encode("utf-8")])

    def _write_lines(self, name: str, records: Iterable[T], kind: type[T]) -> None:
        dump = _ADAPTERS[kind].dump_json
        kept_records = list(records)
        target = self._replace(name, (dump(record) + b"\n" for record in kept_records))
        self._written[name] = (target.stat().st_mtime_ns, kept_records)

    def _replace(self, name: str, chunks: Iterable[bytes]) -> Path:
        self._refuse_strange(name)
        target = self.path / name
        partial = self.path / f".{name}.{os.getpid()}.partial"
        with writing(target):
            try:
                with partial.open("wb") as file:
                    file.writelines(chunks)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(target)
            except BaseException:
                with suppress(OSError):
                    partial.unlink()
                raise
        return target

    def _read_lines(self, name: str, kind: type[T]) -> list[T]:
        written, kept_records = self._written.get(name, (0, []))
        if written and written == (self.path / name).stat().st_mtime_ns:
            return list(kept_records)
        lines = self._bytes(name).splitlines()
        return [self._parse(name, number, line, kind) for number, line in enumerate(lines, 1)]

    def _bytes(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise StoreError(f"{self.path / name}: {error.strerror}; run the earlier stage first") from error

    def _parse(self, name: str, line: int, text: bytes, kind: type[T]) -> T:
        try:
            record: T = _ADAPTERS[kind].validate_json(text)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise StoreError(f"{self.path / name}:{line}: not a {kind.__name__} record: {problem}") from error
        return record


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate a failed write (read-only, full disk) into a StoreError that names the remedy."""
    try:
        yield
    except OSError as error:
        remedy = "free some space and run the same command again" if error.errno == 28 else "choose another with --out"
        raise StoreError(f"cannot write {path}: {error.strerror or error}; {remedy}") from error
