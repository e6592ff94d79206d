"""A gate's verdict as JSON for other programs; schema/gate.schema.json says what stands in it."""

import json
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from harness.records.gate_results import EXIT_CODES, GateResult

FORMAT = 1


def gate_json(result: GateResult) -> str:
    """The file. A number that is not known is null."""
    content = {"format": FORMAT, "exit_code": EXIT_CODES[result.verdict], **asdict(result)}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def gate_schema() -> dict[str, Any]:
    """JSON schema of the file, draft 2020-12."""
    schema = TypeAdapter(GateResult).json_schema(mode="serialization")
    own = {
        "format": {"const": FORMAT, "description": "raised by incompatible changes"},
        "exit_code": {"enum": sorted(set(EXIT_CODES.values())), "description": "of `harness gate`"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "properties": {**own, **schema["properties"]},
        "required": ["format", "exit_code", *schema["required"]],
    }
