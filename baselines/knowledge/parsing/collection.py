"""What all knowledge bases share: entries of any form become passages with stable ids, equal ones merged."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from baselines.knowledge.parsing.gold import ALSO_IDS, ALSO_IN, ENTRY_ID, Gold, GoldOption, require_column
from baselines.knowledge.parsing.splitting import Split, SplitOption, sections
from baselines.knowledge.parsing.versions import Changes, Version, compare
from harness.components.fields import FilePath, LocalPath
from harness.components.knowledge import Knowledge
from harness.errors import DataError
from harness.records.inputs import JSON, Passage, PassageSet, Sample

_SHOWN = 5  # unreadable documents told one by one
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as its file has it: a line, a row, a document."""

    text: str
    source: str  # as it is cited
    id: str | None = None  # its own identifier; None: its passages are numbered
    title: str = ""
    meta: Mapping[str, JSON] = field(default_factory=dict)
    place: str = ""  # "file:line" for messages
    markdown: bool = False  # headings become titles when it is split


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A document or row that is none: "file:line: reason"."""

    reason: str


class KnowledgeBase(Knowledge):
    """Base of knowledge bases that are read from files: a form says what its entries are."""

    path: FilePath
    update: Annotated[str | None, LocalPath()] = None  # a second version of the same form
    updated: str | None = None  # the column of the task's rows with the answer that holds in the second version
    split: SplitOption = Field(default_factory=Split)
    gold: GoldOption = Field(default_factory=Gold)
    encoding: str | None = None
    on_bad_document: Literal["error", "skip"] = "error"

    @model_validator(mode="after")
    def _versions_differ(self) -> "KnowledgeBase":
        if self.update is not None and Path(self.update) == Path(self.path):
            raise ValueError("path and update must be different: two versions of the knowledge")
        if self.updated is not None and self.update is None:
            raise ValueError("updated needs update, the second version of the knowledge")
        return self

    def entries(self, path: str) -> Iterable[Entry | Unreadable]:
        """The entries of one version. Raises DataError when it cannot be read as a whole."""
        raise NotImplementedError

    def files(self, path: str) -> list[str]:
        """The files of one version."""
        return [path]

    def read(self) -> PassageSet:
        """The passages. Raises DataError with `file:line: reason`."""
        return self._version(self.path).corpus

    def read_update(self) -> PassageSet | None:
        """The passages of the second version, if there is one. Raises DataError."""
        return None if self.update is None else self._version(self.update).corpus

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError for a column named here that no sample has."""
        for column, parameter in ((self.gold.field, "gold: field"), (self.updated, "updated")):
            if column is not None:
                require_column(samples, column, parameter)

    def gold_places(self, samples: Sequence[Sample], corpus: PassageSet) -> list[tuple[int, ...]]:
        """For each sample the places of its right passages; none where they are not known."""
        return self.gold.find(samples, corpus.passages)

    def affected(self, samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
        """The samples whose answer is another in the second version, before and after; see `versions.compare`."""
        return self.changes(samples).affected

    def withdrawn(self, samples: Sequence[Sample]) -> list[Sample]:
        """The samples whose answer no longer holds in the second version and whose new one is not known."""
        return self.changes(samples).withdrawn

    def changes(self, samples: Sequence[Sample]) -> Changes:
        """Both in one pass over the two versions."""
        if self.update is None:
            return Changes([], [])
        return compare(samples, self._version(self.path), self._version(self.update), self.gold, self.updated)

    def sources(self) -> tuple[str, ...]:
        """All files of both versions."""
        return tuple(file for path in (self.path, self.update) if path is not None for file in self.files(path))

    def _version(self, path: str) -> Version:
        found = list(self.entries(path))
        faults = [item.reason for item in found if isinstance(item, Unreadable)]
        if faults and self.on_bad_document == "error":
            more = f"\nand {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
            raise DataError(
                "\n".join(faults[:_SHOWN]) + more + " (on_bad_document: skip leaves out what is unreadable)"
            )
        gathering = _Gathering()
        for item in found:
            if isinstance(item, Entry):
                gathering.add(item, self._pieces(item))
        if not gathering.passages:
            first = f"; left out: {faults[0]}" if faults else ""
            raise DataError(
                f"{path}: holds no passage, only blank entries{first}" if found else f"{path}: holds nothing"
            )
        return gathering.version(tuple(faults))

    def _pieces(self, entry: Entry) -> list[tuple[str, str]]:
        """Title and text of each passage of an entry."""
        text = readable(entry.text)
        if not entry.markdown or self.split.by == "none":
            return [(entry.title.strip(), piece) for piece in self.split.pieces(text)]
        return [
            (title or entry.title.strip(), piece) for title, body in sections(text) for piece in self.split.pieces(body)
        ]


def readable(text: str) -> str:
    """A text with plain newlines (pages end with one too), and spaces for control characters, which have no meaning."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\v", "\n")
    return _CONTROL.sub(" ", lines)


@dataclass(slots=True)
class _Draft:
    """A passage while equal ones are still being found."""

    id: str
    text: str
    title: str
    position: int
    entry: Entry
    copies: int = 1
    owners: list[str] = field(default_factory=list)  # the entries with ids of their own that it stands in
    sources: list[str] = field(default_factory=list)  # other sources that it stands in

    def passage(self) -> Passage:
        meta = dict(self.entry.meta)
        if self.entry.id is not None and self.id != self.entry.id:
            meta[ENTRY_ID] = self.entry.id
        if self.owners[1:]:
            meta[ALSO_IDS] = self.owners[1:]
        if self.sources:
            meta[ALSO_IN] = self.sources
        return Passage(self.id, self.text, self.entry.source, self.title, self.position, meta, self.copies)


class _Gathering:
    """Numbers passages by source, merges those equal in all that is known of them, refuses an id with two meanings."""

    def __init__(self) -> None:
        self.passages: dict[tuple[str, str, str], _Draft] = {}  # by text, title and meta, which filters look at
        self._names: dict[str, str | None] = {}  # a passage's id → its entry
        self._positions: Counter[str] = Counter()
        self._ids: dict[str, tuple[str, list[tuple[str, str]]]] = {}  # entry → where it stands, its pieces

    def add(self, entry: Entry, pieces: list[tuple[str, str]]) -> None:
        self._refuse(entry, pieces)
        meta = json.dumps(entry.meta, sort_keys=True, default=str)
        for number, (title, text) in enumerate(pieces, start=1):
            self._positions[entry.source] += 1
            position = self._positions[entry.source]
            known = self.passages.get((text, title, meta))
            if known is None:
                own = entry.id if len(pieces) == 1 else f"{entry.id}#{number}"
                if entry.id is None or own is None or self._names.get(own) == entry.id:  # the same with another meta
                    own = f"{entry.source}:{position}"
                self._names.setdefault(own, entry.id)
                known = self.passages[text, title, meta] = _Draft(own, text, title, position, entry)
            else:
                known.copies += 1
                if entry.source != known.entry.source and entry.source not in known.sources:
                    known.sources.append(entry.source)
            if entry.id is not None and entry.id not in known.owners:
                known.owners.append(entry.id)

    def version(self, skipped: tuple[str, ...]) -> Version:
        drafts = list(self.passages.values())
        twice = [name for name, count in Counter(draft.id for draft in drafts).items() if count > 1]
        if twice:
            place = next(draft.entry.place for draft in reversed(drafts) if draft.id == twice[0])
            raise DataError(
                f"{place}: two passages would have the id '{twice[0]}'; ids must not end like that of a part"
            )
        merged = sum(draft.copies - 1 for draft in drafts)
        corpus = PassageSet(tuple(draft.passage() for draft in drafts), merged, skipped)
        return Version(corpus, tuple(tuple(draft.owners) for draft in drafts))

    def _refuse(self, entry: Entry, pieces: list[tuple[str, str]]) -> None:
        reserved = next((name for name in (ENTRY_ID, ALSO_IDS, ALSO_IN) if name in entry.meta), None)
        if reserved is not None:
            raise DataError(f"{entry.place}: rename the column '{reserved}': the knowledge base keeps notes under it")
        if entry.id is None:
            return
        where, before = self._ids.setdefault(entry.id, (entry.place, pieces))
        if before != pieces:
            raise DataError(
                f"{entry.place}: id '{entry.id}' also stands at {where}, with another text or title; every entry needs "
                "its own id (without any, passages are numbered)"
            )


def folder_files(path: str, pattern: str | None, suffixes: Sequence[str], remedy: str = "") -> Iterator[Path]:
    """The file, or the files of a folder with all its folders, sorted, without hidden ones.

    Those that match the pattern, or without one those with the suffixes. Raises DataError when there is none.
    """
    root = Path(path)
    if not root.is_dir():
        yield root
        return
    visible = [
        file
        for file in root.rglob(pattern or "*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]
    chosen = [file for file in visible if pattern is not None or file.suffix.lower() in suffixes]
    if not chosen:
        wanted = f"that matches '{pattern}'" if pattern is not None else f"ending in {', '.join(suffixes)}"
        raise DataError(f"{path}: no file {wanted}; {_held(root)}{remedy}")
    yield from sorted(chosen, key=lambda file: file.relative_to(root).as_posix())


def _held(root: Path) -> str:
    kinds = Counter(file.suffix.lower() or "no suffix" for file in root.rglob("*") if file.is_file())
    if not kinds:
        return "the folder is empty"
    return "it holds " + ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common(5))
