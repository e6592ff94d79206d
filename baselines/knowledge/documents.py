"""What hospitals and firms know stands in PDF, DOCX and HTML; markitdown turns it into Markdown."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.knowledge.parsing.collection import Entry, KnowledgeBase, Unreadable, folder_files
from harness.errors import DataError
from harness.readers.parsing.text_file import read_bytes, read_text

if TYPE_CHECKING:
    from markitdown import MarkItDown

SUFFIXES = (".pdf", ".docx", ".html", ".htm")
_LOCKED = ("PDFPasswordIncorrect", "PDFEncryptionError", "password", "encrypted")
_OLE = b"\xd0\xcf\x11\xe0"  # an old .doc, or a .docx with a password


class Documents(KnowledgeBase):
    """PDF, DOCX and HTML, one file or a folder of them with its folders; split, headings become titles.

    Needs `pip install 'domain-harness[documents]'`. Pictures are not read: a scanned PDF has no text.
    """

    pattern: str | None = None  # of the names in a folder, e.g. "guides/*.pdf"; default: .pdf, .docx, .html, .htm

    def entries(self, path: str) -> Iterator[Entry | Unreadable]:
        """One entry a document."""
        _converter(".html")  # without markitdown no document can be read: that is no fault of a document
        folder = Path(path)
        for file in self._found(path):
            name = file.relative_to(folder).as_posix() if folder.is_dir() else file.name
            own = name if folder.is_dir() else None
            try:
                text, title = self._converted(file)
            except DataError as error:
                yield Unreadable(str(error))
            else:
                yield Entry(text, name, own, title, place=str(file), markdown=True)

    def files(self, path: str) -> list[str]:
        """The file, or the files of the folder."""
        return [str(file) for file in self._found(path)]

    def _found(self, path: str) -> Iterator[Path]:
        return folder_files(path, self.pattern, SUFFIXES, "; files reads Markdown and text")

    def _converted(self, file: Path) -> tuple[str, str]:
        """Text as Markdown, and title. Raises DataError for what cannot be read."""
        from markitdown import MarkItDownException, StreamInfo

        suffix = file.suffix.lower()
        if suffix not in SUFFIXES:
            raise DataError(f"{file}: '{suffix}' files are not read; those are {', '.join(SUFFIXES)}")
        raw = read_bytes(str(file))
        if raw.startswith(_OLE):
            raise DataError(f"{file}: an old .doc or a file with a password; save it as .docx without one")
        if suffix in (".html", ".htm"):  # decoded here: a wrong guess of the encoding must be an error
            raw = read_text(str(file), self.encoding).encode()
        form = ".html" if suffix == ".htm" else suffix
        info = StreamInfo(extension=form, charset="utf-8")
        try:
            with _quiet():
                result = _converter(form).convert_stream(io.BytesIO(raw), stream_info=info)
        except (MarkItDownException, ValueError, RecursionError) as error:
            raise DataError(f"{file}: {_reason(error)}") from error
        if not result.markdown.strip():
            raise DataError(
                f"{file}: holds no text{'; are its pages scanned? Run OCR over it' if suffix == '.pdf' else ''}"
            )
        return result.markdown, result.title or ""


@cache
def _converter(suffix: str) -> "MarkItDown":
    """markitdown for one form only: with all of them it reads a broken PDF as plain text, objects and all."""
    try:
        with _quiet():
            from markitdown import MarkItDown
            from markitdown.converters import DocxConverter, HtmlConverter, PdfConverter
    except ImportError as error:
        raise DataError(f"documents needs markitdown: pip install 'domain-harness[documents]' ({error})") from error
    made = MarkItDown(enable_builtins=False, enable_plugins=False)
    made.register_converter({".pdf": PdfConverter, ".docx": DocxConverter, ".html": HtmlConverter}[suffix]())
    return made


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is said about fonts, colours and styles, which hold no text."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _reason(error: Exception) -> str:
    told = f"{type(error).__name__} {error}"
    if any(word in told for word in _LOCKED):
        return "is encrypted; save it without a password"
    if "MissingDependency" in told or "dependencies needed" in told:
        return "its format needs more of markitdown: pip install 'domain-harness[documents]'"
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
    return f"cannot be read, is it damaged? ({lines[-1] if lines else type(error).__name__})"
