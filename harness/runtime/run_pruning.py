"""Old runs go, the newest nights stay: what is due, what stays all the same, and how a run is removed whole."""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.errors import StoreError, reason_of
from harness.records.inputs import JSON
from harness.records.prunings import KeptRun, RunPruning, RunRemoval
from harness.runtime.progress_file import PROGRESS
from harness.runtime.run_folder import LOCK, RESULTS, RunFolder
from harness.runtime.run_order import natural, start_of
from harness.runtime.run_shelf import COMPLETE, DEPTH, read_record, runs_below
from harness.runtime.whole_files import PARTIAL

OWN = frozenset(("run.json", *RESULTS, LOCK, PROGRESS))
GONE = ".pruned"  # what a folder's name ends with while it is removed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A run, with what decides whether it stays."""

    name: str
    path: Path
    started: datetime
    is_night: bool  # finished, and of the whole suite


def plan_run_pruning(root: Path, keep: int, protected: Collection[str] = ()) -> RunPruning:
    """What goes so that `keep` nights of each suite stay: what began before the oldest of them.

    `protected` are the names of folders of runs that stay. A run that goes on stays, and so do folders that are no run,
    that cannot be read, and that hold files which no run writes. Raises StoreError for a folder that cannot be read.
    """
    if not root.is_dir():
        raise StoreError(f"{root}: no folder; name one with runs below it, such as runs")
    if (root / "run.json").is_file():
        raise StoreError(f"{root}: this is one run; name the folder that holds the runs of its suite: {root.parent}")
    suites, exemptions = _by_suite(root)
    removals: list[RunRemoval] = []
    nights = 0
    for runs in suites.values():
        newest = sorted((run for run in runs if run.is_night), key=_order)[-keep:]
        nights += len(newest)
        due = [run for run in sorted(runs, key=_order) if len(newest) == keep and _order(run) < _order(newest[0])]
        for run in due:
            reason = _obstacle(run, protected)
            if reason is None:
                removals.append(RunRemoval(name=run.name, path=run.path, size=size_of(run.path)))
            else:
                exemptions.append(reason)
    return RunPruning(nights=nights, removals=tuple(removals), kept=tuple(exemptions))


def remove_runs(pruning: RunPruning, root: Path) -> list[KeptRun]:
    """Remove what is due, each run as a whole; returns those that were begun again or could not be removed."""
    for rest in root.glob(f"**/.*{GONE}"):
        shutil.rmtree(rest, ignore_errors=True)
    exemptions = []
    for own in pruning.removals:
        try:
            with RunFolder(own.path).locked():
                pass
            remove_whole(own.path)
        except StoreError:
            exemptions.append(KeptRun(name=own.name, reason="running"))
        except OSError as error:
            exemptions.append(KeptRun(name=own.name, reason="unreadable", detail=reason_of(error)))
    return exemptions


def remove_whole(path: Path) -> None:
    """Remove a folder under another name, so that nobody ever meets half of it. Raises OSError."""
    hidden = path.with_name(f".{path.name}{GONE}")
    path.rename(hidden)
    shutil.rmtree(hidden)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder; links are not followed."""
    total = 0
    with suppress(OSError):
        if not path.is_dir() or path.is_symlink():
            return path.lstat().st_size
        for folder, _, files in os.walk(path):
            total += sum(size_of(Path(folder) / name) for name in files)
    return total


def _by_suite(root: Path) -> tuple[Mapping[str, list[_Found]], list[KeptRun]]:
    suites: dict[str, list[_Found]] = {}
    unreadable = []
    for name, path in runs_below(root, "", DEPTH):
        try:
            record = read_record(path)
        except StoreError as error:
            unreadable.append(KeptRun(name=name, reason="unreadable", detail=str(error)))
            continue
        started = start_of(name, record)
        if started is None:
            unreadable.append(KeptRun(name=name, reason="unreadable", detail="it tells no time at which it began"))
            continue
        run = _Found(name=name, path=path, started=started, is_night=_is_night(record))
        suites.setdefault(str(record["suite"].get("name")), []).append(run)
    return suites, unreadable


def _is_night(record: Mapping[str, JSON]) -> bool:
    return record.get("status") in COMPLETE and not record.get("limited")


def _order(run: _Found) -> tuple[datetime, tuple[tuple[int, str], ...]]:
    return run.started, natural(run.name)


def _obstacle(run: _Found, protected: Collection[str]) -> KeptRun | None:
    """Why a run that is due stays; None: it goes."""
    if RunFolder(run.path).is_locked():
        return KeptRun(name=run.name, reason="running")
    if run.path.name in protected:
        return KeptRun(name=run.name, reason="baseline")
    strange = next(_strange(run.path), None)
    return KeptRun(name=run.name, reason="other files", detail=strange) if strange else None


def _strange(path: Path) -> Iterator[str]:
    """What lies in the folder of a run, and no run wrote it: ratings, labels, notes."""
    for file in sorted(path.iterdir()):
        is_own = file.name in OWN or PARTIAL.fullmatch(file.name) or file.name.endswith(".partial")
        if not is_own or file.is_symlink() or not file.is_file():
            yield file.name
