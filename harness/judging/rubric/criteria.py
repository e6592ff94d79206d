"""What a judge goes by, whatever it is asked: a scale with its dimensions, and how the material is fenced."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import count


@dataclass(frozen=True)
class Dimension:
    """One thing that is judged. `name` is its key in a reply and the figure `metric.name`."""

    name: str
    title: str
    text: str  # what is judged
    anchors: Mapping[float, str]  # what a score means, in the order of the scores; perhaps none


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What is judged, in one language. Scores lie in [low, high], higher is better; `whole` says they are integers."""

    name: str
    language: str
    low: float
    high: float
    whole: bool
    dimensions: tuple[Dimension, ...]
    text: str  # the file as it is: what the report shows, and part of what identifies a judge


def fenced(material: Mapping[str, str]) -> dict[str, str]:
    """Each text between tags of its name that no text can close; `mark`, in which they end, is among the values."""
    mark = _mark(material.values())
    return {**{name: f"<{name}-{mark}>\n{text}\n</{name}-{mark}>" for name, text in material.items()}, "mark": mark}


def _mark(texts: Collection[str]) -> str:
    """Eight hexadecimal digits that stand in none of the texts; the same for the same texts in any order.

    The tags around each text end in them, so that no text can close its own tag.
    """
    content = "\x00".join(sorted(texts))
    for attempt in count():
        mark = sha256(f"{attempt}\x00{content}".encode("utf-8", "replace")).hexdigest()[:8]
        if mark not in content.casefold():
            return mark
    raise AssertionError("count() does not end")
