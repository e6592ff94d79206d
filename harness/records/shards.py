"""Shards: the shares of a run's items that several processes or machines answer, each by itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.errors import HarnessError
from harness.records.inputs import JSON

SHARD = "shard"  # its key in run.json
PART = "part"  # the status of a run folder that holds the answers of one shard, and nothing made of them
PARTS = "parts"  # the folder below runs/NAME that parts lie in, and the key of what a joined run tells of them
MOST_SHARDS = 1000  # as many as an array of a batch system usually may have
_WRITTEN = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several shares, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def words(self) -> str:
        """As sentences name it, e.g. "shard 2 of 3"."""
        return f"shard {self.number} of {self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSeal:
    """What run.json says of a finished part, so that parts of one run are known and a cut file is noticed."""

    shard: Shard
    suite: str = ""  # the suite as the command named it
    division: str = ""  # digest of all items of all shards, with the shard of each
    files: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)  # by name: its sha256 and its bytes

    def record(self) -> dict[str, JSON]:
        """As run.json holds it."""
        own = {"number": self.shard.number, "of": self.shard.of}
        return {**own, "suite": self.suite, "division": self.division, "files": dict(self.files)}


def parse_shard(text: str) -> Shard:
    """A shard as `--shard` takes it. Raises HarnessError for what is none."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise HarnessError(f"--shard {text}: must be two numbers with a slash between, e.g. 1/3 for the first of three")
    number, of = int(match[1]), int(match[2])
    if not 1 <= of <= MOST_SHARDS:
        raise HarnessError(f"--shard {text}: there can be 1 to {MOST_SHARDS:,} shards, not {of:,}")
    if not 1 <= number <= of:
        raise HarnessError(f"--shard {text}: shards are counted from 1; name one of 1/{of} to {of}/{of}")
    return Shard(number, of)


def shard_in(run: Mapping[str, JSON]) -> Shard | None:
    """The shard of a run by its run.json; None of a whole run, and where it cannot be read."""
    own = run.get(SHARD)
    if not isinstance(own, dict):
        return None
    number, of = own.get("number"), own.get("of")
    return Shard(number, of) if isinstance(number, int) and isinstance(of, int) and 1 <= number <= of else None


def seal_in(run: Mapping[str, JSON]) -> PartSeal | None:
    """The seal of a finished part by its run.json; None where the run is no part, or not finished."""
    shard, own = shard_in(run), run.get(SHARD)
    if shard is None or not isinstance(own, dict) or run.get("status") != PART:
        return None
    files = own.get("files")
    is_read = isinstance(files, dict) and all(isinstance(file, dict) for file in files.values())
    return PartSeal(
        shard=shard,
        suite=str(own.get("suite") or ""),
        division=str(own.get("division") or ""),
        files=files if is_read and files is not None else {},
    )
