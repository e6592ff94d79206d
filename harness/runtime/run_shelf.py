"""The runs below a folder, as a reader sees them who changes nothing: found, told apart, and read once a change."""

import os
import stat
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.errors import StoreError, reason_of, shown_path
from harness.records.decisions import Decision, DecisionRecord
from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo, Result
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.run_overviews import RunOverview, RunProgress, RunState
from harness.records.run_scopes import scope_in
from harness.records.shards import PART
from harness.records.summary import Summary
from harness.runtime.progress_file import PROGRESS
from harness.runtime.run_excerpt import excerpt_of
from harness.runtime.run_folder import RESULTS, RunFolder

DEPTH = 4  # folders below the one that is viewed: runs/NAME/limited/TIME, and one more
ANSWERS = frozenset(("samples.jsonl", "predictions.jsonl"))  # a run that lost its run.json still has them
COMPLETE = frozenset(("complete", "completed", "finished", "done", "ok"))  # older versions had their own words
FINISHED = COMPLETE | {"summarized"}  # all figures are there, if not the page
LARGEST = 1 << 28  # bytes of a file that is read for the list
Signature = tuple[tuple[int, int, int] | None, ...]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Decided:
    decision: Decision | None = None


@dataclass(frozen=True, kw_only=True)
class _SummaryHead:
    """What the list shows of summary.json: the rest is not read into records."""

    name: str
    headline: tuple[str, ...]
    metrics: dict[str, MetricInfo]
    results: tuple[Result, ...]
    reference: str | None = None
    unaided: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    decisions: _Decided = field(default_factory=_Decided)


_HEAD = TypeAdapter(_SummaryHead)
_PROGRESS = TypeAdapter(RunProgress)
_RUN = TypeAdapter(dict[str, JSON])


class RunShelf:
    """The runs below a folder, or the one run that it is. Links are not followed; nothing is ever written."""

    def __init__(self, root: Path) -> None:
        """Raises StoreError for a folder that is not there, is none, or may not be read."""
        self.root = root
        try:
            os.scandir(root).close()
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{shown_path(root)}: {reason_of(error)}; name a folder with runs below it, as `harness run` makes them"
            ) from error
        self._read: dict[str, tuple[Signature, RunOverview]] = {}

    @property
    def is_run(self) -> bool:
        """Whether the folder itself is a run."""
        with os.scandir(self.root) as entries:
            return _is_run({entry.name for entry in entries})

    def overviews(self) -> list[RunOverview]:
        """All runs, the newest first; those that cannot be read last."""
        runs = sorted((self._overview(key, path) for key, path in self._folders()), key=lambda run: run.key)
        newest_first = sorted(runs, key=lambda run: run.started or "", reverse=True)
        return sorted(newest_first, key=lambda run: run.state == "unreadable")

    def overview(self, key: str) -> RunOverview | None:
        """One run; None where there is none of this key."""
        path = self._path(key)
        return None if path is None else self._overview(key, path)

    def page(self, key: str) -> bytes | None:
        """The stored report, where it was made from the figures that are there now."""
        path = self._path(key)
        if path is None:
            return None
        page, summary = (_signature(path / name) for name in ("report.html", "summary.json"))
        return _content(path / "report.html") if page and summary and page[0] >= summary[0] else None

    def version(self, key: str) -> Signature:
        """Changes with any file that a report is made of."""
        path = self._path(key)
        return () if path is None else tuple(_signature(path / name) for name in ("run.json", *RESULTS[:-1]))

    def finished(self, key: str) -> FinishedRun:
        """What a report is made of. Raises StoreError for what is missing or broken."""
        path = self._path(key)
        if path is None:
            raise StoreError(f"{key}: no run here")
        folder = RunFolder(path)
        for name in ("run.json", *RESULTS):
            folder.refuse_strange(name)
        return excerpt_of(folder)

    def _path(self, key: str) -> Path | None:
        """Only what the folders really hold has a path: a key is compared with them, never joined to one."""
        return next((path for own, path in self._folders() if own == key), None)

    def _folders(self) -> Iterator[tuple[str, Path]]:
        if self.is_run:
            yield self.root.resolve().name or "run", self.root
        else:
            yield from runs_below(self.root, "", DEPTH)

    def _overview(self, key: str, path: Path) -> RunOverview:
        files = ("run.json", "summary.json", PROGRESS)
        signature = tuple(_signature(path / name) for name in files)
        before = self._read.get(key)
        if before is not None and before[0] == signature and before[1].state in ("complete", "unreadable"):
            return before[1]
        overview = _read_overview(key, path)
        self._read[key] = signature, overview
        return overview


def runs_below(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, Path]]:
    """Runs, and folders that may not be looked into, with their keys; a run's own folders are not searched."""
    try:
        with os.scandir(folder) as entries:
            children = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        yield prefix.rstrip("/"), folder
        return
    if prefix and _is_run({entry.name for entry in children}):
        yield prefix.rstrip("/"), folder
        return
    for entry in children if depth else ():
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from runs_below(folder / entry.name, f"{prefix}{entry.name}/", depth - 1)


def _is_run(names: Set[str]) -> bool:
    return "run.json" in names or names >= ANSWERS


def _read_overview(key: str, path: Path) -> RunOverview:
    name = key.rpartition("/")[2]
    try:
        record = read_record(path)
    except StoreError as error:
        return RunOverview(key=key, name=name, state="unreadable", problem=str(error))
    state = _state(record, path)
    summary, problem = None, ""
    if _signature(path / "summary.json"):
        try:
            summary = _summary(path)
        except StoreError as error:
            problem = str(error)
    elif state == "complete":
        problem = "summary.json is missing"
    return RunOverview(
        key=key,
        name=str(record["suite"].get("name") or name),
        state=state,
        stage=str(record.get("status")),
        started=_text(record.get("started")),
        finished=_text(record.get("finished")),
        command=_text(record.get("command")),
        progress=_progress(path) if state in ("running", "interrupted") else None,
        died=_last_sign(path) if state == "interrupted" else None,
        summary=summary,
        scope=scope_in(record),
        problem=problem,
    )


def _state(record: dict[str, JSON], path: Path) -> RunState:
    if record.get("status") in COMPLETE:
        return "complete"
    if record.get("status") == PART:
        return "part"
    return "running" if RunFolder(path).is_locked() else "interrupted"


def read_record(path: Path) -> dict[str, JSON]:
    """run.json. Raises StoreError with the reason only, since the list names the folder."""
    record = read_parsed(path / "run.json", _RUN)
    if not isinstance(record.get("suite"), dict) or not isinstance(record.get("status"), str):
        raise StoreError("run.json was not written by `harness run`")
    return record


def _summary(path: Path) -> Summary:
    head = read_parsed(path / "summary.json", _HEAD)
    return Summary(
        name=head.name,
        reference=head.reference,
        headline=head.headline,
        metrics=head.metrics,
        results=tuple(result for result in head.results if str(FigureName.of(result)) in head.headline),
        comparisons=(),
        usage=(),
        unaided=head.unaided,
        bounds=head.bounds,
        decisions=DecisionRecord(decision=head.decisions.decision),
    )


def _last_sign(path: Path) -> str | None:
    """When a run that ended without a word was last alive: only such a one leaves its progress behind."""
    signature = _signature(path / PROGRESS)
    return None if signature is None else datetime.fromtimestamp(signature[0] / 1e9, UTC).isoformat(timespec="seconds")


def _progress(path: Path) -> RunProgress | None:
    try:
        return read_parsed(path / PROGRESS, _PROGRESS)
    except StoreError:
        return None


def read_parsed(file: Path, adapter: TypeAdapter[T]) -> T:
    """A plain file as what the adapter makes of it. Raises StoreError with the file's name and the reason."""
    content = _content(file)
    try:
        return adapter.validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise StoreError(
            f"{file.name} is broken or half written: {f'{place}: ' if place else ''}{first['msg']}"
        ) from error


def _content(file: Path) -> bytes:
    """The bytes of a plain file; a link, a pipe or a folder in its place is not opened. Raises StoreError."""
    signature = _signature(file)
    if signature is None:
        raise StoreError(f"{file.name} is missing, or no plain file")
    if signature[1] > LARGEST:
        raise StoreError(f"{file.name} is too large to be listed ({signature[1]:,} bytes)")
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as opened:
            return opened.read()
    except OSError as error:
        raise StoreError(f"{file.name}: {reason_of(error)}") from error


def _signature(file: Path) -> tuple[int, int, int] | None:
    """Time of the last change in nanoseconds, size in bytes, and number of a plain file; None: there is none."""
    try:
        status = os.lstat(file)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) else None
