"""The JSON schema of a suite file, built from the components' own fields, so that editors complete and check it."""

from collections.abc import Mapping

from pydantic import BaseModel

from harness.components.registry import KINDS, components, find, summary
from harness.records.inputs import JSON
from harness.suite.grid import EXCLUDE, GRID, WITH
from harness.suite.options import (
    Compare,
    ConstraintOptions,
    GenerationOptions,
    LatencyOptions,
    Leakage,
    Prices,
    ProfileOptions,
    Trust,
)

OPTIONS: Mapping[str, type[BaseModel]] = {  # the sections that are plain options
    "compare": Compare, "trust": Trust, "leakage": Leakage, "latency": LatencyOptions, "prices": Prices,
    "constraints": ConstraintOptions, "profile": ProfileOptions,
}  # fmt: skip


def suite_schema() -> dict[str, JSON]:
    """Draft 2020-12 schema; every shipped component with its parameters, users' own classes by dotted name."""
    named = {"type": "object", "minProperties": 1}
    text = {"type": "string"}
    definitions: dict[str, JSON] = {}
    for kind in KINDS:
        definitions[kind] = _definition(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "domain-harness suite",
        "type": "object",
        "required": ["tasks", "variants"],
        "additionalProperties": False,
        "properties": {
            "name": text,
            "seed": {"type": "integer", "minimum": 0},
            "language": {"enum": ["auto", "zh", "en"]},
            "models": {"type": "object", "additionalProperties": _choice("model")},
            "knowledge": {"type": "object", "additionalProperties": _choice("knowledge")},
            "datasets": {"type": "object", "additionalProperties": _choice("reader")},
            "general": {"type": "array", "items": text},
            "tasks": {**named, "additionalProperties": {"anyOf": [_task(), *_brought_tasks()]}},
            "variants": {**named, "properties": {GRID: _grid()}, "additionalProperties": _choice("variant")},
            **{section: kind.model_json_schema() for section, kind in OPTIONS.items()},
        },
        "$defs": definitions,
    }


def _grid() -> dict[str, JSON]:
    """Each parameter of a variant that retrieves, or a list of its levels."""
    fields: Mapping[str, JSON] = _linked(find("variant", WITH).model_json_schema()["properties"])
    level = dict(fields)
    level["retriever"] = {"anyOf": [{"enum": ["none", None]}, _choice("retriever")]}
    level = {name: {key: value for key, value in own.items() if key != "default"} for name, own in level.items()}
    factors = {name: {"anyOf": [own, {"type": "array", "minItems": 1, "items": own}]} for name, own in level.items()}
    combination = {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": level}
    return {
        "type": "object",
        "description": "a list is a factor: one variant for each combination of the factors' levels",
        "required": ["model"],
        "additionalProperties": False,
        "properties": {
            **factors,
            EXCLUDE: {"type": "array", "description": "combinations that are left out", "items": combination},
        },
    }


def _task() -> dict[str, JSON]:
    named, text = {"type": "object", "minProperties": 1}, {"type": "string"}
    return {
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


def _brought_tasks() -> list[JSON]:
    """The readers that may be written in a task's place."""
    return [
        {
            "type": "object",
            "description": summary(component),
            "required": [name],
            "additionalProperties": False,
            "properties": {name: _linked(component.model_json_schema())},
        }
        for name, component in components("reader")
        if getattr(component, "brings_tasks", False)
    ]


def _choice(kind: str) -> dict[str, JSON]:
    return {"$ref": f"#/$defs/{kind}"}


def _definition(kind: str, definitions: dict[str, JSON]) -> dict[str, JSON]:
    """`name`, `{name: {parameters}}`, or a user's own `package.module.Class` in either form."""
    shipped = sorted(components(kind))
    own = r"^\w+(\.\w+)+$"
    parameters = {name: component.model_json_schema() for name, component in shipped}
    for schema in parameters.values():
        for name, definition in schema.pop("$defs", {}).items():
            definitions[name] = _linked(definition)
    return {
        "anyOf": [
            {"enum": [name for name, _ in shipped]},
            {"type": "string", "pattern": own},
            *(
                {
                    "type": "object",
                    "description": summary(component),
                    "required": [name],
                    "additionalProperties": False,
                    "properties": {name: {"anyOf": [_linked(parameters[name]), {"type": "null"}]}},
                }
                for name, component in shipped
            ),
            {
                "type": "object",
                "patternProperties": {own: {"type": "object"}},
                "additionalProperties": False,
                "minProperties": 1,
            },
        ]
    }


def _linked(schema: JSON) -> JSON:
    """A field that holds a component refers to the components of its kind; its default is left out."""
    if isinstance(schema, list):
        return [_linked(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("part"), str):
        return {
            **{key: value for key, value in schema.items() if key not in ("part", "default")},
            **_choice(schema["part"]),
        }
    return {key: _linked(value) for key, value in schema.items()}
