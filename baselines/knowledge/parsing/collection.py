"""Entries of any form become passages with stable ids; equal passages are merged."""

import json
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from baselines.knowledge.parsing.gold import ALSO_IDS, ALSO_IN, ENTRY_ID, Gold, GoldOption, require_column
from baselines.knowledge.parsing.splitting import SplitOption, Splitting
from baselines.knowledge.parsing.versions import Changes, Version, compare
from harness.components.fields import FilePath, LocalPath
from harness.components.knowledge import Knowledge
from harness.errors import DataError
from harness.records.inputs import JSON, Passage, PassageSet, Sample
from harness.records.outputs import Alternatives, RightAnswer

_LISTED = 5  # unreadable documents that are listed one by one
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True, slots=True)
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
    """A document or row that cannot be read: "file:line: reason"."""

    reason: str


class KnowledgeBase(Knowledge):
    """Base of the knowledge bases that are read from files; each form has its own entries."""

    has_headings: ClassVar[bool] = False  # its entries may be Markdown

    path: FilePath
    """The file or folder, relative to the suite's folder."""
    update: Annotated[str | None, LocalPath()] = None
    """A second version of the same form: the questions whose facts it changes are asked under both; null: none."""
    updated: str | None = None
    """The column of the task's rows with the answer that holds in the second version; null: told from the new text."""
    split: SplitOption = Field(default_factory=Splitting)
    """How entries are cut into passages: none, paragraph, sentence, tokens, or {by: …, size: …, overlap: …}."""
    gold: GoldOption = Field(default_factory=Gold)
    """How an item's right passages are known: text (equals a target), contains (holds one), or {by: …}."""
    encoding: str | None = None
    """The encoding of text files; null: UTF-8, then GB18030."""
    on_bad_document: Literal["error", "skip"] = "error"
    """What cannot be read ends the run with the reason, or is left out and listed."""

    @model_validator(mode="after")
    def _versions_differ(self) -> "KnowledgeBase":
        if self.update is not None and Path(self.update) == Path(self.path):
            raise ValueError("path and update must be different: two versions of the knowledge")
        if self.updated is not None and self.update is None:
            raise ValueError("updated needs update, the second version of the knowledge")
        if self.update is not None and self.sizes:
            raise ValueError("sizes and update exclude each other; give max_examples, one number of rows")
        return self

    @model_validator(mode="after")
    def _headings_are_there(self) -> "KnowledgeBase":
        if self.split.by == "headings" and not self.has_headings:
            raise ValueError("split: headings are cut at in Markdown only, which files and documents read")
        return self

    @abstractmethod
    def entries(self, path: str) -> Iterable[Entry | Unreadable]:
        """The entries of one version. Raises DataError when the whole file cannot be read."""

    def files(self, path: str) -> list[str]:
        """The files of one version."""
        return [path]

    def read(self) -> PassageSet:
        """The passages. Raises DataError with `file:line: reason`."""
        return self._version(self.path).passage_set

    def read_update(self) -> PassageSet | None:
        """The passages of the second version, if there is one. Raises DataError."""
        return None if self.update is None else self._version(self.update).passage_set

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError for a column named here that no sample has."""
        for column, parameter in ((self.gold.field, "gold: field"), (self.updated, "updated")):
            if column is not None:
                require_column(samples, column, parameter)

    def right_answers(self, samples: Sequence[Sample], passage_set: PassageSet) -> list[Alternatives]:
        """For each sample its right answers with the places of their passages; nothing where they are not known."""
        return self.gold.answers(samples, passage_set.passages)

    def is_clear(self, answer: RightAnswer) -> bool:
        """Equal texts all have a row's input as a name; of those that only contain the answer, one that is alone."""
        return self.gold.by == "text" or len(answer.passages) == 1

    def affected(self, samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
        """The samples whose answer differs in the second version, before and after; see `versions.compare`."""
        return self.changes(samples).affected

    def withdrawn(self, samples: Sequence[Sample]) -> list[Sample]:
        """The samples whose answer no longer holds in the second version and whose new one is not known."""
        return self.changes(samples).withdrawn

    def changes(self, samples: Sequence[Sample]) -> Changes:
        """Affected and withdrawn samples, in one pass over the two versions."""
        if self.update is None:
            return Changes([], [])
        return compare(samples, self._version(self.path), self._version(self.update), self.gold, self.updated)

    def sources(self) -> tuple[str, ...]:
        """All files of both versions."""
        return tuple(file for path in (self.path, self.update) if path is not None for file in self.files(path))

    def _version(self, path: str) -> Version:
        entries = list(self.entries(path))
        faults = [entry.reason for entry in entries if isinstance(entry, Unreadable)]
        if faults and self.on_bad_document == "error":
            more = [f"and {len(faults) - _LISTED} more"] if len(faults) > _LISTED else []
            *lines, last = [*faults[:_LISTED], *more]
            raise DataError(*lines, f"{last} (on_bad_document: skip leaves out what is unreadable)")
        merger = _PassageMerger()
        for entry in entries:
            if isinstance(entry, Entry):
                merger.add(entry, self._pieces(entry))
        if not merger.drafts:
            first = f"; left out: {faults[0]}" if faults else ""
            raise DataError(
                f"{path}: holds no passage, only blank entries{first}" if entries else f"{path}: holds nothing"
            )
        return merger.version(tuple(faults))

    def _pieces(self, entry: Entry) -> list[tuple[str, str]]:
        """Title and text of each passage of an entry."""
        text = readable(entry.text)
        if not entry.markdown or self.split.by == "none":
            return [(entry.title.strip(), piece) for piece in self.split.pieces(text)]
        from baselines.knowledge.parsing.text_spans import sections

        return [
            (title or entry.title.strip(), piece) for title, body in sections(text) for piece in self.split.pieces(body)
        ]


def readable(text: str) -> str:
    """A text with plain newlines (pages end with one too), and spaces for control characters, which have no meaning."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\v", "\n")
    return _CONTROL.sub(" ", lines)


@dataclass(slots=True)
class _Draft:
    """A passage while equal ones are still being merged into it."""

    id: str
    text: str
    title: str
    position: int
    entry: Entry
    copies: int = 1
    owners: list[str] = field(default_factory=list)  # the entries with ids of their own that it stands in
    sources: list[str] = field(default_factory=list)  # further sources that it stands in

    def passage(self) -> Passage:
        meta = dict(self.entry.meta)
        if self.entry.id is not None and self.id != self.entry.id:
            meta[ENTRY_ID] = self.entry.id
        if self.owners[1:]:
            meta[ALSO_IDS] = self.owners[1:]
        if self.sources:
            meta[ALSO_IN] = self.sources
        return Passage(
            id=self.id,
            text=self.text,
            source=self.entry.source,
            title=self.title,
            position=self.position,
            meta=meta,
            copies=self.copies,
        )


class _PassageMerger:
    """Numbers passages by source, merges those with equal text, title and meta, refuses an id with two meanings."""

    def __init__(self) -> None:
        self.drafts: dict[tuple[str, str, str], _Draft] = {}  # by text, title and meta, which filters look at
        self._names: dict[str, str | None] = {}  # a passage's id → its entry
        self._positions: Counter[str] = Counter()
        self._ids: dict[str, tuple[str, list[tuple[str, str]]]] = {}  # entry → where it stands, its pieces

    def add(self, entry: Entry, pieces: list[tuple[str, str]]) -> None:
        self._refuse(entry, pieces)
        meta = json.dumps(entry.meta, sort_keys=True, default=str)
        for number, (title, text) in enumerate(pieces, start=1):
            self._positions[entry.source] += 1
            position = self._positions[entry.source]
            draft = self.drafts.get((text, title, meta))
            if draft is None:
                name = entry.id if len(pieces) == 1 else f"{entry.id}#{number}"
                if entry.id is None or name is None or self._names.get(name) == entry.id:  # equal but for its meta
                    name = f"{entry.source}:{position}"
                self._names.setdefault(name, entry.id)
                draft = self.drafts[text, title, meta] = _Draft(
                    id=name, text=text, title=title, position=position, entry=entry
                )
            else:
                draft.copies += 1
                if entry.source != draft.entry.source and entry.source not in draft.sources:
                    draft.sources.append(entry.source)
            if entry.id is not None and entry.id not in draft.owners:
                draft.owners.append(entry.id)

    def version(self, skipped: tuple[str, ...]) -> Version:
        drafts = list(self.drafts.values())
        twice = [name for name, count in Counter(draft.id for draft in drafts).items() if count > 1]
        if twice:
            place = next(draft.entry.place for draft in reversed(drafts) if draft.id == twice[0])
            raise DataError(
                f"{place}: two passages would have the id '{twice[0]}'; ids must not end like that of a part"
            )
        merged = sum(draft.copies - 1 for draft in drafts)
        passage_set = PassageSet(tuple(draft.passage() for draft in drafts), merged, skipped)
        return Version(passage_set, tuple(tuple(draft.owners) for draft in drafts))

    def _refuse(self, entry: Entry, pieces: list[tuple[str, str]]) -> None:
        reserved = next((name for name in (ENTRY_ID, ALSO_IDS, ALSO_IN) if name in entry.meta), None)
        if reserved is not None:
            raise DataError(f"{entry.place}: rename the column '{reserved}': the knowledge base needs this name itself")
        if entry.id is None:
            return
        where, before = self._ids.setdefault(entry.id, (entry.place, pieces))
        if before != pieces:
            raise DataError(
                f"{entry.place}: id '{entry.id}' also stands at {where}, with another text or title; every entry needs "
                "its own id (without ids, passages are numbered)"
            )
