"""Options that several commands share, as one parameter of each: a frozen record whose fields are the options."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def with_groups(command: Callable[..., T]) -> Callable[..., T]:
    """The command as typer reads it: each parameter that is a record replaced by the options which are its fields."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}

    @wraps(command)
    def flat(*arguments: Any, **options: Any) -> T:
        filled = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group) if field.name in options})
            for name, group in groups.items()
        }
        return command(*arguments, **options, **filled)

    parameters = [
        own
        for parameter in inspect.signature(command).parameters.values()
        for own in _flattened(parameter, groups.get(parameter.name), hints)
    ]
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del flat.__wrapped__  # typer would look through it
    return flat


def _flattened(parameter: inspect.Parameter, group: Any, hints: dict[str, Any]) -> Iterator[inspect.Parameter]:
    if group is None:
        yield parameter.replace(kind=parameter.KEYWORD_ONLY, annotation=hints.get(parameter.name, parameter.annotation))
        return
    own = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        yield inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=own[field.name])
