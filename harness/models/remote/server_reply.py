"""What a server sent, read with care: no reply of a stranger is trusted to be JSON, text, a number or a date."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from harness.models.remote.call_error import CallError
from harness.records.inputs import JSON

if TYPE_CHECKING:
    import httpx

LONGEST_WAIT = 60.0  # seconds that a server may ask for
MOST_TOKENS = 2**53  # beyond it a JSON number is not exact, and no count of tokens


def json_of(response: "httpx.Response") -> JSON:
    """The JSON of a body; None where it is none, or nested too deeply."""
    for encoding in (json.detect_encoding(response.content), response.charset_encoding):
        try:
            return json.loads(response.content.decode(encoding or "utf-8"))
        except (ValueError, LookupError, RecursionError):
            continue
    return None


def object_of(response: "httpx.Response") -> dict[str, JSON]:
    """The JSON object of a body; empty where it is none."""
    content = json_of(response)
    return content if isinstance(content, dict) else {}


def text_of(response: "httpx.Response") -> str:
    """The text of a body: UTF-8, else what the server says it is, else with marks for what cannot be read."""
    for encoding in ("utf-8", response.charset_encoding or "utf-8"):
        try:
            return response.content.decode(encoding)
        except (ValueError, LookupError):
            continue
    return response.content.decode("utf-8", "replace")


def error_of(content: JSON) -> str | None:
    """What a body says went wrong: `error`, or its `message`; None where it says nothing of the kind."""
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        error = error["message"]
    if not error:
        return None
    return error if isinstance(error, str) else str(error)


def status_failure(response: "httpx.Response", prefix: str = "") -> CallError:
    """The failure that a status other than success is. 429 and the server's own faults pass, the others last."""
    status = response.status_code
    passing = status == 429 or status >= 500
    if 300 <= status < 400:
        place = response.headers.get("location", "nowhere")
        reason = f"the server redirects to {place}, which is not followed; write the right address"
    else:
        reason = error_of(json_of(response)) or text_of(response)
    return CallError(f"{prefix}HTTP {status}: {reason}", not passing, wait_of(response.headers), status)


def wait_of(headers: Mapping[str, str]) -> float:
    """Seconds that a server asks to wait, at most a minute: `retry-after-ms`, else `retry-after`, seconds or a date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    seconds = _number(headers.get("retry-after")) if milliseconds is None else milliseconds / 1000
    if seconds is None:
        seconds = _seconds_until(headers.get("retry-after", ""))
    return min(LONGEST_WAIT, max(0.0, seconds))


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _seconds_until(date: str) -> float:
    """Seconds until a date of HTTP, in any of its three forms; 0 for what is no date."""
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()


def count_of(value: JSON) -> int | None:
    """A count of tokens; None for what is none: text, a fraction, NaN, a negative number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MOST_TOKENS or value != int(value):
        return None
    return int(value)
