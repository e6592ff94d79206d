"""Fill the cache that several machines share: the only thing that ever writes there."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from filelock import SoftFileLock, Timeout

from harness.errors import StoreError, reason_of
from harness.runtime.cache import cache_root
from harness.runtime.cache_inventory import entries_of
from harness.runtime.shared_cache import MANIFEST, read_manifest, refuse_cut_short
from harness.runtime.whole_files import replace_file

TABLES = {"calls.sqlite": ("calls", "models"), "vectors.sqlite": ("vectors",)}
KINDS = ("trained", "models", "packages", "indexes")
LOCK = ".publishing"  # a file that is there while a machine publishes: network folders have no other lock
FORMAT = 1


def publish(folder: Path) -> list[str]:
    """Add one's own answers, embeddings, weights and indexes to a shared cache; returns what was added.

    Each file is written beside the older one and then takes its place, so that whoever reads goes on with what it has
    opened. Raises StoreError for one's own cache, and where another machine publishes or nothing can be written.
    """
    root = cache_root()
    if folder.resolve() == root.resolve():
        raise StoreError(f"{folder} is your own cache; name the folder that machines share")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with SoftFileLock(folder / LOCK, timeout=0):
            added = [*_publish_tables(root, folder), *_publish_folders(root, folder)]
            read_manifest.cache_clear()
            files = {name: _described(folder / name) for name in _names(folder)}
            replace_file(folder / MANIFEST, [json.dumps({"format": FORMAT, "files": files}, indent=1).encode()])
            read_manifest.cache_clear()
    except Timeout as error:
        raise StoreError(f"{folder}: another machine publishes; if none does, remove {folder / LOCK}") from error
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{folder}: {reason_of(error)}; nothing that was there is harmed") from error
    return added


def _publish_tables(root: Path, folder: Path) -> Iterator[str]:
    """Own rows join those that were published; a file that is cut short or damaged is made anew."""
    for name, tables in TABLES.items():
        if not (root / name).is_file():
            continue
        target, partial = folder / name, folder / f".{name}.0.partial"
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(partial)) as database:
            before = 0
            with suppress(sqlite3.DatabaseError):  # a damaged one is made anew of what one has
                before = _merge(database, target, tables)
            merged = _merge(database, root / name, tables)
            database.execute("PRAGMA journal_mode=DELETE")  # an immutable file has no log beside it
        partial.replace(target)
        if merged > before:
            yield f"{name}: {merged - before:,} rows"


def _merge(database: sqlite3.Connection, source: Path, tables: tuple[str, ...]) -> int:
    """Copy the rows of a file that the database lacks; returns how many rows its first table has then."""
    if source.is_file():
        refuse_cut_short(source)
        database.execute("ATTACH DATABASE ? AS source", (f"{source.resolve().as_uri()}?mode=ro",))
        try:
            schema = "SELECT name, sql FROM source.sqlite_master WHERE type = 'table'"
            for name, statement in database.execute(schema).fetchall():
                if name in tables:
                    database.execute(statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))
                    database.execute(f"INSERT OR IGNORE INTO main.{name} SELECT * FROM source.{name}")
        finally:
            database.commit()
            database.execute("DETACH DATABASE source")
    is_there = database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (tables[0],)).fetchone()
    return int(database.execute(f"SELECT count(*) FROM {tables[0]}").fetchone()[0]) if is_there else 0


def _publish_folders(root: Path, folder: Path) -> Iterator[str]:
    for kind in KINDS:
        for entry in entries_of(root / kind):
            target = folder / kind / entry.name
            if target.exists() or not entry.is_dir() or entry.name.endswith(".partial") or entry.name.startswith("tmp"):
                continue
            partial = target.with_name(f".{entry.name}.0.partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(entry, partial, ignore=shutil.ignore_patterns("*.lock"))
            partial.replace(target)
            yield f"{kind}/{entry.name}"


def _names(folder: Path) -> Iterator[str]:
    """The files that machines read, as paths within the folder."""
    yield from (name for name in TABLES if (folder / name).is_file())
    for kind in KINDS:
        for entry in entries_of(folder / kind):
            if not entry.name.startswith("."):
                yield from (file.relative_to(folder).as_posix() for file in sorted(entry.rglob("*")) if file.is_file())


def _described(file: Path) -> dict[str, str | int]:
    with file.open("rb") as opened:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(opened, "sha256").hexdigest()}
