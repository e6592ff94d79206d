"""A file is whole or absent, never half: a killed process or a full disk leaves the older one in its place."""

import os
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

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
