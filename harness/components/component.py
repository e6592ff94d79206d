"""What a suite can name: a component, whose fields are its YAML parameters."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from harness.components.fields import Reference, marks, part_of


class Component(BaseModel):
    """Base of everything a suite can name. Fields are parameters; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    imports: ClassVar[tuple[str, ...]] = ()  # what it imports beyond a light installation

    @classmethod
    def missing_methods(cls) -> list[str]:
        """The methods that the class owes and does not define: with any, it is abstract and no suite can name it."""
        return sorted(cls.__abstractmethods__)


def settings(component: Component) -> dict[str, Any]:
    """All parameters with their values, defaults included, as JSON."""
    return component.model_dump(mode="json")


def walk(component: Component) -> Iterator[Component]:
    """The component and all components in its fields."""
    yield component
    for name, info in type(component).model_fields.items():
        if part_of(info) is not None:
            value = getattr(component, name)
            for part in value if isinstance(value, list | tuple) else (value,):
                if isinstance(part, Component):
                    yield from walk(part)


def named(component: Component, section: str) -> list[str]:
    """The entries of a section that a component names in its fields and parts."""
    return [
        name
        for part in walk(component)
        for field, info in type(part).model_fields.items()
        for mark in marks(info)
        if isinstance(mark, Reference) and mark.section == section
        for name in _names(getattr(part, field))
    ]


def _names(value: str | Iterable[str] | None) -> Iterable[str]:
    return () if value is None else [value] if isinstance(value, str) else value
