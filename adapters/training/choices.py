"""Settings of a training that may be lists: the values among which a search on validation rows chooses."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

C = TypeVar("C", bound=BaseModel)


class Values(tuple[Any, ...]):
    """The values among which a setting is chosen; of a type of its own, since some settings are tuples themselves."""

    __slots__ = ()


@dataclass(frozen=True)
class Choices:
    """Marks a setting of a recipe or a method that may be a list of values of its type; one value is no choice.

    To whoever reads the component the field has its plain type: a component is used once `settle` has chosen.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            if not isinstance(value, list | Values):
                return inner(value)
            values = Values(inner(item) for item in value)
            if not values:
                raise ValueError("is an empty list; give a value, or several to choose from")
            if None in values:
                raise ValueError("a list of values to choose from has no empty one; leave null out")
            if len(set(values)) < len(values):
                raise ValueError("names a value twice")
            return values if len(values) > 1 else values[0]

        def dump(value: Any) -> Any:
            return list(value) if isinstance(value, Values) else value

        return core_schema.no_info_wrap_validator_function(
            validate,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(dump),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        own = handler(schema)
        forms = own.pop("anyOf", None) or [own]
        values = [form for form in forms if form != {"type": "null"}]
        items = values[0] if len(values) == 1 else {"anyOf": values}
        return {"anyOf": [*forms, {"type": "array", "minItems": 1, "uniqueItems": True, "items": items}]}


def values_of(component: BaseModel) -> dict[str, Values]:
    """The settings that are still to be chosen, by name."""
    settings = {name: getattr(component, name) for name in type(component).model_fields}
    return {name: value for name, value in settings.items() if isinstance(value, Values)}


def combinations(*components: BaseModel) -> int:
    """How many ways there are to choose the settings of all components together."""
    return math.prod(len(values) for component in components for values in values_of(component).values())


def choose(component: C) -> Iterator[tuple[C, dict[str, Any]]]:
    """The component in each way to choose its settings, and what was chosen; the last setting varies fastest."""
    space = values_of(component)
    for chosen in product(*space.values()):
        settings = dict(zip(space, chosen, strict=True))
        yield component.model_copy(update=settings), settings
