"""What a server sent, read with care: no reply of a stranger is trusted to be JSON, text, a number or a date."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import TYPE_CHECKING

from harness.models.remote.call_error import CallError
from harness.records.inputs import JSON

if TYPE_CHECKING:
    import httpx

LONGEST_WAIT = 60.0  # seconds that a server may ask for
PAGE_BEGINNING, TITLE_LENGTH = 4_000, 80  # characters
EXCERPT = 80  # characters
_PAGE = re.compile(r"\ufeff?\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_TITLE = re.compile(r"<title\b[^>]*>(.*?)</title", re.I | re.S)
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


def page_of(response: "httpx.Response") -> str | None:
    """The page for people that a body is, in words; None for anything else."""
    is_text = "html" in response.headers.get("content-type", "").lower() and json_of(response) is None
    return page_in(text_of(response)) or ("an HTML page" if is_text and response.content.strip() else None)


def page_in(text: str) -> str | None:
    """The page for people that a text begins, with its title where it has one; None for anything else."""
    if not _PAGE.match(text[:PAGE_BEGINNING]):
        return None
    title = _TITLE.search(text[:PAGE_BEGINNING])
    words = " ".join(unescape(title[1]).split())[:TITLE_LENGTH] if title else ""
    return f"an HTML page, “{words}”" if words else "an HTML page"


def unreadable(text: str, page: str | None) -> CallError:
    """The failure that a body without JSON is, under the status of a success."""
    if page is not None:
        return CallError(f"the reply is {page}, as a proxy or another address answers", lasting=False)
    excerpt = " ".join(text.split())[:EXCERPT]
    reason = f"the reply is no JSON object, or was cut: “{excerpt}”" if excerpt else "the reply is empty: no JSON"
    return CallError(reason, lasting=False)


def status_failure(response: "httpx.Response", prefix: str = "") -> CallError:
    """The failure that a status other than success is. 429 and the server's own faults pass, the others last."""
    status = response.status_code
    passing = status == 429 or status >= 500
    if 300 <= status < 400:
        place = response.headers.get("location", "nowhere")
        reason = f"the server redirects to {place}, which is not followed; write the right address"
    else:
        reason = error_of(json_of(response)) or page_of(response) or text_of(response)
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
