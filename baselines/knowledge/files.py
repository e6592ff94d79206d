"""Guidelines and notes lie in folders of Markdown and text files; headings become the titles of passages."""

from pathlib import Path
from typing import ClassVar

from baselines.knowledge.parsing.folder import DocumentFolder
from harness.readers.parsing.text_file import read_text

MARKDOWN = (".md", ".markdown")


class Files(DocumentFolder):
    """A .md or .txt file, or a folder of them with its folders; Markdown is cut at its headings, which become titles.

    In a folder an entry's id is its path there, so that two versions of a folder can be compared file by file.
    """

    suffixes: ClassVar[tuple[str, ...]] = (*MARKDOWN, ".txt")
    remedy: ClassVar[str] = "; pattern chooses others, documents reads PDF, DOCX and HTML"

    def document(self, file: Path) -> tuple[str, str, bool]:
        return read_text(str(file), self.encoding), "", file.suffix.lower() in MARKDOWN
