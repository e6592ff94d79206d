"""Points in time as the report writes them."""

from datetime import datetime

from harness.records.inputs import JSON
from reports.wording import say


def moment_of(text: JSON) -> datetime | None:
    """What a record gives as ISO 8601; None where it is no time."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def date_text(moment: datetime) -> str:
    """ "29 November 2026, 21:04 UTC"."""
    zone = f" {moment.tzname()}" if moment.tzinfo else ""
    month = say(f"page.month_{moment.month}")
    return say(
        "page.date", day=moment.day, month=month, year=moment.year, hour=moment.hour, minute=moment.minute, zone=zone
    )
