"""A gate's verdict as JSON for other programs; schema/gate.schema.json says what stands in it."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter

from harness.records.gate_results import EXIT_CODES, GateResult
from harness.records.sentences import Sentence

FORMAT = 1


def gate_json(result: GateResult) -> str:
    """The file. A number that is not known is null; sentences are in English."""
    content = {"format": FORMAT, "exit_code": EXIT_CODES[result.verdict], **_plain(result)}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def gate_schema() -> dict[str, Any]:
    """JSON schema of the file, draft 2020-12."""
    schema = TypeAdapter(GateResult).json_schema(mode="serialization")
    own = {
        "format": {"const": FORMAT, "description": "raised by incompatible changes"},
        "exit_code": {"enum": sorted(set(EXIT_CODES.values())), "description": "of `harness gate`"},
    }
    schema["$defs"]["Sentence"] = {"type": "string", "description": "in English"}
    schema["$defs"].pop("Statement", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "properties": {**own, **schema["properties"]},
        "required": ["format", "exit_code", *schema["required"]],
    }


def _plain(value: Any) -> Any:
    """A record as JSON holds it."""
    if isinstance(value, Sentence):
        return value.text
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
