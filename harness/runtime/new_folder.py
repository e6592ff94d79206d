"""A folder that is handed to others: it appears when all of it is written, and replaces nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import StoreError


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Where to write what `out` will hold. Raises StoreError if that is not empty or cannot be written."""
    refuse_filled(out)
    partial = out.absolute().with_name(f"{out.absolute().name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if out.is_dir():
            out.rmdir()
        partial.replace(out)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise StoreError(f"{out}: cannot be written: {reason}; free some space, or choose another --out") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def refuse_filled(out: Path) -> None:
    """Raise StoreError for a file, or a folder that holds anything."""
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is a file; choose another folder by --out")
    if out.is_dir() and any(out.iterdir()):
        raise StoreError(f"{out} is not empty; choose another folder by --out")
