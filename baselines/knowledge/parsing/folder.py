"""Knowledge bases of documents: one file, or a folder of files with all its folders; each document is an entry."""

import os
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path, PurePath
from typing import ClassVar

from pydantic import Field, field_validator

from baselines.knowledge.parsing.collection import Entry, KnowledgeBase, Unreadable
from baselines.knowledge.parsing.splitting import SplitOption, Splitting
from harness.errors import DataError, shown_path


class DocumentFolder(KnowledgeBase):
    """Base of the forms whose entries are whole files."""

    suffixes: ClassVar[tuple[str, ...]]
    has_headings: ClassVar[bool] = True
    remedy: ClassVar[str]  # said where no file of a folder is chosen

    split: SplitOption = Field(default_factory=partial(Splitting, by="headings"))
    """How documents are cut into passages; default: Markdown at its headings, others not; none: whole documents."""
    pattern: str | None = None
    """Which files of a folder are read, e.g. "guides/*.md"; null: all of a form that is read here."""

    @field_validator("pattern")
    @classmethod
    def _pattern_fits(cls, pattern: str | None) -> str | None:
        parts = PurePath(pattern or "").parts
        if pattern is None:
            return pattern
        if not parts or pattern.startswith(("/", "~")) or PurePath(pattern).is_absolute() or ".." in parts:
            raise ValueError(f"'{shown_path(pattern)}' must be of names below path, e.g. \"guides/*.md\"")
        if any("**" in part and part != "**" for part in parts):
            raise ValueError(f"'{shown_path(pattern)}': ** is a whole folder name, e.g. \"**/*.md\"")
        if "\0" in pattern or any(len(part.encode()) > 255 for part in parts):
            raise ValueError(f"'{shown_path(pattern)}' can be the name of no file")
        return pattern

    @abstractmethod
    def document(self, file: Path) -> tuple[str, str, bool]:
        """The text, the title, and whether the text is Markdown. Raises DataError for an unreadable document."""

    def entries(self, path: str) -> Iterable[Entry | Unreadable]:
        """One entry a document; in a folder its id is its path there, so that two versions can be compared."""
        root = Path(path)
        for file in self._chosen(root):
            name = file.relative_to(root).as_posix() if root.is_dir() else file.name
            try:
                text, title, markdown = self.document(file)
            except DataError as error:
                yield Unreadable(str(error))
            else:
                identifier = name if root.is_dir() else None
                yield Entry(text=text, source=name, id=identifier, title=title, place=str(file), markdown=markdown)

    def files(self, path: str) -> list[str]:
        """The file, or the files of the folder."""
        return [str(file) for file in self._chosen(Path(path))]

    def _chosen(self, root: Path) -> Iterator[Path]:
        """The file, or the files of a folder, sorted, without hidden ones. Raises DataError when there is none."""
        if not root.is_dir():
            yield root
            return
        if not os.access(root, os.R_OK | os.X_OK):
            raise DataError(f"{root}: the folder cannot be listed: Permission denied")
        visible = [
            file
            for file in root.rglob(self.pattern or "*")
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)
        ]
        chosen = [file for file in visible if self.pattern is not None or file.suffix.lower() in self.suffixes]
        if not chosen:
            kind = f"ending in {', '.join(self.suffixes)}" if self.pattern is None else f"that matches '{self.pattern}'"
            raise DataError(f"{root}: no file {kind}; {_contents(root)}{self.remedy}")
        yield from sorted(chosen, key=lambda file: file.relative_to(root).as_posix())


def _contents(root: Path) -> str:
    kinds = Counter(file.suffix.lower() or "no suffix" for file in root.rglob("*") if file.is_file())
    if not kinds:
        return "the folder is empty"
    return "it holds " + ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common(5))
