"""What files are by content: their digests, remembered while a file stays as it is."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from harness.errors import ModelError, StoreError, reason_of
from harness.runtime.cache import cache_root

IGNORED = {".git", ".cache", "README.md", ".gitattributes", "LICENSE"}


def file_digest(path: Path) -> str:
    """sha256 of a file, remembered by path, size, times and inode."""
    status = path.stat()
    identity = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}|{status.st_ino}"
    memo = cache_root() / "digests" / hashlib.sha256(identity.encode()).hexdigest()
    with suppress(OSError):
        return memo.read_text()
    with path.open("rb") as file:
        value = hashlib.file_digest(file, "sha256").hexdigest()
    partial = memo.with_name(f"{memo.name}.{os.getpid()}")
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(value)
        partial.replace(memo)
    except OSError as error:  # a full disk, mostly: what follows would fail for the same reason
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write {memo.parent}: {reason_of(error)}; free some space, or set HARNESS_CACHE"
        ) from error
    return value


def folder_digest(path: Path) -> str:
    """sha256 over names and digests of all files that make a model: weights, configuration, tokenizer, template."""
    files = sorted(
        file for file in path.rglob("*") if file.is_file() and not IGNORED.intersection(file.relative_to(path).parts)
    )
    listing = {file.relative_to(path).as_posix(): file_digest(file) for file in files}
    if not listing:
        raise ModelError(f"model folder {path} is empty; it should hold config.json, weights and a tokenizer")
    return hashlib.sha256(json.dumps(listing, sort_keys=True).encode()).hexdigest()
