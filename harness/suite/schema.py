"""The JSON schema of a suite file, built from the components' own fields, so that editors complete and check it."""

from collections.abc import Mapping

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from harness.components.component import Component
from harness.components.fields import parameters_of, written
from harness.components.registry import KINDS, components, find, summary
from harness.records.inputs import JSON
from harness.suite.documented_schema import documented_schema
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
    definitions: dict[str, JSON] = {}
    for kind in KINDS:
        definitions[kind] = _definition(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "domain-harness suite",
        "type": "object",
        "required": ["tasks", "variants"],
        "additionalProperties": False,
        "properties": {**_settings(), **_entries(), **_options()},
        "$defs": definitions,
    }


def _settings() -> dict[str, JSON]:
    """The sections that are single values."""
    return {
        "name": {
            "type": ["string", "null"], "default": None,
            "description": "The name of the suite and of its run folders; null: the name of the suite's folder.",
        },
        "seed": {
            "type": "integer", "minimum": 0, "default": 42,
            "description": "Decides sampling, splits, random examples and bootstraps.",
        },
        "language": {
            "enum": ["auto", "zh", "en"], "default": "auto",
            "description": "The language of what the product itself writes into prompts; auto: that of each task's "
            "questions and answers.",
        },
        "general": {
            "type": "array", "items": {"type": "string"}, "default": [],
            "description": "Tasks of general knowledge: tuned models are asked them before and after the training, to "
            "show what they forgot.",
        },
    }  # fmt: skip


def _entries() -> dict[str, JSON]:
    """The sections that are named entries, each a component or a task."""
    named = {"type": "object", "minProperties": 1}
    return {
        "models": _mapping("model", "The models by the names under which variants, metrics and other models ask them."),
        "knowledge": _mapping("knowledge", "The knowledge bases by the names under which variants search them."),
        "datasets": _mapping("reader", "Rows that tuned models learn beside those of the tasks, by name."),
        "tasks": {
            **named,
            "description": "The tasks by name: data, prompt, kind of answer and metrics; or tasks that a reader brings "
            "whole.",
            "additionalProperties": {"anyOf": [_task(), *_brought_tasks()]},
        },
        "variants": {
            **named,
            "description": "What is compared, by name: each variant answers every task.",
            "properties": {GRID: _grid()},
            "additionalProperties": _choice("variant"),
        },
    }


def _mapping(kind: str, description: str) -> dict[str, JSON]:
    return {"type": "object", "description": description, "default": {}, "additionalProperties": _choice(kind)}


def _options() -> dict[str, JSON]:
    """The sections that are plain options; without prices nothing has a price."""
    schemas = {section: component_schema(kind) for section, kind in OPTIONS.items()}
    return {
        section: {**schema, "default": None if schema.get("required") else {}} for section, schema in schemas.items()
    }


def _grid() -> dict[str, JSON]:
    """Each parameter of a variant that retrieves, or a list of its levels."""
    fields: Mapping[str, JSON] = component_schema(find("variant", WITH))["properties"]
    retriever = {"anyOf": [{"enum": ["none", None]}, _choice("retriever")], "default": "none"}
    retriever["description"] = "How passages are searched; none, or null: no retrieval, which makes a plain prompt."
    knowledge = {**fields["knowledge"], "default": None}  # needed by cells that retrieve
    fields = {**fields, "knowledge": knowledge, "retriever": retriever}
    level = {name: {key: value for key, value in own.items() if key != "default"} for name, own in fields.items()}
    combination = {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": level}
    return {
        "type": "object",
        "description": "One variant for each combination of levels: a parameter that is given a list is a factor.",
        "default": None,
        "required": ["model"],
        "additionalProperties": False,
        "properties": {
            **{name: _factor(fields[name], own) for name, own in level.items()},
            EXCLUDE: {
                "type": "array", "default": [], "items": combination,
                "description": "Combinations of levels that are left out, e.g. [{model: base, shots: 5}].",
            },
        },
    }  # fmt: skip


def _factor(field: Mapping[str, JSON], level: Mapping[str, JSON]) -> dict[str, JSON]:
    """A parameter of a grid: one level, or several."""
    levels = {"anyOf": [level, {"type": "array", "minItems": 1, "items": level}]}
    return {**{key: field[key] for key in ("description", "default") if key in field}, **levels}


def _task() -> dict[str, JSON]:
    """A task that is written out."""
    template = {"type": ["string", "null"], "default": None}
    return {
        "type": "object",
        "required": ["data", "metrics"],
        "additionalProperties": False,
        "properties": {
            "data": {**_choice("reader"), "description": "Where the rows are and how they are read."},
            "prompt": {
                **template,
                "description": "A .j2 file beside the suite or in prompts/, or the template itself; null: the input as "
                "it is, or for a choice the question and its options.",
            },
            "system": {
                **template, "description": "The system turn: a .j2 file or the template itself; null: that of the row.",
            },
            "answer": {
                **_choice("answer"), "default": "text",
                "description": "How the answer is read out of a reply: text, json or choice.",
            },
            "metrics": {
                "type": "object", "minProperties": 1, "additionalProperties": _choice("metric"),
                "description": "The metrics that score the answers, by the names under which figures are shown.",
            },
            "generation": {**component_schema(GenerationOptions), "default": {}},
        },
    }  # fmt: skip


def _brought_tasks() -> list[JSON]:
    """The readers that may be written in a task's place."""
    return [
        {
            "type": "object",
            "description": summary(component),
            "required": [name],
            "additionalProperties": False,
            "properties": {name: component_schema(component)},
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
    parameters = {name: component_schema(component) for name, component in shipped}
    for schema in parameters.values():
        definitions |= schema.pop("$defs", {})
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
                    "properties": {
                        name: {"description": summary(component), "anyOf": [parameters[name], {"type": "null"}]}
                    },
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


def component_schema(component: type[BaseModel]) -> dict[str, JSON]:
    """A component's own schema, with the default of each parameter that may be left out."""
    schema: dict[str, JSON] = _linked(documented_schema(component))
    for name, info in parameters_of(component).items():
        if name in schema["properties"] and not info.is_required():
            default = info.get_default(call_default_factory=True, validated_data={})
            schema["properties"][name].setdefault("default", _as_written(default))
    return schema


def _as_written(default: object) -> JSON:
    """A default as a suite would write it: a component by its name, with the parameters that differ from their own."""
    if isinstance(default, list | tuple):
        return [_as_written(item) for item in default]
    if not isinstance(default, Component):
        return to_jsonable_python(default, exclude_none=True)
    name, parameters = next(iter(written(default).items()))
    stated = {key: value for key, value in parameters.items() if key in default.model_fields_set}
    return {name: stated} if stated else name


def _linked(schema: JSON) -> JSON:
    """A field that holds a component refers to the components of its kind; descriptions have one line a paragraph."""
    if isinstance(schema, list):
        return [_linked(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("description"), str):
        paragraphs = schema["description"].split("\n\n")
        schema = {**schema, "description": "\n\n".join(" ".join(text.split()) for text in paragraphs)}
    if isinstance(schema.get("part"), str):
        return {
            **{key: value for key, value in schema.items() if key not in ("part", "default")},
            **_choice(schema["part"]),
        }
    return {key: _linked(value) for key, value in schema.items()}
