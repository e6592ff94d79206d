"""Every finished model call, kept under the content that determined it: one SQLite file, committed per batch."""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from pydantic import TypeAdapter, ValidationError

from harness.errors import StoreError, reason_of, shown_path
from harness.records.inputs import JSON
from harness.records.outputs import Completion
from harness.runtime.shared_cache import BATCH, SharedTable, shared_root

_COMPLETION = TypeAdapter(Completion)
_TABLE = """CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, seconds REAL NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS models (digest TEXT PRIMARY KEY, name TEXT NOT NULL, identity TEXT NOT NULL)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model that answered calls which are stored."""

    digest: str
    identity: JSON
    answers: int  # that are stored


def cache_root() -> Path:
    """The folder of the cache: HARNESS_CACHE, else domain-harness under the user's cache folder."""
    own = os.environ.get("HARNESS_CACHE")
    if own:
        try:
            return Path(own).expanduser().resolve()
        except (RuntimeError, OSError) as error:
            raise StoreError(f"HARNESS_CACHE: {shown_path(own)}: {reason_of(error)}; name another folder") from error
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "domain-harness"


def _parsed(value: bytes | str) -> Completion | None:
    """A stored completion; one that an older version wrote and nobody can read counts as not stored."""
    try:
        return _COMPLETION.validate_json(value)
    except ValidationError:
        return None


def is_completion(value: bytes | str) -> bool:
    """Whether a stored value is an answer that can be used."""
    return _parsed(value) is not None


class Database:
    """One SQLite file; safe against kill -9 (write-ahead log).

    One that is there is opened at once, so that a broken one is met before anything is paid for. A new one is made by
    `open`, or when it is first written to: a run that is refused leaves none.
    """

    table: ClassVar[str]  # the statements that create it
    is_shareable: ClassVar[bool] = True  # whether what another machine stored serves as well

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        if path.exists():
            self.open()

    @cached_property
    def _database(self) -> sqlite3.Connection:
        if self.read_only and self.path.exists():
            return sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)
        if self.read_only:
            database = sqlite3.connect(":memory:")
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self.path, timeout=60)
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
        database.executescript(self.table)
        return database

    def open(self) -> None:
        """Make the file if there is none, before anything is paid for. Raises StoreError where that is impossible."""
        with self._translated():
            self._database.execute("PRAGMA schema_version")  # fails on what is no database

    def close(self) -> None:
        """Close the file, if it was opened; it can be opened again."""
        if "_database" in self.__dict__:
            self.__dict__.pop("_database").close()
        if (shared := self.__dict__.pop("_shared", None)) is not None:
            shared.close()

    def _select(self, table: str, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The stored values among `keys`, one's own first, then those of the shared cache."""
        missing = dict.fromkeys(keys)
        for key, value in self._select_own(table, keys):
            missing.pop(key, None)
            yield key, value
        if self._shared is not None and missing:
            yield from self._shared.select(table, list(missing))

    def _select_own(self, table: str, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        if "_database" not in self.__dict__ and not self.path.exists():
            return
        with self._translated():
            for start in range(0, len(keys), BATCH):  # SQLite bounds the number of parameters
                batch = keys[start : start + BATCH]
                marks = ",".join("?" * len(batch))
                yield from self._database.execute(f"SELECT key, value FROM {table} WHERE key IN ({marks})", batch)

    @cached_property
    def _shared(self) -> SharedTable | None:
        """The file of the same name in the shared cache; none where that is one's own."""
        root = shared_root()
        if root is None or not self.is_shareable or root.resolve() == self.path.parent.resolve():
            return None
        return SharedTable(root / self.path.name)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            remedy = (
                "free some space and run the same command again"
                if "full" in str(error)
                else "set HARNESS_CACHE to another folder"
            )
            raise StoreError(f"cache {self.path}: {error}; {remedy}") from error


class Cache(Database):
    """Completions by key. Only successes are stored; values are JSON."""

    table = _TABLE

    def get(self, keys: Sequence[str]) -> dict[str, Completion]:
        """The stored completions among `keys`."""
        rows = self._select("calls", keys)
        return {key: completion for key, value in rows if (completion := _parsed(value))}

    def put(self, model: str, completions: Mapping[str, Completion]) -> None:
        """Store one batch of a model (by its digest) in one transaction."""
        rows = [(key, model, value.seconds, _COMPLETION.dump_json(value)) for key, value in completions.items()]
        with self._translated(), self._database:
            self._database.executemany("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?)", rows)

    def seconds(self, model: str) -> float | None:
        """Mean seconds of a model's stored calls, for estimates; None before the first."""
        with self._translated():
            row = self._database.execute("SELECT avg(seconds) FROM calls WHERE model = ?", (model,)).fetchone()
        return None if row[0] is None else float(row[0])

    def keep_model(self, digest: str, name: str, identity: Mapping[str, JSON]) -> None:
        """Store what a model is beside its calls: its name where it comes from, and what determines its answers."""
        row = (digest, name, json.dumps(identity, ensure_ascii=False, sort_keys=True))
        with self._translated(), self._database:
            self._database.execute("INSERT OR REPLACE INTO models VALUES (?, ?, ?)", row)

    def has_answers(self, model: str) -> bool:
        """Whether any call of a model is stored."""
        with self._translated():
            statement = "SELECT 1 FROM calls WHERE model = ? LIMIT 1"
            is_stored = self._database.execute(statement, (model,)).fetchone() is not None
        return is_stored or (self._shared is not None and bool(self._shared.rows(statement, [model])))

    def stored_models(self, name: str) -> list[StoredModel]:
        """The models of a name of which answers are stored; none in a file from before they were kept."""
        with self._translated():
            if not self._database.execute("SELECT 1 FROM sqlite_master WHERE name = 'models'").fetchone():
                return []
            rows = self._database.execute(
                "SELECT digest, identity, (SELECT count(*) FROM calls WHERE model = digest) FROM models WHERE name = ?",
                (name,),
            ).fetchall()
        return [
            StoredModel(digest=digest, identity=json.loads(identity), answers=answers)
            for digest, identity, answers in rows
            if answers
        ]
