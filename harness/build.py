"""The writing rule of suites: `name` or `{name: {parameters}}` becomes a checked component, mistakes are noted."""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.component import Component, LocalPath, find
from harness.errors import nearest
from harness.source import Source, Where
from harness.types import JSON

NAME = re.compile(r"(?!\.+$)[^\s/\\:]+")  # names become parts of ids and file names; ".." would be another folder


class Builder:
    """Makes components and options from a source; every problem goes to the source's list."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.folder = source.path.resolve().parent

    def component(self, kind: str, value: JSON, where: Where) -> Component | None:
        """`name` or `{name: {parameters}}` → the component."""
        parameters: JSON
        if isinstance(value, str):
            name, parameters = value, {}
        elif isinstance(value, dict) and len(value) == 1:
            name, parameters = next(iter(value.items()))
            parameters = {} if parameters is None else parameters
        else:
            self.source.complain(where, f"must be the name of a {kind} or {{name: {{parameters}}}}")
            return None
        if "." in name:
            self.importable()
        try:
            found = find(kind, name)
        except LookupError as error:
            self.source.complain(where, str(error))
            return None
        inside = (*where, name) if isinstance(value, dict) else where
        if not isinstance(parameters, dict):
            self.source.complain(inside, "the parameters must be a mapping")
            return None
        component = self.options(found, self.located(found, parameters), inside)
        return component if isinstance(component, Component) else None

    def importable(self) -> None:
        """A user's module may lie beside the suite; the folder stays on the path for imports that come later."""
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))

    def located(self, kind: type[Component], parameters: dict[str, JSON]) -> dict[str, JSON]:
        """Paths in a suite are relative to the suite's folder."""
        marked = {
            name: mark
            for name, info in kind.model_fields.items()
            for mark in info.metadata
            if isinstance(mark, LocalPath)
        }
        return {
            name: self.resolve(value, marked[name]) if name in marked and isinstance(value, str) else value
            for name, value in parameters.items()
        }

    def resolve(self, value: str, mark: LocalPath) -> str:
        path = Path(value).expanduser()
        resolved = path if path.is_absolute() else self.folder / path
        if mark.or_name and not resolved.exists() and not value.startswith((".", "/", "~")):
            return value
        return os.path.normpath(resolved)

    def options(self, kind: type[BaseModel], value: JSON, where: Where) -> Any:
        """Validate parameters strictly, as JSON would be: no silent change of type."""
        if not isinstance(value, dict):
            self.source.complain(where, "must be a mapping")
            return None
        try:
            return kind.model_validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            for detail in error.errors():
                place = (
                    *where,
                    *(part for part in detail["loc"] if (*where, part) in self.source.lines or len(detail["loc"]) == 1),
                )
                self.source.complain(place if detail["loc"] else where, self.explain(detail, kind, place))
            return None

    def explain(self, detail: Mapping[str, Any], kind: type[BaseModel], where: Where) -> str:
        """A pydantic error in the user's words, with the remedy."""
        context = detail.get("ctx", {})
        written = self.source.spelling.get(where, json.dumps(detail.get("input"), ensure_ascii=False))
        match detail["type"]:
            case "extra_forbidden":
                return f"is not a parameter of {kind.__name__} ({nearest(str(detail['loc'][-1]), kind.model_fields)})"
            case "missing":
                return "is required"
            case "string_type":
                return f'must be text, but YAML reads {written} as something else; write "{written}" in quotes'
            case "greater_than_equal":
                return f"must be at least {context['ge']}"
            case "greater_than":
                return f"must be more than {context['gt']}"
            case "less_than_equal":
                return f"must be at most {context['le']}"
            case "finite_number":
                return f"must be a finite number, not {written}"
            case "literal_error":
                return f"must be {context['expected']}, not {written}"
            case "value_error":
                return str(context.get("error", detail["msg"]))
            case _:
                return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {written}"

    def mapping(self, parent: dict[str, JSON], where: Where) -> dict[str, JSON]:
        value = parent.get(str(where[-1]))
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.source.complain(where, "must be a mapping of names")
            return {}
        for name in value:
            if not NAME.fullmatch(name):
                self.source.complain((*where, name), "a name is more than dots and has no spaces, colons or slashes")
            elif "." in name and where[0] == "tasks":  # "task.metric" is split at the dot
                self.source.complain((*where, name), "the name of a task or metric has no dots")
        return value

    def known_keys(self, value: dict[str, JSON], keys: tuple[str, ...], where: Where) -> None:
        for key in value:
            if key not in keys:
                self.source.complain((*where, key), f"is not a known key ({nearest(key, keys)})")
