"""A file whose parts are finished in another order than they stand in: written one by one, joined at the end."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from harness.runtime.whole_files import replace_file, writing
from harness.text.blocks import inserted

T = TypeVar("T")
Additions = Mapping[Hashable, Iterable[tuple[int, Iterable[T]]]]
COPIED = 1 << 20  # bytes at once


class RecordParts(Generic[T]):
    """The parts of one file of records, beside it under the names that a killed run's halves have."""

    def __init__(self, target: Path, as_lines: Callable[[Iterable[T]], Iterator[bytes]]) -> None:
        self._target = target
        self._as_lines = as_lines
        self._paths: dict[Hashable, Path] = {}

    def extend(self, part: Hashable, records: Iterable[T]) -> None:
        """Write further records to a part. Raises StoreError."""
        is_new = part not in self._paths
        path = self._paths.setdefault(part, self._target.with_name(f".{self._target.name}.{len(self._paths)}.partial"))
        with writing(path), path.open("wb" if is_new else "ab") as file:
            file.writelines(self._as_lines(records))

    def join(self, order: Sequence[Hashable], additions: Additions[T] | None = None) -> None:
        """Put the parts together, in place of an older file; a part of which nothing was written is empty.

        `additions` come in between: of a part, records and how many of its own stand before them.
        """
        with writing(self._target):
            replace_file(self._target, self._content(order, additions or {}))

    def _content(self, order: Sequence[Hashable], additions: Additions[T]) -> Iterator[bytes]:
        for part in order:
            added = ((before, self._as_lines(records)) for before, records in additions.get(part, ()))
            path = self._paths.pop(part, None)
            if path is None:
                yield from inserted((), added)
                continue
            with path.open("rb") as file:
                yield from inserted(file, added) if part in additions else iter(lambda: file.read(COPIED), b"")
            path.unlink()  # at no time do all records stand on the disk twice

    def discard(self) -> None:
        """Remove what was not joined."""
        for path in self._paths.values():
            with suppress(OSError):
                path.unlink()
        self._paths.clear()
