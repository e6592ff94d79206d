"""Components as run.json records them: which settings count, and which other entries they name."""

from collections.abc import Iterator, Mapping
from functools import cache

from pydantic import BaseModel

from harness.components import registry
from harness.components.component import Component
from harness.components.fields import Needs, Reference, marks, parameters_of, part_of
from harness.records.inputs import JSON

Settings = Mapping[str, JSON]
ANY = "*"  # the section of a name in the settings of a component that is not known here


@cache
def recorded_class(kind: str, component: str) -> type[Component] | None:
    """The shipped class of a name in run.json; None of a user's own, and of one that is gone."""
    return registry.find_class(kind, component)


def counting_settings(kind: str, component: str, settings: Settings) -> dict[str, JSON]:
    """All settings, younger ones by their defaults, without those that make no difference beside the others."""
    own = recorded_class(kind, component)
    if own is None:
        return dict(settings)
    fields = own.model_fields.items()
    defaults = {n: field.get_default(call_default_factory=True) for n, field in fields if not field.is_required()}
    complete = {**{name: _plain(value) for name, value in defaults.items()}, **settings}
    needs = {name: [mark for mark in marks(field) if isinstance(mark, Needs)] for name, field in fields}
    return {
        name: value
        for name, value in complete.items()
        if all(bool(complete.get(need.field)) == need.to_be for need in needs.get(name, ()))
    }


def named_entries(kind: str, component: str, settings: Settings) -> set[str]:
    """The entries that a component names, as "section.name"; without its class, every word that may be a name."""
    own = recorded_class(kind, component)
    if own is None:
        return {f"{ANY}.{text}" for text in _words(settings)}
    return set(_references(own, settings))


def _references(own: type[BaseModel], settings: Settings) -> Iterator[str]:
    for name, field in parameters_of(own).items():
        value = settings.get(name)
        if (part := part_of(field)) is not None:
            yield from _of_parts(part.kind, value)
            continue
        for mark in marks(field):
            if isinstance(mark, Reference):
                yield from (f"{mark.section}.{text}" for text in _names(value))
            elif isinstance(mark, type) and issubclass(mark, BaseModel):
                yield from (entry for inner in _items(value) for entry in _references(mark, inner))


def _of_parts(kind: str, value: JSON) -> Iterator[str]:
    """What components inside name, which are written {name: {parameters}}."""
    for written in _items(value):
        for name, settings in written.items():
            try:
                yield from _references(registry.find(kind, name), settings or {})
            except LookupError:
                yield from (f"{ANY}.{text}" for text in _words(settings))


def _items(value: JSON) -> Iterator[Mapping[str, JSON]]:
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, Mapping):
            yield item


def _names(value: JSON) -> Iterator[str]:
    for item in value if isinstance(value, list | tuple | dict) else (value,):
        if isinstance(item, str):
            yield item


def _words(value: JSON) -> Iterator[str]:
    """All texts of settings, however deep."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        yield from _words(part)


def _plain(value: JSON) -> JSON:
    """A default as JSON would give it back."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value
