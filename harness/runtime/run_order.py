"""In which order runs were made: by their start, which their record tells, then by the names of their folders."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from harness.records.inputs import JSON

STAMP = re.compile(r"\d{4}-\d\d-\d\d_\d{6}")  # in the names that `harness run` gives


def start_of(key: str, record: Mapping[str, JSON]) -> datetime | None:
    """When a run began by its own record, else by the name of its folder (local time); None where neither tells."""
    started = read_time(record.get("started"))
    if started is not None:
        return started
    try:
        stamp = stamp_of(key)
        return datetime.strptime(stamp, "%Y-%m-%d_%H%M%S").astimezone(UTC) if stamp else None
    except (ValueError, OverflowError, OSError):
        return None


def stamp_of(key: str) -> str:
    """The time in the name of a folder; "" where it has none."""
    stamp = STAMP.search(key.rpartition("/")[2])
    return stamp[0] if stamp else ""


def read_time(text: JSON) -> datetime | None:
    """A time in ISO 8601, in UTC where it does not say; None for anything else."""
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A sort key by which TIME-2 stands before TIME-10."""
    parts = re.split(r"(\d+)", name)
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
