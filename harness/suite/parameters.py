"""The parameters of everything that a suite can write, as its JSON schema has them: for the terminal and the docs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from harness.components.registry import KINDS, SECTIONS, find, names
from harness.errors import nearest
from harness.records.inputs import JSON
from harness.suite.grid import EXCLUDE
from harness.suite.schema import component_schema, suite_schema


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a component, of a section of the suite, or of a mapping inside one."""

    kind: str  # of component, or `suite`
    name: str  # of the component, or of the section; empty for the sections themselves
    parameter: str  # as a suite writes it: `k`, `split.by` inside a mapping, `rules[].reply` inside a list
    type: str
    default: str | None  # as YAML; None: it is required
    description: str


def every_parameter() -> Iterator[Parameter]:
    """The parameters of the sections, then of all shipped components, by kind and name."""
    yield from section_parameters()
    for kind in KINDS:
        for name in names(kind):
            yield from component_parameters(kind, name)


def component_parameters(kind: str, name: str) -> tuple[Parameter, ...]:
    """The parameters of a component, in the order of its fields. Raises LookupError with the nearest name."""
    schema = component_schema(find(kind, name))
    return tuple(_Listing(kind, name, schema.get("$defs", {})).inside(schema, ""))


def section_parameters(section: str | None = None) -> tuple[Parameter, ...]:
    """The parameters of a section of the suite, or of all. Raises LookupError with the nearest name."""
    schema = suite_schema()
    sections = schema["properties"]
    if section is not None and section not in sections:
        raise LookupError(f"section '{section}' is not known ({nearest(section, sections)})")
    definitions = {name: own for name, own in schema["$defs"].items() if name not in KINDS}
    own = tuple(_Listing(SECTIONS, "", {}).members({**schema, "properties": sections}, ""))
    inner = [
        parameter
        for name in ([section] if section else sections)
        for parameter in _Listing(SECTIONS, name, definitions).inside(sections[name], "")
    ]
    return (*(() if section else own), *inner)


@dataclass(frozen=True)
class _Listing:
    """Reads the parameters of one component or section out of its schema."""

    kind: str
    name: str
    definitions: Mapping[str, JSON]

    def members(self, schema: Mapping[str, JSON], place: str) -> Iterator[Parameter]:
        """The properties of a schema, without what is inside them."""
        required = schema.get("required", ())
        for name, own in schema.get("properties", {}).items():
            yield Parameter(
                kind=self.kind,
                name=self.name,
                parameter=f"{place}{name}",
                type=type_text(own),
                default=None if name in required or "default" not in own else yaml_text(own["default"]),
                description=own.get("description", ""),
            )

    def inside(self, schema: Mapping[str, JSON], place: str) -> Iterator[Parameter]:
        """The properties of a schema, each followed by those of the mappings inside it."""
        for parameter in self.members(schema, place):
            yield parameter
            own = schema["properties"][parameter.parameter.removeprefix(place)]
            yield from self.within(own, parameter.parameter)
        if place == "" and "properties" not in schema:
            yield from self.within(schema, "")

    def within(self, own: Mapping[str, JSON], place: str) -> Iterator[Parameter]:
        """The parameters of the mappings in a property, its list or its values."""
        reference = self.definitions.get(own.get("$ref", "").rpartition("/")[2])
        if reference is not None:
            yield from self.inside(reference, f"{place}.")
        elif "properties" in own:
            yield from self.inside(own, f"{place}." if place else "")
        for form in (*own.get("anyOf", ()), *own.get("oneOf", ())):
            yield from self.within(form, place)
        for key, mark in (("items", "[]"), ("additionalProperties", ".NAME")):
            if isinstance(own.get(key), dict) and not place.endswith(EXCLUDE):  # whose mappings are the grid's own
                yield from self.within(own[key], f"{place}{mark}".removeprefix("."))


# -- in words ---------------------------------------------------------------------------------------------------------

_NOUNS = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number", "null": "null"}


def type_text(schema: Mapping[str, JSON]) -> str:
    """What may be written for a property, in words: `whole number ≥ 1 or null`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name if name in KINDS else "mapping"
    forms = schema.get("anyOf") or schema.get("oneOf")
    if forms:
        return " or ".join(dict.fromkeys(type_text(form) for form in forms))
    if "enum" in schema:
        return " | ".join(map(yaml_text, schema["enum"]))
    if "const" in schema:
        return yaml_text(schema["const"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(type_text({**schema, "type": own}) for own in kind)
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(map(type_text, schema['prefixItems']))}]"
        items = schema.get("items")
        return f"list of {type_text(items)}" if isinstance(items, dict) else "list"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"mapping to {type_text(values)}" if isinstance(values, dict) and values else "mapping"
    return f"{_NOUNS.get(kind, 'any value')}{_bounds(schema)}" if kind else "any value"


def _bounds(schema: Mapping[str, JSON]) -> str:
    """The range of a number: ` ≥ 1`, ` > 0, ≤ 1`."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[key]:,.12g}" for key, sign in signs.items() if key in schema]
    return f" {', '.join(bounds)}" if bounds else ""


def yaml_text(value: JSON) -> str:
    """A value as a suite writes it in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
