"""What files are by content: their digests, remembered while a file stays as it is."""

import hashlib
import json
import os
import re
from pathlib import Path

from harness.errors import HarnessError, ModelError, StoreError, reason_of
from harness.runtime.cache import cache_root
from harness.runtime.whole_files import replace_file

DIGEST = re.compile(rb"[0-9a-f]{64}")
IGNORED = {".git", ".cache", "README.md", ".gitattributes", "LICENSE"}


def file_digest(path: Path) -> str:
    """sha256 of a file, remembered by path, size, times and inode. Raises HarnessError for one that cannot be read."""
    try:
        before = path.stat()
        remembered = _read_memo(_memo(path, before))
        if remembered is not None:
            return remembered
        value = fresh_digest(path)
        unchanged = _identity(path, path.stat()) == _identity(path, before)
    except OSError as error:
        raise HarnessError(f"{path} cannot be read: {reason_of(error)}") from error
    if unchanged:
        _write_memo(_memo(path, before), value)
    return value


def fresh_digest(path: Path) -> str:
    """sha256 of a file as it is on the disk now. Raises HarnessError for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise HarnessError(f"{path} cannot be read: {reason_of(error)}") from error


def remembered_digest(path: Path) -> str | None:
    """The digest that was remembered of a file with these times and this size; None before the first."""
    try:
        return _read_memo(_memo(path, path.stat()))
    except OSError:
        return None


def _memo(path: Path, status: os.stat_result) -> Path:
    return cache_root() / "digests" / hashlib.sha256(_identity(path, status).encode()).hexdigest()


def _identity(path: Path, status: os.stat_result) -> str:
    return f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}|{status.st_ino}"


def _read_memo(memo: Path) -> str | None:
    """What was remembered; None where it is no digest: a full disk or a failing power supply leaves such files."""
    try:
        value = memo.read_bytes()
    except OSError:
        return None
    return value.decode("ascii") if DIGEST.fullmatch(value) else None


def _write_memo(memo: Path, value: str) -> None:
    """Whole or not at all; a folder in its place costs time only. Raises StoreError where nothing can be written."""
    try:
        replace_file(memo, [value.encode("ascii")])
    except IsADirectoryError:
        return
    except OSError as error:  # a full disk, mostly: what follows would fail for the same reason
        raise StoreError(
            f"cannot write {memo.parent}: {reason_of(error)}; free some space, or set HARNESS_CACHE"
        ) from error


def folder_digest(path: Path) -> str:
    """sha256 over names and digests of all files that make a model: weights, configuration, tokenizer, template."""
    files = sorted(
        file for file in path.rglob("*") if file.is_file() and not IGNORED.intersection(file.relative_to(path).parts)
    )
    listing = {file.relative_to(path).as_posix(): file_digest(file) for file in files}
    if not listing:
        raise ModelError(f"model folder {path} is empty; it should hold config.json, weights and a tokenizer")
    return hashlib.sha256(json.dumps(listing, sort_keys=True).encode()).hexdigest()
