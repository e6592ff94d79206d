"""Descriptions of parameters stand below their fields and reach the schema, whichever class a field comes from."""

from typing import Annotated

from pydantic import BaseModel, Field

from harness.suite.documented_schema import documented_schema, field_texts


class Ancestor(BaseModel):
    first: int = 1
    """The first,
    in two lines."""
    second: int = 2
    """The ancestor's second."""
    third: int = 3
    """The ancestor's third."""
    last: int = 9


class Part(BaseModel):
    inner: int = Field(0, alias="written")
    """Within a part."""


class Heir(Ancestor):
    second: int = 4
    """The heir's second."""
    third: int = 5
    stated: Annotated[int, Field(description="Stated in the field.")] = 0
    """Below the field."""
    part: Part = Part()
    """Another class."""
    """Not about a field."""


def test_a_field_has_the_text_below_it_and_one_stated_anew_its_own() -> None:
    assert field_texts(Heir) == {
        "first": "The first,\nin two lines.",
        "second": "The heir's second.",
        "stated": "Below the field.",
        "part": "Another class.",
    }


def test_the_schema_tells_them_for_classes_within_too() -> None:
    schema = documented_schema(Heir)
    own = {name: field.get("description") for name, field in schema["properties"].items()}
    assert own == {
        "first": "The first,\nin two lines.",
        "second": "The heir's second.",
        "third": None,
        "last": None,
        "stated": "Stated in the field.",
        "part": "Another class.",
    }
    assert schema["$defs"]["Part"]["properties"]["written"]["description"] == "Within a part."
