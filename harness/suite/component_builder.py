"""The writing rule of suites: `name` or `{name: {parameters}}` becomes a checked component, mistakes are noted."""

import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from harness.components.component import Component
from harness.components.fields import AsWritten, LocalPath, PromptText, parameters_of, part_of
from harness.components.packages import remedy_for
from harness.components.registry import KINDS, find
from harness.errors import HarnessError, nearest, reason_of, shown_path
from harness.records.inputs import JSON
from harness.suite.entry_names import name_problem
from harness.suite.short_forms import component_form, parameter_form
from harness.suite.union_errors import alternatives, telling_errors
from harness.suite.yaml_source import QUOTED, Source, Where
from harness.text.excerpts import shortened
from harness.text.templates import Template

LIMITS = {  # an error of pydantic → how it is said, and where its context holds the number
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
}


class Builder:
    """Makes components and options from a source; every problem goes to the source's list."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.folder = source.path.resolve().parent
        self.places: list[tuple[Component, Where]] = []  # where each component's parameters stand
        self.prompts: dict[str, str] = {}  # prompt files by name

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
        inside = (*where, name) if isinstance(value, dict) else where
        kind_class = self.kind_class(kind, name, where)
        if kind_class is None:
            return None
        if remedy := remedy_for(kind_class.imports):
            self.source.complain(where, f"{kind} '{name}' needs {remedy}")
        if not isinstance(parameters, dict):
            self.source.complain(
                inside, f"the parameters must be a mapping; {parameter_form(kind_class, name, parameters)}"
            )
            return None
        parts: dict[str, Component] = {}
        prepared = {
            field: self.prepared(kind_class, field, parameter, (*inside, field), parts)
            for field, parameter in self.unfolded(kind_class, parameters, inside).items()
        }
        component = self.options(kind_class, prepared, inside, parts)
        if not isinstance(component, Component):
            return None
        self.places.append((component, inside))
        return component

    def unfolded(self, kind_class: type[Component], written: dict[str, JSON], where: Where) -> Mapping[str, JSON]:
        """The parameters that a component is built from; a mistake in one is said of the line that it is made of."""
        if "unfolded" in vars(kind_class):
            self.importable()  # it may look at a user's own class that is written inside
        unfolded = kind_class.unfolded(written)
        for place, problem in unfolded.mistakes:
            self.source.complain((*where, *place), problem)
        for place, origin in unfolded.origins.items():
            self.source.moved[(*where, *place)] = (*where, *origin)
        return unfolded.parameters

    def kind_class(self, kind: str, name: str, where: Where) -> type[Component] | None:
        """The class of a component's name."""
        remedy = component_form(kind, name)
        if remedy is None and "." in name:
            self.importable()
        try:
            return find(kind, name)
        except LookupError as error:
            self.source.complain(where, f"{kind} '{name}' is not known; {remedy}" if remedy else str(error))
            return None

    def prepared(
        self, kind_class: type[Component], field: str, value: JSON, where: Where, parts: dict[str, Component]
    ) -> JSON:
        """A parameter as validation takes it: paths resolved, templates read, components made and named by tokens."""
        info = parameters_of(kind_class).get(field)
        if info is None:
            return value
        part = part_of(info)
        if part is not None:
            return self.parts(part.kind, value, where, parts)
        if any(isinstance(mark, AsWritten) for mark in info.metadata):
            return self.as_written(value, where)
        for mark in info.metadata:
            if isinstance(mark, LocalPath):
                return self.resolve(value, mark, where)
            if isinstance(mark, PromptText) and isinstance(value, str):
                return self.template_text(value, where)
        return value

    def parts(self, kind: str, value: JSON, where: Where, parts: dict[str, Component]) -> JSON:
        """Components inside a component; a list of them stays a list."""
        if value is None:
            return None
        if isinstance(value, list):
            return [self.parts(kind, item, (*where, i), parts) for i, item in enumerate(value)]
        component = self.component(kind, value, where)
        token = f"part {len(parts)} at {where}"
        parts[token] = component or _placeholder(KINDS[kind].base)
        return token

    def as_written(self, value: JSON, where: Where) -> JSON:
        """A value whose texts have their `${NAME}` again."""
        if isinstance(value, dict):
            return {key: self.as_written(part, (*where, key)) for key, part in value.items()}
        if isinstance(value, list):
            return [self.as_written(part, (*where, index)) for index, part in enumerate(value)]
        return self.source.spelled(where, value) if isinstance(value, str) else value

    def importable(self) -> None:
        """A user's module may lie beside the suite; the folder stays on the path for imports that come later."""
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))

    def resolve(self, value: JSON, mark: LocalPath, where: Where) -> JSON:
        """A path from the suite's folder, or a mapping's; one that nothing can ever be read from is a mistake."""
        if isinstance(value, dict):
            return {key: self.resolve(path, mark, (*where, key)) for key, path in value.items()}
        if not isinstance(value, str):
            return value
        try:
            path = Path(value).expanduser()
        except RuntimeError:
            self.source.complain(where, f"'{shown_path(value)}' names a home folder that is not here; write it out")
            return value
        resolved = path if path.is_absolute() else self.folder / path
        try:
            mode = resolved.stat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                self.source.complain(where, f"{value} is a pipe, a device or a socket; name a file or a folder")
        except (FileNotFoundError, NotADirectoryError):
            if mark.or_name and not value.startswith((".", "/", "~")):
                return value
        except (OSError, ValueError) as error:
            self.source.complain(where, f"'{shown_path(value)}' cannot be reached: {reason_of(error)}")
        return os.path.normpath(resolved)

    def template_text(self, value: str, where: Where) -> str:
        """The source of a template that stands in a file or in the suite itself."""
        template = self.template(value, where)
        return value if template is None else template.text

    def template(self, value: JSON, where: Where) -> Template | None:
        """A prompt: the name of a .j2 file beside the suite or in its prompts/, or the text itself."""
        if not isinstance(value, str):
            self.source.complain(where, "must be the name of a .j2 file or a text with {{ input }}")
            return None
        try:
            if value.endswith(".j2"):
                template = Template(self.prompt_file(value), value)
            else:
                template = Template(
                    value, f"{self.source.path.name}:{self.source.lines.get(self.source.written_at(where), 1)}"
                )
            template.check()
        except HarnessError as error:
            self.source.complain(where, str(error))
            return None
        return template

    def prompt_file(self, name: str) -> str:
        """The text of a prompt file, which becomes part of the suite. Raises HarnessError."""
        try:
            file = next((place for folder in ("", "prompts") if (place := self.folder / folder / name).is_file()), None)
        except (OSError, ValueError) as error:
            raise HarnessError(f"{shown_path(name)} cannot be read: {reason_of(error)}") from error
        if file is None:
            near = [p.name for p in (*self.folder.glob("*.j2"), *self.folder.glob("prompts/*.j2"))]
            raise HarnessError(f"no file {name} beside the suite or in prompts/ ({nearest(name, near)})")
        try:
            self.prompts[name] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise HarnessError(f"{name} cannot be read: {error}; it must be UTF-8 text") from error
        return self.prompts[name]

    def options(
        self, kind: type[BaseModel], value: JSON, where: Where, parts: Mapping[str, Component] | None = None
    ) -> Any:
        """Validate parameters strictly, as JSON would be: no silent change of type."""
        if not isinstance(value, dict):
            self.source.complain(where, "must be a mapping")
            return None
        try:
            return kind.model_validate_json(json.dumps(value), strict=True, context=parts)
        except ValidationError as error:
            reasons: dict[tuple[Where, Where], list[str]] = {}
            for detail in telling_errors(error.errors()):
                place = self.place(where, detail["loc"])
                forms = (place, detail["loc"][:-1] if place[-1:] != detail["loc"][-1:] else detail["loc"])
                reasons.setdefault(forms, []).append(self.explain(detail, kind, place))
            for (place, _), texts in reasons.items():
                self.source.complain(place, alternatives(texts))
            return None

    def place(self, where: Where, inside: Where) -> Where:
        """Where a part of a value stands in the source; pydantic also counts the forms of a union as parts."""
        place = where
        for part in inside:
            if self.source.written_at((*place, part)) in self.source.lines or len(inside) == 1:
                place = (*place, part)
        return place

    def explain(self, detail: Mapping[str, Any], kind: type[BaseModel], where: Where) -> str:
        """A pydantic error in the user's words, with the remedy."""
        context = detail.get("ctx", {})
        spelling = self.source.spelled(where, json.dumps(detail.get("input"), ensure_ascii=False))
        written = shortened(spelling, QUOTED)
        match detail["type"]:
            case "extra_forbidden":
                subject, remedy = kind.model_config.get("title"), nearest(str(detail["loc"][-1]), parameters_of(kind))
                return f"is not a parameter of {subject or kind.__name__} ({remedy})"
            case "missing":  # inside a value, its own place is the nearest that is known
                return "is required" if where[-1:] == detail["loc"][-1:] else f"{detail['loc'][-1]} is required"
            case "string_type" if isinstance(detail.get("input"), list | dict):
                kind_of_value = "a list" if isinstance(detail["input"], list) else "a mapping"
                return f"must be one text, not {kind_of_value}"
            case "string_type":
                return f'must be text, but YAML reads {written} as something else; write "{written}" in quotes'
            case "list_type" | "tuple_type" if not isinstance(detail.get("input"), dict):
                return f"must be a list: write [{written}]"
            case "dict_type" | "model_type" | "model_attributes_type":
                return f"must be a mapping {{name: value}}, not {written}"
            case "bool_type" | "bool_parsing":
                return f"must be true or false, not {written}"
            case limit if limit in LIMITS:
                return f"must be {LIMITS[limit][0]} {context[LIMITS[limit][1]]}"
            case "finite_number":
                return f"must be a finite number, not {written}"
            case "literal_error":
                return f"must be {context['expected']}, not {written}"
            case "string_too_short" if context["min_length"] == 1:
                return "must not be empty"
            case "string_pattern_mismatch" if context["pattern"].startswith("^(https?"):
                return f"must begin with http:// or https://, not {written}"
            case "string_pattern_mismatch" if context["pattern"] == r"\S":
                return "must not be blank"
            case "value_error":
                return str(context.get("error", detail["msg"]))
            case _:
                return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, not {written}"

    def mapping(self, parent: dict[str, JSON], where: Where) -> dict[str, JSON]:
        """The mapping of names at `where`, each name complained of that cannot be one; empty where there is none."""
        value = parent.get(str(where[-1]))
        if value is None:
            return {}
        if not isinstance(value, dict):
            example = "{accuracy: exact_match}" if where[-1] == "metrics" else "{name: …}"
            self.source.complain(where, f"must be a mapping of names: give each entry a name, e.g. {example}")
            return {}
        for name in value:
            if problem := name_problem(name):
                self.source.complain((*where, name), f"a name {problem}")
            elif "." in name and where[0] == "tasks":  # "task.metric" is split at the dot
                self.source.complain((*where, name), "the name of a task or metric has no dots")
        return value

    def known_keys(self, value: dict[str, JSON], keys: tuple[str, ...], where: Where) -> None:
        """Complain of each key that is none of `keys`."""
        for key in value:
            if key not in keys:
                self.source.complain((*where, key), f"is not a known key ({nearest(key, keys)})")


def _placeholder(base: type[Component]) -> Component:
    """Stands for a component with a mistake, which is noted, so that what is around it is still looked at."""
    unknown: Any = create_model("Unknown", __base__=base)
    unknown.__abstractmethods__ = frozenset()
    placeholder: Component = unknown.model_construct()
    return placeholder
