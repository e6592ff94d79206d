"""Components are found by name: the folder is the registry.

`name` or `{name: {parameters}}` in a suite means the class in the file of that name in the kind's folder;
`package.module.Class` names a user's own component. Modules import nothing heavy at the top, so that listing and
validating stay fast.
"""

import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import nearest

if TYPE_CHECKING:
    from harness.components.component import Component

_CLASS = re.compile(r'^class (\w+)\b[^:]*:\n(?:    r?"""(.+?)(?:"""|$))?', re.MULTILINE)


@dataclass(frozen=True)
class Kind:
    """A kind of component: where its base class is, and the packages whose files hold it."""

    name: str
    packages: tuple[str, ...]

    @property
    def base(self) -> "type[Component]":
        """What all components of the kind are made of."""
        base: type[Component] = getattr(
            importlib.import_module(f"harness.components.{self.name}"), self.name.capitalize()
        )
        return base


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("model", ("harness.models", "adapters.models")),
        Kind("reader", ("harness.readers",)),
        Kind("answer", ("harness.answers",)),
        Kind("metric", ("harness.metrics",)),
        Kind("variant", ("baselines.variants",)),
        Kind("knowledge", ("baselines.knowledge",)),
        Kind("retriever", ("baselines.retrievers",)),
        Kind("method", ("adapters.methods",)),
    )
}
SECTIONS = "suite"  # what is listed beside the kinds: the sections of a suite file


def names(kind: str) -> list[str]:
    """The shipped components of a kind, sorted."""
    return sorted(summaries(kind))


@cache
def summaries(kind: str) -> Mapping[str, str]:
    """The shipped components of a kind with the first line of their documentation, read without importing them."""
    lines: dict[str, str] = {}
    for package in KINDS[kind].packages:
        for name in _modules(package):
            line = _summary_in(package, name, kind)
            if line is not None:
                lines[name] = line
    return lines


def _summary_in(package: str, name: str, kind: str) -> str | None:
    """The first line of documentation of the class that a file is named after; None where it has none of that name."""
    spec = importlib.util.find_spec(f"{package}.{name}")
    if spec is None or spec.submodule_search_locations is not None:
        return None
    if spec.origin is not None and spec.origin.endswith(".py"):
        source = Path(spec.origin).read_text(encoding="utf-8")
        lines = {own.lower(): line for own, line in _CLASS.findall(source)}
        line = lines.get(name.replace("_", ""))
        if line != "":
            return None if line is None else line.strip()
    component = _class_in(f"{package}.{name}", KINDS[kind].base)  # without source, or without documentation of its own
    return None if component is None or component.missing_methods() else summary(component)


def find_class(kind: str, class_name: str) -> "type[Component] | None":
    """The shipped component whose class has a name, of which only its own file is imported; None if there is none."""
    for package in KINDS[kind].packages:
        for name in _modules(package):
            if name.replace("_", "") == class_name.lower():
                component = _class_in(f"{package}.{name}", KINDS[kind].base)
                if component is not None and component.__name__ == class_name and not component.missing_methods():
                    return component
    return None


def components(kind: str) -> "Iterator[tuple[str, type[Component]]]":
    """Name and class of each shipped component of a kind."""
    for package in KINDS[kind].packages:
        for name in _modules(package):
            component = _class_in(f"{package}.{name}", KINDS[kind].base)
            if component is not None and not component.missing_methods():
                yield name, component


def find(kind: str, name: str) -> "type[Component]":
    """The class of a component. Raises LookupError with the remedy when there is none of that name."""
    for package in KINDS[kind].packages:
        if name in _modules(package):
            component = _class_in(f"{package}.{name}", KINDS[kind].base)
            if component is not None:
                return _complete(component, kind, name)
    if "." in name:
        return _own(kind, name)
    raise LookupError(f"{kind} '{name}' is not known ({nearest(name, names(kind))})")


@cache
def _modules(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    paths = spec.submodule_search_locations if spec else None
    return [module.name for module in pkgutil.iter_modules(paths)] if paths else []


def _class_in(module_name: str, base: "type[Component]") -> "type[Component] | None":
    module = importlib.import_module(module_name)
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module_name
    ]
    named = module_name.rpartition(".")[2].replace("_", "")
    return next((value for value in own if value.__name__.lower() == named), None)


def _own(kind: str, name: str) -> "type[Component]":
    """A user's class. Whatever importing a module of theirs raises is the reason why it cannot be had."""
    module_name, _, class_name = name.rpartition(".")
    if not all(part.isidentifier() for part in name.split(".")):
        raise LookupError(f"{kind} '{name}' is not of the form package.module.Class")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise LookupError(f"{kind} '{name}' cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LookupError(f"{kind} '{name}': module {module_name} cannot be imported: {reason}") from error
    base = KINDS[kind].base
    component = getattr(module, class_name, None)
    if component is None:
        classes = {name: value for name, value in vars(module).items() if isinstance(value, type)}
        own = [name for name, value in classes.items() if issubclass(value, base) and not value.missing_methods()]
        raise LookupError(f"{kind} '{name}': module {module_name} has no {class_name} ({nearest(class_name, own)})")
    if not (isinstance(component, type) and issubclass(component, base)):
        raise LookupError(f"{kind} '{name}' is not a {base.__module__}.{base.__name__}")
    return _complete(component, kind, name)


def _complete(component: "type[Component]", kind: str, name: str) -> "type[Component]":
    """The class. Raises LookupError if it leaves methods to the classes made of it."""
    missing = component.missing_methods()
    if missing:
        raise LookupError(
            f"{kind} '{name}' is abstract: {component.__name__} does not define {', '.join(missing)}; "
            "name a class that does"
        )
    return component


def summary(component: "type[Component]") -> str:
    """The first line of a component's docstring."""
    return (inspect.getdoc(component) or "").partition("\n")[0]
