"""A second cache behind one's own, on a folder that several machines read: never written, never locked.

HARNESS_SHARED_CACHE names it; `harness cache publish` fills it. SQLite files are opened immutable, so that no lock is
taken on a network folder: they are replaced as a whole, never changed (https://sqlite.org/c3ref/open.html).
"""

import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from harness.errors import reason_of

log = logging.getLogger("harness")
VARIABLE = "HARNESS_SHARED_CACHE"
MANIFEST = "shared-cache.json"  # what was published: file → bytes and sha256
HEADER = 100  # bytes at the start of an SQLite file
BATCH = 500  # keys a statement


def shared_root() -> Path | None:
    """The folder of the shared cache; None where none is named."""
    name = os.environ.get(VARIABLE, "").strip()
    return Path(name).expanduser() if name else None


def shared_place(own: Path, kind: str) -> Path:
    """The place of one's own, or that of the same name in the shared cache where only that has it, as it was published.

    `kind` is the folder of the cache that both lie in, e.g. "trained". What lacks a file, or has one of another size,
    is named and ignored: half a model looks like a whole one.
    """
    root = shared_root()
    if root is None or own.exists():
        return own
    parts = own.parts
    name = Path(*parts[len(parts) - 1 - parts[::-1].index(kind) :]).as_posix()
    files = {file: size for file, size in published_sizes(root).items() if file == name or file.startswith(f"{name}/")}
    faults = [file for file, size in files.items() if _size(root / file) != size]
    if faults:
        _warn(root / faults[0], "it is not as it was published")
    return root / name if files and not faults else own


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


@cache
def _warn(path: Path, reason: str) -> None:
    """Name what is ignored, once."""
    log.warning("shared cache %s: %s; it is ignored: publish it again (harness cache publish)", path, reason)


class SharedTable:
    """One SQLite file of the shared cache. One that is damaged, or half copied, is named once and then ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database: sqlite3.Connection | None = None
        self.is_ignored = False  # it is missing, or cannot be used

    def select(self, table: str, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The stored values among `keys`; none where the file cannot be used."""
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            marks = ",".join("?" * len(batch))
            yield from self.rows(f"SELECT key, value FROM {table} WHERE key IN ({marks})", batch)

    def rows(self, statement: str, values: Sequence[str] = ()) -> list[tuple[str, bytes]]:
        """What a statement that only reads gives; nothing where the file cannot be used."""
        if self.is_ignored:
            return []
        try:
            if self._database is None:
                if not self.path.is_file():
                    self.is_ignored = True
                    return []
                self._database = open_immutable(self.path)
            return self._database.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            self.is_ignored = True
            _warn(self.path, reason_of(error))
            return []

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._database is not None:
            self._database.close()
            self._database = None


def open_immutable(path: Path) -> sqlite3.Connection:
    """A file that nobody changes, opened without any lock. Raises sqlite3.DatabaseError for one that is cut short."""
    size, expected = path.stat().st_size, published_sizes(path.parent).get(path.name)
    if expected is not None and size != expected:
        raise sqlite3.DatabaseError(f"it has {size:,} bytes of {expected:,} that were published")
    refuse_cut_short(path)
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def refuse_cut_short(path: Path) -> None:
    """Raise sqlite3.DatabaseError for a file that has fewer bytes than its header says (sqlite.org/fileformat.html)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(HEADER)
    page = int.from_bytes(header[16:18], "big")
    whole = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
    if header.startswith(b"SQLite format 3") and size < whole:
        raise sqlite3.DatabaseError(f"it has {size:,} bytes of {whole:,}")


def published_sizes(folder: Path) -> dict[str, int]:
    """The bytes of each file as it was published; empty for a cache that was copied otherwise."""
    return {name: int(own["bytes"]) for name, own in read_manifest(folder).items()}


@cache
def read_manifest(folder: Path) -> dict[str, dict[str, str | int]]:
    """What was published, by file; empty where that is not told."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = content["files"]
        return {name: {"bytes": int(own["bytes"]), "sha256": str(own["sha256"])} for name, own in files.items()}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
