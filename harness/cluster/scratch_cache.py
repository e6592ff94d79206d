"""The cache as a process on the cluster sees it: it reads the driver's weights, and writes beside them only."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FOLDER = "cluster"  # in the driver's cache; gone when a run ends
READ = ("models", "packages")  # folders whose content is made by whoever plans
UNFINISHED = (".partial", ".lock")


class ScratchCache:
    """A folder that stands for the cache of one process, or of one training: killed, it is gone on with."""

    def __init__(self, cache: Path, name: str) -> None:
        self.cache = cache
        self.path = cache / FOLDER / name

    def open(self) -> None:
        """Make it, with links to what the driver has by now, and let it be the cache of this process."""
        (self.path / "trained").mkdir(parents=True, exist_ok=True)
        for name in READ:
            if (self.cache / name).is_dir():
                _link(self.cache / name, self.path / name)
        for folder in _finished(self.cache / "trained"):
            _link(folder, self.path / "trained" / folder.name)
        if (self.cache / "digests").is_dir() and not (self.path / "digests").exists():
            shutil.copytree(self.cache / "digests", self.path / "digests", copy_function=os.link)
        os.environ["HARNESS_CACHE"] = str(self.path)

    def results(self) -> list[Path]:
        """What was trained or merged in it."""
        return [folder for folder in _finished(self.path / "trained") if not folder.is_symlink()]

    def take(self) -> None:
        """Move what was made in it into the driver's cache. Only the driver does so."""
        (self.cache / "trained").mkdir(exist_ok=True)
        for folder in self.results():
            target = self.cache / "trained" / folder.name
            if not target.exists():
                folder.replace(target)
        self.remove()

    def remove(self) -> None:
        """Delete it, and the folder of all of them where it was the last."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.parent.rmdir()


def _link(target: Path, place: Path) -> None:
    if not place.exists():
        with suppress(FileExistsError):
            place.symlink_to(target.resolve(), target_is_directory=True)


def _finished(trained: Path) -> Iterator[Path]:
    if trained.is_dir():
        yield from (folder for folder in sorted(trained.iterdir()) if folder.suffix not in UNFINISHED)
