"""What was measured the first time something was done, so that doing it again from the cache does not hide its cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from harness.runtime.cache import Database

_TABLE = "CREATE TABLE IF NOT EXISTS measurements (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One piece of work: a request that was made by itself, or the building of an index."""

    seconds: float
    is_whole: bool = True  # not where the work was interrupted: what comes later is added
    cached_tokens: int | None = None  # of the prompt's, that a server had kept; None: not told
    peak_memory: int | None = None  # bytes; None: not known


_MEASUREMENT = TypeAdapter(Measurement)


class Measurements(Database):
    """Measurements under the content that determined them."""

    table = _TABLE
    is_shareable = False

    def get(self, keys: Sequence[str]) -> dict[str, Measurement]:
        """The stored measurements among `keys`; one that is damaged, or no time at all, counts as not stored."""
        rows = self._select("measurements", keys)
        return {key: measurement for key, value in rows if (measurement := _parsed(value)) is not None}

    def put(self, key: str, measurement: Measurement) -> None:
        """Store one measurement at once: a run that is killed later has it."""
        with self._translated(), self._database:
            row = (key, _MEASUREMENT.dump_json(measurement))
            self._database.execute("INSERT OR REPLACE INTO measurements VALUES (?, ?)", row)


def _parsed(value: bytes) -> Measurement | None:
    try:
        measurement = _MEASUREMENT.validate_json(value)
    except ValidationError:
        return None
    return measurement if math.isfinite(measurement.seconds) and measurement.seconds >= 0 else None
