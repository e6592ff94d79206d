"""The JSON schema of a suite file, built from the components' own fields, so that editors complete and check it."""

from harness.component import components, summary
from harness.suite import Compare, GenerationOptions
from harness.types import JSON


def suite_schema() -> dict[str, JSON]:
    """Draft 2020-12 schema; every shipped component with its parameters, users' own classes by dotted name."""
    named = {"type": "object", "minProperties": 1}
    text = {"type": "string"}
    task = {
        "type": "object",
        "required": ["data", "metrics"],
        "additionalProperties": False,
        "properties": {
            "data": _choice("reader"),
            "prompt": {**text, "description": "a .j2 file beside the suite or in prompts/, or the template itself"},
            "system": {**text, "description": "the system turn: a .j2 file or the template itself"},
            "answer": _choice("answer"),
            "metrics": {**named, "additionalProperties": _choice("metric")},
            "generation": GenerationOptions.model_json_schema(),
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "domain-harness suite",
        "type": "object",
        "required": ["tasks", "variants"],
        "additionalProperties": False,
        "properties": {
            "name": text,
            "seed": {"type": "integer", "minimum": 0},
            "models": {"type": "object", "additionalProperties": _choice("model")},
            "tasks": {**named, "additionalProperties": task},
            "variants": {**named, "additionalProperties": _choice("variant")},
            "compare": Compare.model_json_schema(),
        },
    }


def _choice(kind: str) -> dict[str, JSON]:
    """`name`, `{name: {parameters}}`, or a user's own `package.module.Class` in either form."""
    found = sorted(components(kind))
    own = r"^\w+(\.\w+)+$"
    return {
        "anyOf": [
            {"enum": [name for name, _ in found]},
            {"type": "string", "pattern": own},
            *(
                {
                    "type": "object",
                    "description": summary(component),
                    "required": [name],
                    "additionalProperties": False,
                    "properties": {name: {"anyOf": [component.model_json_schema(), {"type": "null"}]}},
                }
                for name, component in found
            ),
            {
                "type": "object",
                "patternProperties": {own: {"type": "object"}},
                "additionalProperties": False,
                "minProperties": 1,
            },
        ]
    }
