"""Small turns of phrase that several sections share, in the language that is spoken."""

from collections.abc import Iterable

from reports.wording import say


def listed(names: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c", each name once."""
    distinct = list(dict.fromkeys(names))
    if len(distinct) == 1:
        return distinct[0]
    return say("nouns.pair_of", first=say("nouns.separator").join(distinct[:-1]), last=distinct[-1])


def counted(count: int, noun: str) -> str:
    """ "1 item", "1,200 items". The noun stands in the catalogue."""
    return say(f"nouns.{noun.replace(' ', '_')}", n=count, count=f"{count:,}")


def counted_range(counts: Iterable[int], noun: str) -> str:
    """ "30 items", or "28 to 30 items" where the counts differ."""
    smallest, *_, largest = sorted([*counts] * 2)
    if smallest == largest:
        return counted(largest, noun)
    span = say("nouns.range", low=f"{smallest:,}", high=f"{largest:,}")
    return say(f"nouns.{noun.replace(' ', '_')}", n=largest, count=span)


def parenthesised(*parts: str | None) -> str:
    """The parts that there are, e.g. "(95 % CI 1.0–2.0, p = 0.04)"."""
    return say("nouns.parenthesised", parts=joined(*parts))


def joined(*parts: str | None) -> str:
    """The parts that there are, with commas between them."""
    return say("nouns.comma").join(part for part in parts if part)


def quoted(texts: Iterable[str]) -> str:
    """ "“a”", "“a” and “b”", each text once."""
    return listed(say("nouns.quoted", text=text) for text in texts)


def shortened(name: str, most: int = 48) -> str:
    """A name that nobody could read in a sentence loses its end."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
