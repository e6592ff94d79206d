"""What a file of answers holds for one item: the reply, and whatever tells which item it is of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.inputs import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """One answer that another tool made."""

    line: int  # where it begins in the file; of an inspect log its number
    text: str | None  # the reply as it came; None: the file holds none for this item
    id: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)  # by name: what may be, or may hold, the item's input
    label: str | None = None  # what the file calls the right answer
    logprobs: tuple[float, ...] | None = None  # natural, of the options in their order, where these were scored
    doubtful: str | None = None  # the column of `text`, where its name is as often that of the right answers
    error: str | None = None  # why the other tool has no reply


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerColumns:
    """The names under which a suite says that a table holds things; None: they are looked for."""

    id: str | None = None
    answer: str | None = None
    input: str | None = None
    target: str | None = None


def text_in(value: JSON) -> str | None:
    """A value of a table as a reply: texts as they are, everything else as JSON writes it; None where there is none."""
    if value is None or (isinstance(value, float) and value != value):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
