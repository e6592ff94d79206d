"""Bytes become text in one place, so that a wrong encoding is an error with a remedy and never mojibake in a score."""

import codecs
import difflib
from pathlib import Path

from harness.errors import DataError

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_bytes(path: str) -> bytes:
    """The content of a file that must exist and hold something. Raises DataError."""
    file = Path(path)
    if not file.exists():
        raise DataError(f"{path}: no such file{_remedy(file)}")
    if file.is_dir():
        raise DataError(f"{path}: is a folder; name one file in it")
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if not raw.strip():
        raise DataError(f"{path}: is empty")
    return raw


def read_text(path: str, encoding: str | None = None) -> str:
    """The text of a file without its byte order mark.

    `encoding` None: the byte order mark decides, else UTF-8 and then GB18030 is tried on the whole file. Raises
    DataError naming the line of the first byte that does not fit.
    """
    raw = read_bytes(path)
    if encoding is None:
        return _detect(raw, path).removeprefix("\ufeff")
    try:
        return raw.decode(codecs.lookup(encoding).name).removeprefix("\ufeff")
    except LookupError:
        raise DataError(
            f"{path}: encoding: {encoding} is not a known encoding; examples: utf-8, gb18030, big5, utf-16"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{_line(raw, error)}: byte 0x{raw[error.start]:02x} is not {encoding}; give another encoding:, "
            "or leave it out to have it detected"
        ) from error


def _detect(raw: bytes, path: str) -> str:
    for mark, name in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return read_text(path, name)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = _line(raw, error)
        if _mostly_utf8(raw):
            raise DataError(
                f"{path}:{line}: byte 0x{raw[error.start]:02x} breaks a text that is UTF-8 elsewhere; mend the line"
            ) from error
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{line}: neither UTF-8 nor (line {_line(raw, error)}) GB18030; give encoding:{_guess(raw)}"
        ) from error


def _mostly_utf8(raw: bytes) -> bool:
    """Whether most lines beyond ASCII are UTF-8: damaged UTF-8 often passes as GB18030, but as nonsense."""
    fits = breaks = 0
    for line in raw.split(b"\n"):
        if not line.isascii():
            try:
                line.decode("utf-8")
                fits += 1
            except UnicodeDecodeError:
                breaks += 1
    return fits > breaks


def _guess(raw: bytes) -> str:
    from charset_normalizer import from_bytes  # only here: importing it costs more than reading most files

    best = from_bytes(raw).best()
    return f", perhaps {best.encoding}" if best is not None and best.encoding != "utf_8" else ""


def _line(raw: bytes, error: UnicodeDecodeError) -> int:
    return raw.count(b"\n", 0, error.start) + 1


def _remedy(file: Path) -> str:
    if not file.parent.is_dir():
        return f" (nor a folder {file.parent})"
    close = difflib.get_close_matches(file.name, sorted(entry.name for entry in file.parent.iterdir()), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
