"""Whether what lies in the cache is whole: its databases, its weights, and what nothing needs any more."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError, reason_of
from harness.records.cache_contents import CacheFault
from harness.runtime.cache import cache_root, is_completion
from harness.runtime.cache_inventory import TABLES, database_size, entries_of, size_of
from harness.runtime.digests import file_digest, fresh_digest, remembered_digest
from harness.runtime.pruning import discard
from harness.runtime.shared_cache import read_manifest, refuse_cut_short
from harness.runtime.whole_files import PARTIAL

RECORD = "record.json"  # of a finished training
LEFT_OVER = re.compile(r"tmp\w{8}|\.new-\w+|.*\.partial")
DIGEST = re.compile(r"[0-9a-f]{64}")


def verify(is_repairing: bool = False, root: Path | None = None) -> list[CacheFault]:
    """All faults of a cache (one's own where none is named). Repairing removes them, and keeps what can be read.

    Every weight file is read once: what differs from the digest that was remembered of it is broken.
    """
    root = cache_root() if root is None else root
    faults = [*_databases(root), *_weights(root), *_remains(root), *_published(root)]
    return [_mended(root, fault) for fault in faults] if is_repairing else faults


def _databases(root: Path) -> Iterator[CacheFault]:
    for file, (_, table, _) in TABLES.items():
        path = root / file
        if not path.is_file():
            continue
        try:
            refuse_cut_short(path)
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
                problem = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
                rows = database.execute(f"SELECT value FROM {table}") if problem == "ok" else ()
                unreadable = sum(not _is_readable(table, value) for (value,) in rows)
        except sqlite3.Error as error:
            problem, unreadable = reason_of(error), 0
        if problem != "ok":
            yield CacheFault(place=file, reason=" ".join(str(problem).split()), size=database_size(path))
        elif unreadable:
            yield CacheFault(place=file, reason=f"{unreadable:,} rows of {table} cannot be read; they are asked again")


def _is_readable(table: str, value: object) -> bool:
    if table == "calls":
        return isinstance(value, bytes | str) and is_completion(value)
    return isinstance(value, bytes) and bool(value) and (table != "vectors" or len(value) % 4 == 0)


def _weights(root: Path) -> Iterator[CacheFault]:
    for kind in ("trained", "models", "packages"):
        for entry in entries_of(root / kind):
            if LEFT_OVER.fullmatch(entry.name):
                continue
            if kind == "trained" and entry.is_dir() and not (entry / RECORD).is_file():
                yield _fault(root, entry, "it has no record of its training")
                continue
            files = sorted(file for file in entry.rglob("*") if file.is_file() and file.suffix != ".lock")
            reason = next((own for file in files if (own := weight_problem(file))), None)
            if reason is not None:
                yield _fault(root, entry, reason)


def weight_problem(file: Path) -> str | None:
    """What is wrong with a stored file: cut short, changed since it was first read, or not what its folder names."""
    if file.suffix == ".safetensors" and (problem := _cut_short(file)):
        return f"{file.name}: {problem}"
    try:
        before = remembered_digest(file)
        now = fresh_digest(file) if before is not None else file_digest(file)
    except HarnessError as error:
        return str(error)
    if before is not None and before != now:
        return f"{file.name}: its content changed although its time did not"
    named = file.parent.name if DIGEST.fullmatch(file.parent.name) and file.suffix == ".gguf" else now
    return None if named == now else f"{file.name}: its sha256 is not {named[:12]}…"


def _cut_short(file: Path) -> str | None:
    """Whether a .safetensors has all bytes that its header promises (huggingface.co/docs/safetensors, format)."""
    try:
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(length)) if length < file.stat().st_size else None
        if header is None:
            return "it is cut short within its header"
        ends = [own["data_offsets"][1] for name, own in header.items() if name != "__metadata__"]
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return "its header cannot be read"
    expected, size = 8 + length + max(ends, default=0), file.stat().st_size
    return None if size >= expected else f"it has {size:,} bytes of {expected:,}"


def _remains(root: Path) -> Iterator[CacheFault]:
    """What killed processes left; a training that was interrupted goes on from its folder, which is no fault."""
    for folder in (root, *(root / kind for kind in ("models", "packages", "indexes", "digests", "calibrations"))):
        for entry in entries_of(folder):
            if LEFT_OVER.fullmatch(entry.name) or PARTIAL.fullmatch(entry.name):
                yield replace(_fault(root, entry, "left by a process that was killed"), is_broken=False)


def _published(root: Path) -> Iterator[CacheFault]:
    """Of a shared cache: files that are not as they were published."""
    for name, own in read_manifest(root).items():
        file = root / name
        if not file.is_file():
            yield CacheFault(place=name, reason="it was published and is not there")
        elif file.stat().st_size != own["bytes"] or fresh_digest(file) != own["sha256"]:
            yield CacheFault(place=name, reason="it is not as it was published", size=size_of(file))


def _fault(root: Path, entry: Path, reason: str) -> CacheFault:
    return CacheFault(place=entry.relative_to(root).as_posix(), reason=reason, size=size_of(entry))


def _mended(root: Path, fault: CacheFault) -> CacheFault:
    path = root / fault.place
    if fault.place not in TABLES:
        return replace(fault, is_mended=discard(path))
    salvaged = salvage(path, TABLES[fault.place][1])
    return replace(fault, reason=f"{fault.reason}; {salvaged:,} rows were kept", is_mended=True)


def salvage(path: Path, table: str) -> int:
    """Replace a database by one of the rows that can still be read; returns how many. Raises OSError."""
    partial = path.with_name(f".{path.name}.0.partial")
    partial.unlink(missing_ok=True)
    kept = 0
    with closing(sqlite3.connect(partial)) as target:
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source:
                schema = [own for (own,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
                for statement in schema:
                    target.execute(statement)
                for name in (own.split()[2] for own in schema if own.startswith("CREATE TABLE")):
                    kept += _copy_rows(source, target, name, is_counted=name == table)
        except sqlite3.Error:
            pass
        target.commit()
    if kept:
        partial.replace(path)
    else:
        partial.unlink()
        path.unlink(missing_ok=True)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    return kept


def _copy_rows(source: sqlite3.Connection, target: sqlite3.Connection, table: str, is_counted: bool) -> int:
    rows = source.execute(f"SELECT * FROM {table}")
    copied = 0
    try:
        for row in rows:
            values = dict(zip((column[0] for column in rows.description), row, strict=True))
            if table in ("calls", "vectors", "measurements") and not _is_readable(table, values["value"]):
                continue
            target.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(row))})", row)
            copied += is_counted
    except sqlite3.Error:
        pass  # what follows cannot be read
    return copied
