"""Results of self-tests, remembered by the combination that they hold for: one small file each, checked on reading."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.errors import StoreError
from harness.records.inputs import JSON
from harness.records.proofs import SelfTestRecord
from harness.runtime.cache import cache_root
from harness.runtime.whole_files import replace_file
from harness.text.canonical import digest

_FILE = TypeAdapter(dict[str, JSON])
_RECORD = TypeAdapter(SelfTestRecord)


def memo_path(combination: Mapping[str, str]) -> Path:
    """The file of a combination: in HARNESS_SELFTEST, else in the folder selftest of the cache."""
    own = os.environ.get("HARNESS_SELFTEST")
    folder = Path(own).expanduser() if own else cache_root() / "selftest"
    return folder / f"{digest(dict(combination))}.json"


def recall(combination: Mapping[str, str]) -> SelfTestRecord | None:
    """What was remembered; None where there is nothing, or where the file is damaged or of another combination."""
    try:
        content = _FILE.validate_json(memo_path(combination).read_bytes())
        record = _RECORD.validate_python(content.get("record"))
    except (OSError, ValidationError):
        return None
    whole = content.get("sha256") == digest(content.get("record"))
    return record if whole and dict(record.combination) == dict(combination) else None


def remember(record: SelfTestRecord) -> None:
    """Write the record, whole or not at all. Raises StoreError."""
    path, content = memo_path(record.combination), _RECORD.dump_python(record, mode="json")
    try:
        replace_file(path, [_FILE.dump_json({"sha256": digest(content), "record": content}, indent=1)])
    except OSError as error:
        raise StoreError(f"self-test {path}: {error.strerror or error}; set HARNESS_CACHE to another folder") from error
