"""Files of records: each is whole or absent, never half, and none of them holds a secret."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.errors import StoreError
from harness.records.decisions import Latency
from harness.records.figures import Overlap
from harness.records.inputs import Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction, Score
from harness.records.summary import Summary
from harness.runtime.whole_files import PARTIAL, replace_file
from harness.text.redaction import Redaction

T = TypeVar("T")
_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Sample, Prediction, Overlap, Latency, Score, Judgement, Summary)
}

_YOUNGER: Mapping[type, tuple[str, ...]] = {
    Sample: ("system", "tools")
}  # fields younger than the format: left out while they are empty


def empty_fields(record: object) -> set[str]:
    """The fields that a record's file and digests leave out, so that they stay what they were before there were any."""
    return {name for name in _YOUNGER.get(type(record), ()) if not getattr(record, name)}


class RecordFiles:
    """The files of one folder, written by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.redaction = Redaction({})  # keeps secrets out of every file that is written
        self._written: dict[str, tuple[int, list[Any]]] = {}  # records written here need not be parsed again

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of the run, whole or not at all."""
        return self._replace(name, [text.encode("utf-8")])

    def clear_partials(self) -> None:
        """Remove the halves of files that a killed run left. The folder must be locked: nobody else is writing here."""
        with writing(self.path):
            for file in list(self.path.iterdir()):
                if PARTIAL.fullmatch(file.name) and file.is_file() and not file.is_symlink():
                    file.unlink(missing_ok=True)

    def refuse_strange(self, name: str) -> None:
        """Raise StoreError for a link or a folder in the place of a file of ours."""
        file = self.path / name
        if file.is_symlink() or (file.exists() and not file.is_file()):
            kind = "a link" if file.is_symlink() else "no plain file"
            raise StoreError(f"{file} is {kind}, which no run writes; move it away or choose another folder with --out")

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self.refuse_strange(name)
        with writing(self.path):
            (self.path / name).unlink(missing_ok=True)

    def write_lines(self, name: str, records: Iterable[T], kind: type[T]) -> None:
        """Write a file of records, one a line."""
        dump = _ADAPTERS[kind].dump_json
        kept_records = list(records)
        is_redacted = False

        def lines() -> Iterator[bytes]:
            nonlocal is_redacted
            for record in kept_records:
                line = dump(record, exclude=empty_fields(record)) + b"\n"
                is_redacted = is_redacted or self.redaction.redact_bytes(line) != line
                yield line

        target = self._replace(name, lines())
        if is_redacted:
            self._written.pop(name, None)  # a page is made of what the file says
        else:
            self._written[name] = (target.stat().st_mtime_ns, kept_records)

    def _replace(self, name: str, chunks: Iterable[bytes]) -> Path:
        self.refuse_strange(name)
        target = self.path / name
        with writing(target):
            replace_file(target, map(self.redaction.redact_bytes, chunks))
        return target

    def read_lines(self, name: str, kind: type[T]) -> list[T]:
        """The records of a file, one a line. Raises StoreError."""
        written, kept_records = self._written.get(name, (0, []))
        if written and written == (self.path / name).stat().st_mtime_ns:
            return list(kept_records)
        lines = self.content(name).splitlines()
        return [self.parse(name, number, line, kind) for number, line in enumerate(lines, 1)]

    def content(self, name: str) -> bytes:
        """The bytes of a file. Raises StoreError."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise StoreError(f"{self.path / name}: {error.strerror}; run the earlier stage first") from error

    def parse(self, name: str, line: int, text: bytes, kind: type[T]) -> T:
        """One record. Raises StoreError that names file and line."""
        try:
            record: T = _ADAPTERS[kind].validate_json(text)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise StoreError(f"{self.path / name}:{line}: not a {kind.__name__} record: {problem}") from error
        return record


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate a failed write (read-only, full disk) into a StoreError that names the remedy."""
    try:
        yield
    except OSError as error:
        remedy = "free some space and run the same command again" if error.errno == 28 else "choose another with --out"
        raise StoreError(f"cannot write {path}: {error.strerror or error}; {remedy}") from error
