"""What hospitals and firms know stands in PDF, DOCX and HTML; markitdown turns it into Markdown."""

import io
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from baselines.knowledge.parsing.collection import Entry, Unreadable
from baselines.knowledge.parsing.folder import DocumentFolder
from harness.errors import DataError
from harness.readers.parsing.text_file import read_bytes, read_text

if TYPE_CHECKING:
    from markitdown import MarkItDown

_LOCKED = ("PDFPasswordIncorrect", "PDFEncryptionError", "password", "encrypted")
_OLE = b"\xd0\xcf\x11\xe0"  # an old .doc, or a .docx with a password


class Documents(DocumentFolder):
    """PDF, DOCX and HTML, one file or a folder of them, cut at their headings, which become titles.

    Needs `pip install 'domain-harness[documents]'`. Pictures are not read: a scanned PDF has no text.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".pdf", ".docx", ".html", ".htm")
    remedy: ClassVar[str] = "; files reads Markdown and text"

    def entries(self, path: str) -> Iterable[Entry | Unreadable]:
        """One entry a document."""
        _converter(".html")  # without markitdown no document can be read: that is no fault of a document
        return super().entries(path)

    def document(self, file: Path) -> tuple[str, str, bool]:
        from markitdown import MarkItDownException, StreamInfo

        suffix = file.suffix.lower()
        if suffix not in self.suffixes:
            raise DataError(f"{file}: '{suffix}' files are not read; the forms read are {', '.join(self.suffixes)}")
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
        return result.markdown, result.title or "", True


@cache
def _converter(suffix: str) -> "MarkItDown":
    """markitdown for one form only: with all its forms it reads a broken PDF as plain text, objects and all."""
    try:
        with _quiet():
            from markitdown import MarkItDown
            from markitdown.converters import DocxConverter, HtmlConverter, PdfConverter
    except ImportError as error:
        raise DataError(f"documents needs markitdown: pip install 'domain-harness[documents]' ({error})") from error
    converter = MarkItDown(enable_builtins=False, enable_plugins=False)
    converter.register_converter({".pdf": PdfConverter, ".docx": DocxConverter, ".html": HtmlConverter}[suffix]())
    return converter


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings about fonts, colours and styles, which hold no text."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _reason(error: Exception) -> str:
    message = f"{type(error).__name__} {error}"
    if any(word in message for word in _LOCKED):
        return "is encrypted; save it without a password"
    if "MissingDependency" in message or "dependencies needed" in message:
        return "its format needs more of markitdown: pip install 'domain-harness[documents]'"
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
    return f"cannot be read, is it damaged? ({lines[-1] if lines else type(error).__name__})"
