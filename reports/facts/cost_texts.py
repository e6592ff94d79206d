"""Costs as text: money, times of one request, and numbers that may be missing or have no value."""

import math

from reports.facts import numbers
from reports.wording import say

NONE = "–"


def is_number(value: float | None) -> bool:
    """Whether it can be drawn and written: neither missing, nor NaN, nor without an end."""
    return value is not None and math.isfinite(value)


def money(amount: float | None) -> str:
    """An amount without its currency: at least two digits that tell, e.g. "0.0012", "0.42", "12.40", "1,240"."""
    if amount is None or not math.isfinite(amount):
        return NONE
    if amount == 0 or abs(amount) >= 100:
        return f"{amount:,.0f}"
    if abs(amount) >= 0.1:
        return f"{amount:,.2f}"
    return f"{amount:.{1 - math.floor(math.log10(abs(amount)))}f}"


def request_time(seconds: float | None) -> str:
    """Of one request: milliseconds below one second."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    if seconds >= 0.9995:
        return numbers.duration(seconds)
    milliseconds = 1000 * seconds
    return say("nouns.milliseconds", count=f"{milliseconds:.0f}" if milliseconds >= 1 else f"{milliseconds:.2g}")


def period(seconds: float | None) -> str:
    """A time that was spent once."""
    return numbers.duration(seconds) if seconds is not None and math.isfinite(seconds) else NONE


def memory(count: float | None) -> str:
    """Bytes; a dash where they are not known."""
    return numbers.memory(count) if count is not None and math.isfinite(count) else NONE


def whole(value: float | None) -> str:
    """A count such as tokens; very large ones in three digits."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{value:,.0f}" if abs(value) < 1e6 else numbers.short(value) if value < 1e12 else f"{value:.1e}"
