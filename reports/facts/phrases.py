"""Small turns of phrase that several sections share."""

from collections.abc import Iterable


def listed(names: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c", each name once."""
    distinct = list(dict.fromkeys(names))
    return distinct[0] if len(distinct) == 1 else f"{', '.join(distinct[:-1])} and {distinct[-1]}"


def counted(count: int, noun: str) -> str:
    """ "1 item", "1,200 items"."""
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def counted_range(counts: Iterable[int], noun: str) -> str:
    """ "30 items", or "28 to 30 items" where the counts differ."""
    smallest, *_, largest = sorted([*counts] * 2)
    return counted(largest, noun) if smallest == largest else f"{smallest:,} to {largest:,} {noun}s"


def parenthesised(*parts: str | None) -> str:
    """The parts that there are, e.g. "(95 % CI 1.0–2.0, p = 0.04)"."""
    return f"({joined(*parts)})"


def joined(*parts: str | None) -> str:
    """The parts that there are, with commas between them."""
    return ", ".join(part for part in parts if part)


def quoted(texts: Iterable[str]) -> str:
    """ "“a”", "“a” and “b”", each text once."""
    return listed(f"“{text}”" for text in texts)
