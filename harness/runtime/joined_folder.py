"""Where parts are joined: in a hidden folder, which becomes the run's when all of it is there."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from harness.errors import StoreError
from harness.records.inputs import JSON
from harness.records.shards import PARTS
from harness.runtime.new_folder import refuse_filled
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_lookup import root_for
from harness.runtime.run_parts import RunPart
from harness.runtime.whole_files import writing
from harness.suite.suite import Suite

TOLD = ("command", "started", "finished", "hardware", "packages", "harness", "commit")


def parts_record(parts: Sequence[RunPart]) -> list[dict[str, JSON]]:
    """What the run.json of the whole run says of each part."""
    return [
        {
            "number": part.number,
            "answers": part.seal.files["predictions.jsonl"].get("sha256"),
            "seconds": round(sum((part.record.get("stages") or {}).values()), 3),
            **{name: part.record[name] for name in TOLD if part.record.get(name) is not None},
        }
        for part in parts
    ]


def place_of(parts: Sequence[RunPart], suite: Suite, out: Path | None) -> Path:
    """The folder that the parts become: the one that is named, else runs/NAME/TIME of when the first of them began.

    Raises StoreError for one that is filled with anything but the run that these parts were joined to before.
    """
    if out is not None:
        if not is_joined(out, parts):
            refuse_filled(out)
        return out
    begin = datetime.fromisoformat(min(str(part.record.get("started")) for part in parts)).astimezone()
    stamp = begin.strftime("%Y-%m-%d_%H%M%S")
    places = (root_for(suite) / name for name in (stamp, *(f"{stamp}-{number}" for number in range(2, 1000))))
    return next(place for place in places if not place.exists() or is_joined(place, parts))


def is_joined(place: Path, parts: Sequence[RunPart]) -> bool:
    """Whether a folder is the finished run of just these parts."""
    try:
        record = RunFolder(place).read_run()
    except StoreError:
        return False
    before = [(own.get("number"), own.get("answers")) for own in record.get(PARTS) or ()]
    return record.get("status") == "complete" and before == [
        (own["number"], own["answers"]) for own in parts_record(parts)
    ]


def working_folder(place: Path) -> RunFolder:
    """Where a run is made that will lie at a place; what a killed process left there is taken over."""
    whole = place.absolute()
    return RunFolder(whole.with_name(f".{whole.name}.joining"))


def settle(working: RunFolder, place: Path) -> None:
    """Put a finished folder in its place. Raises StoreError where something else has come to lie there."""
    with writing(place):
        if place.is_dir():
            place.rmdir()
        working.path.replace(place)
