"""Built FAISS indexes on disk: an artefact that is checked before it is used and replaced as a whole."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import StoreError

INDEX, MANIFEST = "index.faiss", "manifest.json"
MAPPED_FROM = 256 << 20  # bytes; a larger index is mapped into memory, so that processes share its pages

Mismatch = Callable[[Any], str | None]  # an index that was read → why it is not the right one; None if it is


def library() -> Any:
    """faiss, whose own type stubs lack what we use (search parameters, arrays as bitmaps)."""
    import faiss

    return faiss


class UnusableIndexError(Exception):
    """Why a stored index must not be used."""


@dataclass(frozen=True)
class StoredIndex:
    """An index in a folder that is named by the digest of everything that determines it."""

    folder: Path
    own: Path | None = None  # the folder of one's own indexes; `folder` may lie elsewhere, and is only read there

    def load_or_build(self, mismatch: Mismatch, build: Callable[[], Any], note: Callable[[str], None]) -> Any:
        """The index: read if it is there and sound, else built and stored. Of two processes one builds.

        Raises StoreError where the cache cannot be written.
        """
        from filelock import FileLock

        if self.own is not None and self.folder.parent != self.own:
            index = self.load(mismatch, note)
            own = StoredIndex(self.own / self.folder.name)
            return own.load_or_build(mismatch, build, note) if index is None else index
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.folder}.lock"):
                index = self.load(mismatch, note)
                if index is None:
                    index = build()
                    self._write(index)
        except OSError as error:
            raise StoreError(f"index {self.folder}: {error}; set HARNESS_CACHE to another folder") from error
        return index

    def load(self, mismatch: Mismatch, note: Callable[[str], None]) -> Any:
        """The index if it is there and sound; None otherwise. Changes nothing."""
        if not self.folder.exists():
            return None
        try:
            index = self._read()
            reason = mismatch(index)
        except UnusableIndexError as error:
            reason = str(error)
        if reason is None:
            return index
        note(f"the stored index {self.folder.name[:12]} is not used: {reason}")
        return None

    def _read(self) -> Any:
        faiss = library()
        try:
            manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            with (self.folder / INDEX).open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError) as error:
            raise UnusableIndexError(f"it cannot be read: {error}") from error
        if not isinstance(manifest, dict) or sha256 != manifest.get("sha256"):
            raise UnusableIndexError("its content is not what was written")
        large = (self.folder / INDEX).stat().st_size > MAPPED_FROM
        try:
            index = faiss.read_index(str(self.folder / INDEX), _mapping() if large else 0)
        except RuntimeError as error:
            raise UnusableIndexError(f"faiss cannot read it: {str(error).partition(chr(10))[0]}") from error
        if (index.ntotal, index.d) != (manifest.get("count"), manifest.get("dimension")):
            raise UnusableIndexError(
                f"it holds {index.ntotal} vectors of {index.d} dimensions, its manifest says otherwise"
            )
        return index

    def _write(self, index: Any) -> None:
        """Under a name of its own first: a reader sees the old folder, none, or the whole new one."""
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=".new-") as scratch:
            new = Path(scratch) / "index"
            new.mkdir()
            try:
                library().write_index(index, str(new / INDEX))
            except RuntimeError as error:  # faiss's word for a full disk
                raise OSError(str(error).partition("\n")[0]) from error
            with (new / INDEX).open("rb") as file:
                os.fsync(file.fileno())
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            manifest = {"sha256": sha256, "count": index.ntotal, "dimension": index.d}
            (new / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            if self.folder.exists():  # what could not be used goes with the scratch folder
                self.folder.replace(Path(scratch) / "old")
            new.replace(self.folder)


def _mapping() -> int:
    faiss = library()
    return int(getattr(faiss, "IO_FLAG_MMAP_IFC", faiss.IO_FLAG_MMAP))  # the first maps flat and HNSW vectors too
