"""Guidelines and notes lie in folders of Markdown and text files; headings say what a passage is about."""

from collections.abc import Iterator
from pathlib import Path

from baselines.knowledge.parsing.collection import Entry, KnowledgeBase, Unreadable, folder_files
from harness.errors import DataError
from harness.readers.parsing.text_file import read_text

SUFFIXES = (".md", ".markdown", ".txt")
MARKDOWN = (".md", ".markdown")


class Files(KnowledgeBase):
    """A .md or .txt file, or a folder of them with its folders; split, Markdown headings become titles.

    In a folder an entry's id is its path there, so that two versions of a folder can be compared file by file.
    """

    pattern: str | None = None  # of the names in a folder, e.g. "*.rst" or "guides/*.md"; default: .md, .markdown, .txt

    def entries(self, path: str) -> Iterator[Entry | Unreadable]:
        """One entry a file."""
        folder = Path(path)
        for file in self._found(path):
            name = file.relative_to(folder).as_posix() if folder.is_dir() else file.name
            try:
                text = read_text(str(file), self.encoding)
            except DataError as error:
                yield Unreadable(str(error))
            else:
                own = name if folder.is_dir() else None
                yield Entry(text, name, own, place=str(file), markdown=file.suffix.lower() in MARKDOWN)

    def files(self, path: str) -> list[str]:
        """The file, or the files of the folder."""
        return [str(file) for file in self._found(path)]

    def _found(self, path: str) -> Iterator[Path]:
        return folder_files(
            path, self.pattern, SUFFIXES, "; pattern chooses others, documents reads PDF, DOCX and HTML"
        )
