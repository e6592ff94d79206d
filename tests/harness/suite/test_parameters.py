"""Every parameter that a suite can write has a meaning and a default in the schema, and in what is listed of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from harness.components.registry import KINDS, names
from harness.records.inputs import JSON
from harness.suite.parameters import (
    Parameter,
    component_parameters,
    every_parameter,
    section_parameters,
    type_text,
    yaml_text,
)
from harness.suite.schema import suite_schema

COMBINATIONS = ("exclude", "items")  # of a grid: what is not named there is any level, so nothing has a default


def properties(schema: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, Any], bool]]:
    """Place, schema and whether it is required, of each property anywhere in a schema."""
    if isinstance(schema, list):
        for index, own in enumerate(schema):
            yield from properties(own, (*place, index))
    elif isinstance(schema, dict):
        members = schema.get("properties")
        if isinstance(members, dict) and place[-1:] != ("properties",):
            for name, own in members.items():
                yield (*place, name), own, name in schema.get("required", ())
        for name, own in schema.items():
            yield from properties(own, (*place, name))


ALL = list(properties(suite_schema()))


def test_every_property_has_a_sentence() -> None:
    sentence = re.compile(r"^(?:[A-Z1-9]|[a-z]+-?[0-9]).{10,}[.)]$", re.DOTALL)
    wrong = [(place, own.get("description")) for place, own, _ in ALL if not sentence.match(own.get("description", ""))]
    assert wrong == []
    repeated = [place for place, own, _ in ALL if own["description"].lower().strip(".") == str(place[-1]).lower()]
    assert repeated == []
    assert len(ALL) > 800


def test_every_property_has_a_default_or_is_required() -> None:
    wrong = [
        place
        for place, own, is_required in ALL
        if "default" not in own and not is_required and not any(place[i : i + 2] == COMBINATIONS for i in range(9))
    ]
    assert wrong == []


def parameter(parameters: tuple[Parameter, ...], name: str) -> tuple[str, str | None]:
    """Type and default of one of them."""
    return next((own.type, own.default) for own in parameters if own.parameter == name)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("method", "lora", {"r": ("whole number ≥ 1 or list of whole number ≥ 1", "8")}),
        ("model", "ollama", {"model": ("text", None), "timeout": ("number > 0", "300.0"), "host": ("text or null", "null")}),
        ("model", "scripted", {"rules[].match": ("text", None), "rules[].times": ("whole number ≥ 1 or null", "null")}),
        ("model", "tuned", {"method": ("method", None), "on[].as": ("text or null", "null"), "answers.from": ("text", None),
                            "mix.NAME.max_samples": ("whole number ≥ 1 or null", "null")}),
        ("reader", "csv", {"options": ("text or list of text", "[]"), "on_bad_row": ("error | skip", "error")}),
        ("reader", "sharegpt", {"tags.role_tag": ("text", "from")}),
        ("retriever", "hybrid", {"of": ("list of retriever", "[tfidf, lexical]")}),
        ("retriever", "tfidf", {"ngrams": ("[whole number, whole number]", "[1, 1]")}),
        ("variant", "rag", {"retriever": ("retriever", "lexical"), "query": ("text", "'{{ input }}'")}),
        ("variant", "answers", {"from": ("text or mapping to text", None)}),
        ("knowledge", "texts", {"split.overlap": ("whole number ≥ 0", "0")}),
    ],
)  # fmt: skip
def test_of_a_component(kind: str, name: str, expected: dict[str, tuple[str, str | None]]) -> None:
    parameters = component_parameters(kind, name)
    assert {own: parameter(parameters, own) for own in expected} == expected


def test_of_a_section() -> None:
    prices = section_parameters("prices")
    assert {own.kind for own in prices} == {"suite"}
    assert parameter(prices, "models.NAME.million_tokens_in") == ("number ≥ 0, ≤ 1,000,000,000", None)
    assert parameter(section_parameters("tasks"), "NAME.generation.max_tokens")[1] == "256"
    assert parameter(section_parameters("variants"), "grid.retriever")[1] == "none"


def test_the_whole_list_is_the_schemas() -> None:
    whole = list(every_parameter())
    assert {own.kind for own in whole} == {*KINDS, "suite"}
    assert len({(own.kind, own.name, own.parameter) for own in whole}) == len(whole)
    assert [own for own in whole if not own.description] == []
    named = {(own.kind, own.name) for own in whole}
    assert {("metric", name) for name in names("metric")} - named == {("metric", "choice"), ("metric", "perplexity")}


@pytest.mark.parametrize(("kind", "name"), [("metric", "bleuu"), ("retriever", "tf-idf")])
def test_an_unknown_name_has_its_nearest(kind: str, name: str) -> None:
    with pytest.raises(LookupError, match="did you mean"):
        component_parameters(kind, name)
    with pytest.raises(LookupError, match="did you mean prices"):
        section_parameters("price")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", "''"), (" ", "' '"), ("5m", "5m"), ("auto", "auto"), ("max-t", "max-t"), ("##", "'##'"), ("null", "'null'"),
        ("true", "'true'"), ("no", "'no'"), (None, "null"), (True, "true"), (0.05, "0.05"), ([], "[]"), ({}, "{}"),
        ({"by": "none", "overlap": 0}, "{by: none, overlap: 0}"), (["a", 1], "[a, 1]"), ("答案：", "答案："),
        ("答" * 200, "答" * 200),
    ],
)  # fmt: skip
def test_a_value_as_yaml(value: JSON, text: str) -> None:
    assert yaml_text(value) == text


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "any value"),
        ({"type": "integer", "minimum": 1, "maximum": 20}, "whole number ≥ 1, ≤ 20"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "number ≥ 0, < 1"),
        ({"anyOf": [{"enum": ["auto"]}, {"type": "integer"}, {"type": "null"}]}, "auto or whole number or null"),
        ({"type": "array", "items": {"$ref": "#/$defs/metric"}}, "list of metric"),
        ({"$ref": "#/$defs/Rule"}, "mapping"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "mapping to text"),
        ({"type": ["string", "null"]}, "text or null"),
    ],
)
def test_a_type_in_words(schema: JSON, text: str) -> None:
    assert type_text(schema) == text
