"""Files of records: each is whole or absent, never half, and none of them holds a secret."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.errors import StoreError
from harness.records.inputs import Sample
from harness.runtime.record_parts import RecordParts
from harness.runtime.whole_files import PARTIAL, replace_file, writing
from harness.text.blocks import blocks
from harness.text.redaction import Redaction

T = TypeVar("T")
BLOCK, BLOCK_BYTES = 1000, 1 << 20  # records that are written, and bytes that are read at once

_YOUNGER: Mapping[type, tuple[str, ...]] = {
    Sample: ("system", "tools")
}  # fields younger than the format: left out while they are empty


@cache
def _adapters(kind: Hashable) -> tuple[TypeAdapter[Any], TypeAdapter[Any]]:
    """How one record and a list of them are written and read: made with the first such file, which takes 10 ms."""
    return TypeAdapter(kind), TypeAdapter(list[kind])  # type: ignore[arg-type, valid-type]


def _adapter(kind: type) -> TypeAdapter[Any]:
    return _adapters(kind)[0]


def _list_adapter(kind: type) -> TypeAdapter[Any]:
    return _adapters(kind)[1]


def empty_fields(record: object) -> set[str]:
    """The fields that a record's file and digests leave out, so that they stay what they were before there were any."""
    return {name for name in _YOUNGER.get(type(record), ()) if not getattr(record, name)}


class RecordFiles:
    """The files of one folder, written by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.redaction = Redaction({})  # keeps secrets out of every file that is written

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of the run, whole or not at all."""
        return self._replace(name, [self.redaction.redact_bytes(text.encode("utf-8"))])

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
        """Write a file of records, one a line, as they come."""
        self._replace(name, self.as_lines(records, kind))

    def as_lines(self, records: Iterable[T], kind: type[T]) -> Iterator[bytes]:
        """Records as lines of a file, some together, without secrets."""
        dump, younger = _adapter(kind).serializer.to_json, kind in _YOUNGER
        for block in blocks(records, BLOCK):
            lines = [dump(record, exclude=empty_fields(record)) if younger else dump(record) for record in block]
            yield self.redaction.redact_bytes(b"\n".join([*lines, b""]))

    def _replace(self, name: str, chunks: Iterable[bytes]) -> Path:
        """Write a file of bytes that hold no secret, whole or not at all."""
        self.refuse_strange(name)
        target = self.path / name
        with writing(target):
            replace_file(target, chunks)
        return target

    @contextmanager
    def parts(self, name: str, kind: type[T]) -> Iterator[RecordParts[T]]:
        """A file of records whose parts are made in another order than they stand in; nothing is left of them."""
        self.refuse_strange(name)
        parts: RecordParts[T] = RecordParts(self.path / name, lambda records: self.as_lines(records, kind))
        try:
            yield parts
        finally:
            parts.discard()

    def read_lines(self, name: str, kind: type[T]) -> list[T]:
        """The records of a file, one a line. Raises StoreError."""
        return list(self.stream_lines(name, kind))

    def stream_lines(
        self, name: str, kind: type[T], start: int = 0, matches: Callable[[bytes], bool] | None = None
    ) -> Iterator[T]:
        """The records of a file from a byte on, or of the selected lines; only some are held. Raises StoreError."""
        for block, _ in self._blocks(name, kind, start, matches):
            yield from block

    def count_lines(self, name: str) -> int:
        """How many lines a file has. Raises StoreError."""
        with self._opened(name) as file:
            return sum(content.count(b"\n") for content in iter(lambda: file.read(BLOCK_BYTES), b""))

    def placed_lines(self, name: str, kind: type[T]) -> Iterator[tuple[T, int]]:
        """The records of a file, each with the byte at which its line begins. Raises StoreError."""
        place = 0
        for block, lines in self._blocks(name, kind):
            for record, line in zip(block, lines, strict=True):
                yield record, place
                place += len(line)

    def _blocks(
        self, name: str, kind: type[T], start: int = 0, matches: Callable[[bytes], bool] | None = None
    ) -> Iterator[tuple[list[T], list[bytes]]]:
        """Some records at a time, with their lines."""
        first = 1
        with self._opened(name) as file:
            file.seek(start)
            while lines := file.readlines(BLOCK_BYTES):
                selected = lines if matches is None else list(filter(matches, lines))
                yield self._parsed(name, first, selected, kind), selected
                first += len(lines)

    def _parsed(self, name: str, first: int, lines: list[bytes], kind: type[T]) -> list[T]:
        """Records of some lines at once: so they are parsed in half the time; what is wrong is found line by line."""
        try:
            records: list[T] = _list_adapter(kind).validate_json(b"[%b]" % b",".join(lines))
        except ValidationError:
            records = []
        if len(records) == len(lines):
            return records
        return [self.parse(name, number, line.strip(), kind) for number, line in enumerate(lines, first)]

    @contextmanager
    def _opened(self, name: str) -> Iterator[BinaryIO]:
        try:
            with (self.path / name).open("rb") as file:
                yield file
        except OSError as error:
            raise StoreError(f"{self.path / name}: {error.strerror}; run the earlier stage first") from error

    def content(self, name: str) -> bytes:
        """The bytes of a file. Raises StoreError."""
        with self._opened(name) as file:
            return file.read()

    def parse(self, name: str, line: int, text: bytes, kind: type[T]) -> T:
        """One record. Raises StoreError that names file and line."""
        try:
            record: T = _adapter(kind).validate_json(text)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise StoreError(f"{self.path / name}:{line}: not a {kind.__name__} record: {problem}") from error
        return record
