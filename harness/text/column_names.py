"""A column that is not there mostly is, under a name that differs in what one hardly sees: the message says in what."""

import difflib
import re
from collections.abc import Collection, Mapping
from typing import TypedDict

from harness.errors import nearest
from harness.text.excerpts import shortened
from harness.text.normalise import Punctuation, normalise


class _Switches(TypedDict):
    nfkc: bool
    punctuation: Punctuation
    case: bool
    whitespace: bool


_DIFFERENCES: Mapping[str, _Switches] = {
    "full-width and half-width characters": {"nfkc": True, "punctuation": "unify", "case": False, "whitespace": False},
    "upper and lower case": {"nfkc": False, "punctuation": "keep", "case": True, "whitespace": False},
    "spaces or signs that are not seen": {"nfkc": False, "punctuation": "keep", "case": False, "whitespace": True},
}
_SEPARATOR = re.compile("[;\t|，]")


def column_remedy(column: str, columns: Collection[str], required: Collection[str] = ()) -> str:
    """What to do about a column that a file lacks; `required` are all that are looked for, this one among them."""
    return (
        _separator_of(columns)
        or _twin_of(column, columns)
        or _merged(column, columns, required)
        or _near(column, columns)
    )


def _separator_of(columns: Collection[str]) -> str | None:
    """Of a file whose only column is a whole header with another separator."""
    only = next(iter(columns), "")
    if len(columns) == 1 and (sign := _SEPARATOR.search(only)):
        return (
            f"the header, {shortened(only, 60)!r}, is divided by {sign[0]!r}; save the file with commas, or give "
            f"csv its delimiter: {sign[0]!r}"
        )
    return None


def _twin_of(column: str, columns: Collection[str]) -> str | None:
    """Of a column whose name is the same but for writing."""
    double = next((name for name in columns if _plain(name) == _plain(column)), None)
    if double is None:
        return None
    equal = [
        kind
        for kind, switches in _DIFFERENCES.items()
        if normalise(double, **switches) == normalise(column, **switches)
    ]
    difference = next(iter(equal), "width, case or spaces of its characters")
    return f"'{double}' there differs only in {difference}; write it so in the suite, or rename it in the file"


def _merged(column: str, columns: Collection[str], required: Collection[str]) -> str | None:
    """Of a column whose name holds this one's and another one's that is looked for, too."""
    for name in columns:
        parts = [part for part in dict.fromkeys((column, *required)) if _plain(part) in _plain(name)]
        if column in parts and len(parts) > 1 and name not in required:
            return f"'{name}' there seems to be {' and '.join(parts)} in one; split it into a column each"
    return None


def _near(column: str, columns: Collection[str]) -> str:
    by_plain = {_plain(name): name for name in columns}
    close = difflib.get_close_matches(_plain(column), by_plain, n=1)
    return f"did you mean {by_plain[close[0]]}?" if close else nearest(column, columns)


def _plain(name: str) -> str:
    return normalise(name).replace(" ", "")
