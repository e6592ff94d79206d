"""YAML with a memory: plain data plus the line and the spelling of every value, so that a mistake can be pointed at."""

import os
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from harness.errors import SuiteError
from harness.types import JSON

Where = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as people expect it: `1e-4` is a number and a date stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


@dataclass
class Source:
    """A parsed YAML file. `lines` and `spelling` are keyed by the path of keys and indices to a value."""

    path: Path
    text: str
    data: JSON = None
    lines: dict[Where, int] = field(default_factory=dict)
    spelling: dict[Where, str] = field(default_factory=dict)  # scalars as written
    mistakes: list[tuple[int, str]] = field(default_factory=list)

    def complain(self, where: Where, problem: str) -> None:
        """Note a mistake at a value; the nearest known ancestor gives the line."""
        place = where
        while place and place not in self.lines:
            place = place[:-1]
        name = ".".join(str(part) for part in where)
        self.mistakes.append((self.lines.get(place, 1), f"{name}: {problem}" if name else problem))

    def raise_mistakes(self) -> None:
        """Raise all noted mistakes together, in the order of their lines."""
        if self.mistakes:
            ordered = sorted(dict.fromkeys(self.mistakes))
            raise SuiteError(f"{self.path.name}:{line}: {problem}" for line, problem in ordered)


def read_source(path: Path) -> Source:
    """Parse a YAML file. Raises SuiteError for a missing file or a text that is not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SuiteError(
            [f"{path}: cannot be read: {reason}; name a suite file such as suites/quickstart/suite.yaml"]
        ) from error
    source = Source(path, text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        source.data = _Walk(source, loader).value(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = min(error.problem_mark.line + 1 if error.problem_mark else 1, text.count("\n") + 1)
        hint = "; inside {…} write a value with ${…} in quotes" if "${" in text.split("\n")[line - 1] else ""
        raise SuiteError([f"{path.name}:{line}: not YAML: {error.problem}{hint}"]) from error
    except yaml.YAMLError as error:
        raise SuiteError([f"{path.name}: not YAML: {error}"]) from error
    finally:
        loader.dispose()
    return source


class _Walk:
    """Turns YAML nodes into plain data, noting lines, duplicate keys, and keys that are not text."""

    def __init__(self, source: Source, loader: _Loader) -> None:
        self.source = source
        self.loader = loader

    def value(self, node: yaml.Node, where: Where) -> JSON:
        self.source.lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*where, index)) for index, item in enumerate(node.value)]
        self.source.spelling[where] = node.value
        value = self.loader.construct_object(node)
        return self._expanded(value, where) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, JSON]:
        self.loader.flatten_mapping(node)
        content: dict[str, JSON] = {}
        for key_node, value_node in node.value:
            key: Hashable = self.loader.construct_object(key_node)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                self.source.lines[where] = line
                self.source.complain(
                    where, f'the name {key_node.value} is read as {_kind(key)}; write "{key_node.value}" in quotes'
                )
                key = str(key_node.value)
            if key in content:
                first = self.source.lines[(*where, key)]
                self.source.mistakes.append(
                    (line, f"{'.'.join(map(str, (*where, key)))}: duplicate key (first on line {first})")
                )
                continue
            self.source.lines[(*where, key)] = line
            content[key] = self.value(value_node, (*where, key))
        return content

    def _expanded(self, text: str, where: Where) -> str:
        def replacement(match: re.Match[str]) -> str:
            name = match.group(1)
            value = os.environ.get(name) or (str(data_root()) if name == "DATA" else None)
            if value is None:
                self.source.complain(where, f"environment variable {name} is not set")
                return match.group(0)
            return value

        return re.sub(r"\$\{(\w+)\}", replacement, text)


def data_root() -> Path:
    """The folder that ${DATA} stands for: the environment variable DATA, or data/ in the working folder."""
    return Path(os.environ.get("DATA") or "data").resolve()


def _kind(value: object) -> str:
    kinds: Mapping[type, str] = {bool: "true/false", int: "a number", float: "a number", type(None): "nothing"}
    return kinds.get(type(value), type(value).__name__)
