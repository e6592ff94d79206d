"""What a component's field means beyond its type: the name of another entry, a path, a prompt, another component."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from harness.records.inputs import JSON


@dataclass(frozen=True)
class Reference:
    """Marks a text field, or a list of them, that names entries of another mapping of the suite, e.g. a model."""

    section: str
    ability: str | None = None  # what the entry must be able to do: the name of a class variable that is true there


@dataclass(frozen=True)
class LocalPath:
    """Marks a text field that is a path: relative ones are taken from the suite's folder."""

    or_name: bool = False  # what is not a path there may be a name elsewhere, e.g. a hub id


@dataclass(frozen=True)
class PromptText:
    """Marks a text field that is a template: its source, or the name of a .j2 file beside the suite or in prompts/."""


@dataclass(frozen=True)
class AsWritten:
    """Marks a field in which `${NAME}` stays as written, so that records name a variable and never hold its value."""


@dataclass(frozen=True)
class Needs:
    """Marks a field that makes no difference while another one of the component is false, empty or 0, or is not."""

    field: str
    to_be: bool = True  # whether the other one has to be there, or must not


@dataclass(frozen=True)
class Part:
    """Marks a field, or the items of a list, that is itself a component: `name` or `{name: {parameters}}`.

    The builder makes the component and hands it to the validation under a token, because JSON cannot carry it.
    """

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def resolve(value: Any, info: ValidationInfo) -> Any:
            components = info.context or {}
            return components.get(value, value) if isinstance(value, str) else value

        return core_schema.with_info_before_validator_function(
            resolve,
            core_schema.is_instance_schema(source),
            serialization=core_schema.plain_serializer_function_ser_schema(written),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"part": self.kind}  # filled in by harness.suite.schema, which knows the components of the kind


MOST_TOKENS = 1_000_000  # of one reply: more than any model writes

ModelName = Annotated[str, Reference("models", "generates")]
KnowledgeName = Annotated[str, Reference("knowledge")]
FilePath = Annotated[str, LocalPath()]


def written(component: BaseModel) -> dict[str, JSON]:
    """A component as a suite writes it, all parameters given: `{name: {parameters}}`."""
    kind = type(component)
    file = kind.__module__.rpartition(".")[2]
    shipped = kind.__module__.startswith(("harness.", "baselines.", "adapters."))
    name = file if shipped else f"{kind.__module__}.{kind.__name__}"
    return {name: component.model_dump(mode="json")}


def parameters_of(kind: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a component, or of a part of one, by the names that a suite writes."""
    return {info.alias or name: info for name, info in kind.model_fields.items()}


def marks(info: FieldInfo) -> Iterator[object]:
    """The marks of a field and of what its type is made of."""
    yield from info.metadata
    yield from _inside(info.annotation)


def part_of(info: FieldInfo) -> Part | None:
    """The mark of a field that holds components."""
    return next((mark for mark in marks(info) if isinstance(mark, Part)), None)


def _inside(annotation: Any) -> Iterator[object]:
    for inner in get_args(annotation):
        yield inner
        yield from _inside(inner)
