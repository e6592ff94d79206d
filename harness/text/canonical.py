"""Content as one text and its digest: what equal keys of caches and equal identities of models rest on."""

import hashlib
import json

from harness.records.inputs import JSON


def digest(content: JSON) -> str:
    """sha256 of canonical JSON: equal content, equal digest, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
