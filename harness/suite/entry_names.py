"""What may be the name of a suite, or of an entry of one of its sections."""

import re
import unicodedata

_NAME = re.compile(r"(?!\.+$)[^\s/\\:\x00-\x1f\x7f-\x9f]+")
_JOINERS = "\u200c\u200d"  # which some languages write within words
_LONGEST_NAME = 200


def name_problem(name: str) -> str | None:
    """Why a text cannot be a name; None if it can."""
    if not _NAME.fullmatch(name):
        return "is more than dots and has no spaces, colons or slashes"
    if hidden := next((c for c in name if unicodedata.category(c) == "Cf" and c not in _JOINERS), None):
        return f"has no characters that turn or hide text, such as U+{ord(hidden):04X}; leave it out"
    size = len(name.encode())
    return f"has at most {_LONGEST_NAME} bytes, not {size:,}; shorten it" if size > _LONGEST_NAME else None
