"""What a suite can name: a component, whose fields are its YAML parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from harness.components.fields import Reference, marks, part_of
from harness.components.unfolding import Unfolded
from harness.records.inputs import JSON


class Component(BaseModel):
    """Base of everything a suite can name. Fields are parameters; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    imports: ClassVar[tuple[str, ...]] = ()  # what it imports beyond a light installation

    @classmethod
    def missing_methods(cls) -> list[str]:
        """The methods that the class owes and does not define: with any, it is abstract and no suite can name it."""
        return sorted(cls.__abstractmethods__)

    @classmethod
    def unfolded(cls, written: Mapping[str, JSON]) -> Unfolded:
        """What it is built from where that is more than what a suite writes; by default the same."""
        return Unfolded(parameters=written)


def settings(component: Component) -> dict[str, Any]:
    """All parameters with their values, defaults included, as JSON."""
    return component.model_dump(mode="json")


def walk(component: Component) -> Iterator[Component]:
    """The component and all components in its fields."""
    yield component
    for field in _fields(type(component)):
        if field.is_part:
            value = getattr(component, field.name)
            for part in value if isinstance(value, list | tuple) else (value,):
                if isinstance(part, Component):
                    yield from walk(part)


@dataclass(frozen=True)
class _MarkedField:
    """What the type of a field says of it."""

    name: str
    written: str  # as a suite writes it
    is_part: bool  # it holds components
    references: tuple[Reference, ...]


@cache
def _fields(kind: type[BaseModel]) -> tuple[_MarkedField, ...]:
    """The fields of a class, looked at once: types are taken apart slowly."""
    return tuple(
        _MarkedField(
            name,
            info.alias or name,
            part_of(info) is not None,
            tuple(mark for mark in marks(info) if isinstance(mark, Reference)),
        )
        for name, info in kind.model_fields.items()
    )


@dataclass(frozen=True)
class NamedEntry:
    """A name of another entry of the suite, and where it stands inside a component's parameters."""

    mark: Reference
    name: str
    place: tuple[str | int, ...]


def named_entries(component: BaseModel, place: tuple[str | int, ...] = ()) -> Iterator[NamedEntry]:
    """The names of other entries in a component's own parameters, however deep; those of its parts are theirs."""
    for field in _fields(type(component)):
        if field.is_part:
            continue
        value, inside = getattr(component, field.name), (*place, field.written)
        for item_place, item in _items(value, inside):
            if isinstance(item, BaseModel):
                yield from named_entries(item, item_place)
        for mark in field.references:
            yield from (NamedEntry(mark, name, at) for at, name in _names(value, inside))


def named(component: Component, section: str) -> list[str]:
    """The entries of a section that a component names in its fields and parts."""
    return [entry.name for part in walk(component) for entry in named_entries(part) if entry.mark.section == section]


def _items(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The value itself, or the items of a list or the values of a mapping."""
    if isinstance(value, list | tuple):
        yield from (((*place, index), item) for index, item in enumerate(value))
    elif isinstance(value, Mapping):
        yield from (((*place, key), item) for key, item in value.items())
    else:
        yield place, value


def _names(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The texts of a marked field: of a mapping its keys."""
    if isinstance(value, Mapping):
        yield from (((*place, key), key) for key in value)
    else:
        yield from ((at, item) for at, item in _items(value, place) if isinstance(item, str))
