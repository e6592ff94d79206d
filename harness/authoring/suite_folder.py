"""Writing a suite's folder: whole or not at all, and never over what is there unless that is asked for."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.errors import StoreError, reason_of
from harness.runtime.whole_files import replace_file


def refuse_existing(folder: Path, names: Mapping[str, object] | list[str], is_forced: bool) -> None:
    """Raise StoreError where a file would be written over, or the folder cannot be one."""
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}: is a file; name another folder with --out")
    existing = [name for name in names if (folder / name).exists() or (folder / name).is_symlink()]
    if existing and not is_forced:
        raise StoreError(
            f"{folder / existing[0]}: is there already; name another folder with --out, or write over it with --force"
        )


@contextmanager
def scratch_beside(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is meant, so that relative paths hold in both; it is gone afterwards."""
    partial = folder.absolute().with_name(f".{folder.absolute().name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {reason_of(error)}; choose another --out") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def move_into(partial: Path, folder: Path) -> None:
    """What was written becomes the folder; into one that is there file by file, each whole."""
    if not folder.exists():
        partial.replace(folder)
        return
    for file in sorted(path for path in partial.rglob("*") if path.is_file()):
        replace_file(folder / file.relative_to(partial), [file.read_bytes()])
