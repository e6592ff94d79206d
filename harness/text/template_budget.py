"""What a template may compute: steps and characters, spent before they are made.

Counted instead of timed, so that a prompt is refused on every machine or on none.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import TemplateRuntimeError

from harness.text.normalise import is_missing

CHARACTERS, STEPS = 20_000_000, 200_000  # that one rendering may make and take; a long prompt has 1 % of either
STEP = CHARACTERS // STEPS
_LARGEST_WIDTH, _MOST_BITS = 1_000, 4_096  # of padding or a count; of a product or power
# A width beyond any text, or one that is computed
_PERCENT_WIDTH, _BRACE_WIDTH = re.compile(r"%[^a-zA-Z%]*?(?:\d{4}|\*)"), re.compile(r"\{[^{}]*:[^{}]*(?:\d{4}|\{)")
_left: ContextVar[list[int]] = ContextVar("characters that the rendering may still make")


class TooMuchError(TemplateRuntimeError):
    """A template computes more than a prompt needs."""

    def __init__(self) -> None:
        super().__init__(
            f"it computes too much; a prompt takes at most {STEPS:,} steps and {CHARACTERS:,} characters, numbers of "
            f"{_MOST_BITS:,} bits"
        )


@contextmanager
def budget() -> Iterator[None]:
    """What is rendered inside shares one budget."""
    token = _left.set([CHARACTERS])
    try:
        yield
    finally:
        _left.reset(token)


def spend(amount: int) -> None:
    """Take characters from the budget of this rendering. Raises TooMuchError when it has none left."""
    left = _left.get()
    left[0] -= amount
    if left[0] < 0:
        raise TooMuchError


def spend_on(value: object) -> None:
    """Spend what it takes to look at all of a value; one that holds itself many times over is never walked to its end.

    Raises TemplateRuntimeError for what has no text of its own: Python would show an address, another in each run.
    """
    most, total, inside = _left.get()[0], 0, [value]
    while inside and total <= most:
        item = inside.pop()
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, list | tuple | dict):
            total += STEP * len(item)
            inside += [*item, *item.values()] if isinstance(item, dict) else item
        elif isinstance(item, range):
            total += STEP * len(item)
        elif isinstance(item, int):
            total += item.bit_length() // 8
        elif isinstance(item, Iterator) or (callable(item) and not isinstance(item, Undefined)):
            kind = "a function; call it with ()" if callable(item) else f"a {type(item).__name__}; use | list or | join"
            raise TemplateRuntimeError(f"a text cannot hold {kind}")
    spend(total)


def counted(items: Iterable[Any]) -> Iterator[Any]:
    """The items, a step spent for each. Raises TooMuchError."""
    for item in items:
        spend(STEP)
        yield item


def printable(value: Any) -> Any:
    """What a template prints: nothing for null and NaN, never their names in Python."""
    if is_missing(value):
        return ""
    spend_on(value)
    return value


def _sized(*arguments: object, **named: object) -> None:
    for number in (*arguments, *named.values()):
        if isinstance(number, int) and abs(number) > _LARGEST_WIDTH:
            raise TooMuchError


def _inserted(text: object, *arguments: object, **named: object) -> None:
    """A width, or a text that is put in at many places."""
    _sized(*arguments, **named)
    spend(sum(len(str(text)) * len(mark) for mark in (*arguments, *named.values()) if isinstance(mark, str)))


def _replaced(s: object, old: object = "", new: object = "", count: object = None) -> None:
    spend(str(s).count(str(old)) * len(str(new)))


def _joined(value: object, d: object = "", attribute: object = None) -> None:
    if isinstance(value, list | tuple | str):
        spend(len(value) * len(str(d)))


def refuse_widths(value: object, *arguments: object, **named: object) -> None:
    """Raise TooMuchError for a % format that pads beyond any text, or to a computed width."""
    if _PERCENT_WIDTH.search(str(value)):
        raise TooMuchError


def _brace_formatted(value: object, *arguments: object, **named: object) -> None:
    if _BRACE_WIDTH.search(str(value)):
        raise TooMuchError


def _summed(iterable: object, attribute: object = None, start: object = 0) -> None:
    if not isinstance(start, int | float):
        raise TooMuchError  # adding lists copies them each time


def _padded(_owner: object, *arguments: object, **named: object) -> None:
    _sized(*arguments, **named)


def _refused(*arguments: object, **named: object) -> None:
    raise TooMuchError


# What a filter, or a method of a text or number, makes beyond what it is given: spent before it is made
COST_OF_FILTERS: Mapping[str, Callable[..., None]] = {
    "replace": _replaced, "join": _joined, "format": refuse_widths, "sum": _summed,
    **dict.fromkeys(("center", "batch", "slice", "round", "tojson"), _sized),
    **dict.fromkeys(("indent", "wordwrap", "urlize"), _inserted),
}  # fmt: skip
COST_OF_METHODS: Mapping[str, Callable[..., None]] = {
    "replace": _replaced, "format": _brace_formatted, "format_map": _brace_formatted, "translate": _refused,
    "join": lambda mark, items: _joined(items, mark),
    **dict.fromkeys(("center", "ljust", "rjust", "zfill", "expandtabs", "to_bytes"), _padded),
}  # fmt: skip


def refuse_bits(bits: int) -> None:
    """Raise TooMuchError for a number of more bits than a prompt has use for."""
    if bits > _MOST_BITS:
        raise TooMuchError


def spend_times(value: object, times: int) -> None:
    """Spend what a value repeated so often takes."""
    before = _left.get()[0]
    spend_on(value)
    spend((before - _left.get()[0] + STEP * isinstance(value, list | tuple)) * max(0, times - 1))


def counted_text(text: str) -> str:
    """The text, its characters spent. Raises TooMuchError."""
    spend(len(text))
    return text
