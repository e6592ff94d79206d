"""What lies in the cache: how much of each kind, and how much of the answers each suite has used."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

from harness.records.cache_contents import CacheContents, CachedSuite, CacheKind
from harness.runtime.cache import cache_root

TABLES = {  # file → what it holds, its table, its unit
    "calls.sqlite": ("answers of models", "calls", "answer"),
    "vectors.sqlite": ("embeddings", "vectors", "vector"),
    "measurements.sqlite": ("measured times", "measurements", "time"),
}
FOLDERS = {  # folder → what it holds, its unit
    "trained": ("trained weights", "training"),
    "models": ("converted weights", "model"),
    "packages": ("downloaded weights", "package"),
    "indexes": ("indexes", "index"),
    "calibrations": ("calibrations of judges", "judge"),
    "selftest": ("self-tests", "combination"),
    "digests": ("remembered digests", "file"),
}
RECORDS = "*/run.json", "*/*/run.json", "*/*/*/run.json"  # of runs below a folder, limited ones too


def inventory(runs: Path) -> CacheContents:
    """The cache as it is; suites are those that have runs below a folder. Changes nothing."""
    root = cache_root()
    kinds = [*_tables(root), *_folders(root)]
    used = answers_of_suites(root, runs)
    free = shutil.disk_usage(next(path for path in (root, *root.parents) if path.exists())).free
    return CacheContents(
        place=str(root), kinds=tuple(kind for kind in kinds if kind.size), suites=used[0], unused=used[1], free=free
    )


def size_of(place: Path) -> int:
    """Bytes of a file, or of all files below a folder; what vanishes meanwhile counts nothing."""
    files = place.rglob("*") if place.is_dir() else [place]
    total = 0
    for file in files:
        try:
            total += 0 if file.is_dir() or file.is_symlink() else file.stat().st_size
        except OSError:
            continue
    return total


def database_size(file: Path) -> int:
    """Bytes of an SQLite file with its log."""
    return sum(size_of(file.with_name(file.name + end)) for end in ("", "-wal", "-shm"))


def entries_of(folder: Path) -> Iterator[Path]:
    """What lies in a folder of the cache, without locks."""
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.suffix != ".lock")


def _tables(root: Path) -> Iterator[CacheKind]:
    for file, (name, table, unit) in TABLES.items():
        path = root / file
        if path.is_file():
            _, count, _ = next(_read(path, f"SELECT '', count(*), 0 FROM {table}"), ("", 0, 0))
            yield CacheKind(name=name, place=file, count=count, unit=unit, size=database_size(path))


def _folders(root: Path) -> Iterator[CacheKind]:
    for folder, (name, unit) in FOLDERS.items():
        count = len(list(entries_of(root / folder)))
        yield CacheKind(name=name, place=folder, count=count, unit=unit, size=size_of(root / folder))
    others = [path for path in entries_of(root) if path.name not in FOLDERS and not path.name.startswith(tuple(TABLES))]
    yield CacheKind(
        name="other files", place="", count=len(others), unit="file", size=sum(size_of(path) for path in others)
    )


def answers_of_suites(root: Path, runs: Path) -> tuple[tuple[CachedSuite, ...], CachedSuite | None]:
    """The answers of the models that the runs of each suite name, and those of models that none names."""
    statement = "SELECT model, count(*), sum(length(value)) FROM calls GROUP BY model"
    stored: dict[str, tuple[int, int]] = {row[0]: (row[1], row[2]) for row in _read(root / "calls.sqlite", statement)}
    models: dict[str, set[str]] = {}
    for file in sorted(file for pattern in RECORDS for file in runs.glob(pattern)):
        suite, digests = _models_in(file)
        models.setdefault(suite, set()).update(digests & stored.keys())
    suites = [_total(name, {model: stored[model] for model in own}) for name, own in models.items() if own]
    rest = {model: own for model, own in stored.items() if not any(model in names for names in models.values())}
    by_size = sorted(suites, key=lambda suite: -suite.size)
    return tuple(by_size), _total("", rest) if rest else None


def _total(name: str, stored: Mapping[str, tuple[int, int]]) -> CachedSuite:
    answers, size = (sum(own[place] for own in stored.values()) for place in (0, 1))
    return CachedSuite(name=name, answers=answers, size=size)


def _models_in(file: Path) -> tuple[str, set[str]]:
    """The suite of a run and the digests of its models; none of a run that cannot be read."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        described = [*record.get("models", {}).values(), *record.get("judges", {}).values()]
        return str(record["suite"]["name"]), {own["digest"] for own in described}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return "", set()


def _read(path: Path, statement: str) -> Iterator[tuple[str, int, int]]:
    """Rows of a file that is only read; none where it is broken: `verify` says so."""
    if not path.is_file():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        yield from database.execute(statement).fetchall()
