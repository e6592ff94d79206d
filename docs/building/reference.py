"""Writes docs/reference/: every component with its parameters, the sections of a suite, and the help of every command.

`python docs/building/reference.py` writes the pages; tests/docs/test_reference.py compares them with what it would write.
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
REMEDY = "python docs/building/reference.py"
NOTE = f"<!-- written by `{REMEDY}` from the code; edit the code -->"
PAGES = {
    "model": ("models", "Models"), "reader": ("readers", "Readers of data"), "answer": ("answers", "Kinds of answer"),
    "metric": ("metrics", "Metrics"), "variant": ("variants", "Variants"), "knowledge": ("knowledge", "Knowledge bases"),
    "retriever": ("retrievers", "Retrievers"), "method": ("methods", "Training methods"),
}  # fmt: skip
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
WORDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "null"}
NOT_SET = "not set"


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    from harness.components.registry import KINDS

    return {
        **{f"{PAGES[kind][0]}.md": "\n".join(_kind_page(kind)) for kind in KINDS},
        "sections.md": "\n".join(_sections_page()),
        "commands.md": "\n".join(_commands_page()),
    }


# -- components ---------------------------------------------------------------------------------------------------------


def _kind_page(kind: str) -> Iterator[str]:
    from harness.components.registry import KINDS, components

    yield from (NOTE, "", f"# {PAGES[kind][1]}", "", _text(KINDS[kind].base), "")
    shipped = sorted(components(kind))
    yield from (" · ".join(f"[`{name}`](#{name})" for name, _ in shipped), "")
    parts: dict[str, Any] = {}
    for name, component in shipped:
        yield from (f"## {name}", "", _text(component), "")
        if component.imports:
            yield from (f"Beyond a light installation it needs {', '.join(f'`{package}`' for package in component.imports)}.", "")
        yield from _table(component, parts)
    yield from _parts(parts)


def _parts(parts: dict[str, Any]) -> Iterator[str]:
    """What stands inside parameters: records with fields of their own, which may hold further ones."""
    written: set[str] = set()
    while missing := sorted(set(parts) - written):
        for name in missing:
            yield from (f"## {name}", "", _escaped(parts[name].get("description", "Part of a parameter.")), "")
            yield from _rows(parts[name], {}, {}, parts)
            written.add(name)


def _table(kind: Any, parts: dict[str, Any]) -> Iterator[str]:
    from harness.components.fields import parameters_of

    schema = kind.model_json_schema()
    parts |= {name: part for name, part in schema.pop("$defs", {}).items() if part.get("type") == "object"}
    fields = parameters_of(kind)
    yield from _rows(schema, fields, {name: _default(info) for name, info in fields.items()}, parts)


def _rows(
    schema: Mapping[str, Any], fields: Mapping[str, Any], defaults: Mapping[str, str], parts: Mapping[str, Any]
) -> Iterator[str]:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not properties:
        yield from ("No parameters.", "")
        return
    yield from ("| parameter | type | default | meaning |", "|---|---|---|---|")
    for name, own in sorted(properties.items(), key=lambda entry: entry[0] not in required):
        info = fields.get(name)
        default = "**required**" if name in required else defaults.get(name) or _value(own.get("default"))
        meaning = " ".join(filter(None, (_sentence(own.get("description")), _condition(info))))
        yield f"| `{name}` | {_marked(_type(own, parts), info)} | {default} | {meaning} |"
    yield ""


def _default(info: Any) -> str:
    return "" if info.is_required() else _value(info.get_default(call_default_factory=True))


def _value(value: Any) -> str:
    """A default as a suite would write it."""
    if value is None:
        return NOT_SET
    if value == "":
        return "empty"
    plain = _plain(value)
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    fence = "``" if "`" in text else "`"
    shown = json.dumps(text, ensure_ascii=False) if isinstance(value, str) and text != text.strip() else text
    return f"{fence}{_in_table(shown)}{fence}"


def _plain(value: Any) -> Any:
    """A default as JSON: of a component its name with what differs from the defaults of its own, of a record what is set."""
    from pydantic import BaseModel

    from harness.components.component import Component

    if isinstance(value, Component):
        name = type(value).__module__.rpartition(".")[2]
        own = {field: _plain(entry) for field, entry in value if entry != _own_default(type(value), field)}
        return {name: own} if own else name
    if isinstance(value, BaseModel):
        return {field: _plain(entry) for field, entry in value if entry is not None}
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def _own_default(kind: Any, field: str) -> Any:
    return kind.model_fields[field].get_default(call_default_factory=True)


# -- types in words -----------------------------------------------------------------------------------------------------


def _type(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    if "part" in schema:
        page, title = PAGES[schema["part"]]
        return f"[{title.lower().rstrip('s') if page != 'readers' else 'reader'}]({page}.md)"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if name in parts else name
    if "anyOf" in schema:
        kinds = dict.fromkeys(_type(kind, parts) for kind in schema["anyOf"] if kind.get("type") != "null")
        return " or ".join(kinds)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{json.dumps(value) if not isinstance(value, str) else value}`" for value in _choices(schema))
    return _plain_type(schema, parts)


def _plain_type(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    match schema.get("type"):
        case "array":
            if members := schema.get("prefixItems"):
                return f"[{', '.join(_type(member, parts) for member in members)}]"
            return f"list of {_type(schema['items'], parts)}" if schema.get("items") else "list"
        case "object":
            value = schema.get("additionalProperties")
            return "mapping to " + _type(value, parts) if isinstance(value, dict) and value else "mapping"
        case str(name):
            bounds = [f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema]
            return " ".join([WORDS[name], ", ".join(bounds)]).strip()
    return "anything"


def _choices(schema: Mapping[str, Any]) -> Sequence[Any]:
    return schema.get("enum") or [schema["const"]]


def _marked(words: str, info: Any) -> str:
    """The type with what the field's marks say of its texts."""
    from harness.components.fields import LocalPath, PromptText, Reference, marks

    for mark in marks(info) if info is not None else ():
        match mark:
            case Reference(section=section):
                return words.replace("text", f"name in `{section}`", 1)
            case LocalPath(or_name=or_name):
                return words.replace("text", "path or name" if or_name else "path", 1)
            case PromptText():
                return words.replace("text", "template", 1)
    return words


def _condition(info: Any) -> str:
    from harness.components.fields import Needs, marks

    needs = [mark for mark in marks(info) if isinstance(mark, Needs)] if info is not None else []
    return " ".join(f"Counts only with{'' if mark.to_be else 'out'} `{mark.field}`." for mark in needs)


# -- sections of a suite, commands --------------------------------------------------------------------------------------


def _sections_page() -> Iterator[str]:
    from harness.suite.options import GenerationOptions
    from harness.suite.schema import OPTIONS

    yield from (NOTE, "", "# Sections of a suite that are plain options", "")
    yield from ("[The suite file](../suite.md) explains them; `generation` stands inside a task.", "")
    parts: dict[str, Any] = {}
    for name, kind in {"generation": GenerationOptions, **OPTIONS}.items():
        yield from (f"## {name}", "", _text(kind), "")
        yield from _table(kind, parts)
    yield from _parts(parts)


def _commands_page() -> Iterator[str]:
    import typer

    from harness.cli import app

    yield from (NOTE, "", "# Commands", "", "What `--help` prints, for every command.", "")
    yield from _command(typer.main.get_command(app), "harness", None)


def _command(command: Any, name: str, parent: Any) -> Iterator[str]:
    """A command and those below it, whose help does not depend on the terminal."""
    context = command.make_context(name.rpartition(" ")[2], [], parent=parent, resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f"## {name}", "", "```", f"{name} {usage}".strip(), "```", "")
    yield from (_escaped(inspect.cleandoc(command.help or "")), "")
    for kind in ("argument", "option"):
        records = [own.get_help_record(context) for own in command.params if own.param_type_name == kind]
        if rows := [record for record in records if record]:
            yield from (f"| {kind} | meaning |", "|---|---|")
            yield from (f"| `{_in_table(left)}` | {_escaped(_in_table(' '.join(right.split())))} |" for left, right in rows)
            yield ""
    for below in command.list_commands(context) if hasattr(command, "list_commands") else ():
        yield from _command(command.get_command(context, below), f"{name} {below}", context)


# -- text ---------------------------------------------------------------------------------------------------------------


def _text(kind: Any) -> str:
    return _escaped(inspect.getdoc(kind) or "")


def _sentence(text: str | None) -> str:
    if not text:
        return ""
    words = _escaped(_in_table(" ".join(text.split())))
    return words[0].upper() + words[1:] + ("" if words[-1] in ".!?" else ".") if words[0] != "`" else words


def _in_table(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "\\n")


def _escaped(text: str) -> str:
    """Text whose signs mean nothing in Markdown, outside of code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if place % 2 else re.sub(r"([*_<>\[\]])", r"\\\1", piece) for place, piece in enumerate(pieces))


def main() -> None:
    """Writes the pages and removes those that are no more."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
