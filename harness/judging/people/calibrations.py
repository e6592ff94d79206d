"""Where calibrations are kept: by what identifies a judge, so that another model, rubric or option has none."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.records.judgements import Calibration
from harness.runtime.cache import cache_root
from harness.runtime.whole_files import replace_file, writing

_ADAPTER = TypeAdapter(Calibration)


def stored(identity: str) -> Calibration | None:
    """The newest calibration of a judge; None where there is none, or none that can be read."""
    try:
        return _ADAPTER.validate_json(_path(identity).read_bytes())
    except (OSError, ValidationError):
        return None


def store(calibration: Calibration) -> Path:
    """Keep a calibration in place of an older one of the same judge. Raises StoreError."""
    path = _path(calibration.identity)
    with writing(path):
        replace_file(path, [_ADAPTER.dump_json(calibration, indent=1)])
    return path


def _path(identity: str) -> Path:
    return cache_root() / "calibrations" / f"{identity}.json"
