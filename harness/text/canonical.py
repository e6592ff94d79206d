"""Content as one text and its digest: what equal keys of caches and equal identities of models rest on."""

import hashlib
import json

from harness.records.inputs import JSON

canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode  # one text for a content


def digest(content: JSON) -> str:
    """sha256 of canonical JSON: equal content, equal digest, whatever the order of its keys."""
    return hashlib.sha256(canonical(content).encode("utf-8", "surrogatepass")).hexdigest()
