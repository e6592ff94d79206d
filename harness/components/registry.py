"""Components are found by name: the folder is the registry.

`name` or `{name: {parameters}}` in a suite means the class in the file of that name in the kind's folder;
`package.module.Class` names a user's own component. Modules import nothing heavy at the top, so that listing and
validating stay fast.
"""

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.components.answer import Answer
from harness.components.component import Component
from harness.components.knowledge import Knowledge
from harness.components.method import Method
from harness.components.metric import Metric
from harness.components.model import Model
from harness.components.reader import Reader
from harness.components.retriever import Retriever
from harness.components.variant import Variant
from harness.errors import nearest


@dataclass(frozen=True)
class Kind:
    """A kind of component: its base class and the packages whose files hold it."""

    base: type[Component]
    packages: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "model": Kind(Model, ("harness.models", "adapters.models")),
    "reader": Kind(Reader, ("harness.readers",)),
    "answer": Kind(Answer, ("harness.answers",)),
    "metric": Kind(Metric, ("harness.metrics",)),
    "variant": Kind(Variant, ("baselines.variants",)),
    "knowledge": Kind(Knowledge, ("baselines.knowledge",)),
    "retriever": Kind(Retriever, ("baselines.retrievers",)),
    "method": Kind(Method, ("adapters.methods",)),
}


def names(kind: str) -> list[str]:
    """The shipped components of a kind, sorted."""
    return sorted(name for name, _ in components(kind))


def components(kind: str) -> Iterator[tuple[str, type[Component]]]:
    """Name and class of each shipped component of a kind."""
    for package in KINDS[kind].packages:
        for name in _modules(package):
            component = _class_in(f"{package}.{name}", KINDS[kind].base)
            if component is not None and not component.missing_methods():
                yield name, component


def find(kind: str, name: str) -> type[Component]:
    """The class of a component. Raises LookupError with the remedy when there is none of that name."""
    for package in KINDS[kind].packages:
        if name in _modules(package):
            component = _class_in(f"{package}.{name}", KINDS[kind].base)
            if component is not None:
                return _complete(component, kind, name)
    if "." in name:
        return _own(kind, name)
    raise LookupError(f"{kind} '{name}' is not known ({nearest(name, names(kind))})")


def _modules(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    paths = spec.submodule_search_locations if spec else None
    return [module.name for module in pkgutil.iter_modules(paths)] if paths else []


def _class_in(module_name: str, base: type[Component]) -> type[Component] | None:
    module = importlib.import_module(module_name)
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module_name
    ]
    named = module_name.rpartition(".")[2].replace("_", "")
    return next((value for value in own if value.__name__.lower() == named), None)


def _own(kind: str, name: str) -> type[Component]:
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


def _complete(component: type[Component], kind: str, name: str) -> type[Component]:
    """The class. Raises LookupError if it leaves methods to the classes made of it."""
    missing = component.missing_methods()
    if missing:
        raise LookupError(
            f"{kind} '{name}' is abstract: {component.__name__} does not define {', '.join(missing)}; "
            "name a class that does"
        )
    return component


def summary(component: type[Component]) -> str:
    """The first line of a component's docstring."""
    return (inspect.getdoc(component) or "").partition("\n")[0]
