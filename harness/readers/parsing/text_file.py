"""Bytes become text in one place, so that a wrong encoding is an error with a remedy and never mojibake in a score."""

import codecs
import difflib
import stat
from pathlib import Path

from harness.errors import DataError, reason_of, shown_path

_NO_CHARACTER_SETS = {"undefined", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "mbcs", "oem"}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_bytes(path: str) -> bytes:
    """The content of a file that must exist and hold something. Raises DataError."""
    file = Path(path)
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            raise DataError(f"{path}: is a folder; name one file in it")
        if not stat.S_ISREG(mode):  # reading a pipe waits for ever, a device may never end
            raise DataError(f"{path}: is a pipe, a device or a socket; name a file")
        raw = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path}: no such file{_remedy(file)}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{shown_path(path)}: cannot be read: {reason_of(error)}") from error
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
        return raw.decode(_known_encoding(encoding)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        place = min(error.start, len(raw) - 1)
        raise DataError(
            f"{path}:{_line(raw, error)}: byte 0x{raw[place]:02x} is not {encoding}; give another encoding:, "
            "or leave it out to have it detected"
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _known_encoding(encoding: str) -> str:
    """Python's name of an encoding that stands for characters. Raises ValueError for any other."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # refuses what turns bytes into bytes, e.g. base64
    except (LookupError, ValueError):
        name = ""
    if not name or name in _NO_CHARACTER_SETS:
        raise ValueError(f"encoding: {encoding} is not a known encoding; examples: utf-8, gb18030, big5, utf-16")
    return name


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
    try:
        names = sorted(entry.name for entry in file.parent.iterdir())
    except FileNotFoundError:
        return f" (nor a folder {file.parent})"
    except OSError as error:
        return f" ({file.parent}: {reason_of(error)})"
    close = difflib.get_close_matches(file.name, names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
