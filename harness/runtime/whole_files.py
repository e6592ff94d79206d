"""A file is whole or absent, never half: a killed process or a full disk leaves the older one in its place."""

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import StoreError

PARTIAL = re.compile(r"\.[\w.]+\.\d+\.partial")  # what a killed process leaves of a file that it was writing


def replace_file(target: Path, chunks: Iterable[bytes]) -> None:
    """Write a file in place of an older one, its folder too where there is none. Raises OSError, and leaves nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}{threading.get_native_id()}.partial")
    try:
        with partial.open("wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate a failed write (read-only, full disk) into a StoreError that names the remedy."""
    try:
        yield
    except OSError as error:
        remedy = "free some space and run the same command again" if error.errno == 28 else "choose another with --out"
        raise StoreError(f"cannot write {path}: {error.strerror or error}; {remedy}") from error
