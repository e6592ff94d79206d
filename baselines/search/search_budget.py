"""How many calls a search may make, and the fewest with which it can make a beginning."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.inputs import Sample

FEWEST_ROWS = 5  # that every setting answers before any is given up
AMPLE_ROWS = 10  # that it answers first where half of the budget is enough for them
_CALLS = re.compile(r"(\d[\d,_]*)(?: calls?)?")


def _calls(value: Any) -> Any:
    """The number in "2,000 calls"; whatever else it is, validation says."""
    if isinstance(value, str):
        match = _CALLS.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"must be a number of calls, e.g. 2000 calls, not {value}")
        return int(re.sub("[,_]", "", match[1]))
    return value


Budget = Annotated[
    int,
    BeforeValidator(_calls),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\d[\d,_]*( calls?)?$"}]}
    ),
]


def most_calls(variant: Variant, task: Task, rows: Sequence[Sample], count: int) -> int:
    """The calls for so many of the rows, be they those that take most."""
    kinds = {len(row.options): row for row in rows}  # circular questions take a call an option
    return count * max(variant.calls(task, [row]) for row in kinds.values())


def largest(count: int, is_affordable: Callable[[int], bool]) -> int:
    """The largest number up to `count` that is affordable; 0 always is, and less than what is affordable is, too."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_affordable(middle) else (low, middle - 1)
    return low
