"""Small turns of phrase that several sections share."""

from collections.abc import Iterable


def listed(names: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c", each once."""
    every = list(dict.fromkeys(names))
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}"


def counted(count: int, what: str) -> str:
    """ "1 item", "1,200 items"."""
    return f"{count:,} {what}{'s' if count != 1 else ''}"
