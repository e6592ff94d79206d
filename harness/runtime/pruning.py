"""Make the cache smaller: what was not used for longest goes first, and what is dear to make again goes last."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from harness.records.cache_contents import PrunedCache
from harness.runtime.cache import cache_root
from harness.runtime.cache_inventory import entries_of, size_of

COSTS = {"indexes": 0, "models": 0, "packages": 0, "trained": 1}  # to make again: minutes, or hours


def prune_cache(below: int | None = None, older: float | None = None, is_dry: bool = False) -> PrunedCache:
    """Remove indexes, weights and conversions until the cache has at most `below` bytes, and those not used for `older`
    seconds. What a process holds stays, and so do all answers: they are small, and what runs rest on.
    """
    root, now = cache_root(), time.time()
    size = size_before = size_of(root) if root.is_dir() else 0
    removed: dict[str, int] = {}
    for entry in sorted(_entries(root), key=lambda own: (COSTS[own.parent.name], last_use(own))):
        is_old = older is not None and now - last_use(entry) > older
        if not is_old and (below is None or size <= below):
            continue
        own_size = size_of(entry)
        if is_dry or discard(entry):
            removed[entry.relative_to(root).as_posix()] = own_size
            size -= own_size
    return PrunedCache(removed=removed, size_before=size_before, size_after=size)


def discard(entry: Path) -> bool:
    """Remove a file or folder of the cache; returns whether it is gone: what another process holds stays."""
    lock = entry.with_name(f"{entry.name.removesuffix('.partial')}.lock")  # that of a training holds its checkpoints
    inner = sorted(entry.rglob("*.lock")) if entry.is_dir() else []
    try:
        with ExitStack() as stack:
            for place in (lock, *inner):
                stack.enter_context(FileLock(place, timeout=0))
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
    except (Timeout, OSError):
        return False
    with suppress(OSError):
        lock.unlink()
    return True


def last_use(entry: Path) -> float:
    """When something of an entry was last read or written, in seconds since 1970, as exactly as the disk notes it."""
    times = [0.0]
    for file in (entry, *(entry.rglob("*") if entry.is_dir() else ())):
        with suppress(OSError):
            status = file.stat()
            times.append(status.st_mtime if file.is_dir() else max(status.st_mtime, status.st_atime))
    return max(times)


def _entries(root: Path) -> Iterator[Path]:
    for kind in COSTS:
        yield from entries_of(root / kind)
