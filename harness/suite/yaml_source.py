"""YAML with a memory: plain data plus the line and the spelling of every value, so that a mistake can be pointed at."""

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml.reader import ReaderError

from harness.errors import SuiteError, reason_of, shown_path
from harness.records.inputs import JSON
from harness.suite.shipped import suite_file
from harness.text.excerpts import shortened
from harness.text.redaction import Redaction, secret_variables
from harness.text.variables import expanded, names_in, variables_in

Where = tuple[str | int, ...]
LARGEST_INTEGER = 2**63 - 1  # what servers, tensors and files of a run hold
QUOTED = 60  # characters of a value that a message quotes
_LARGEST = 1 << 18  # bytes of a file; parsing so much takes seconds
_MOST_VALUES, _MOST_CHARACTERS = 50_000, 1 << 23  # with every alias written out


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as people expect it: `1e-4` is a number; a date, `=` and `1:1` (61, in base 60) stay text."""


_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_TAGS: Mapping[type[yaml.Node], tuple[str, ...]] = {  # what a tag can say without changing what a suite is made of
    yaml.MappingNode: ("map",),
    yaml.SequenceNode: ("seq",),
    yaml.ScalarNode: ("str", "int", "float", "bool", "null", "merge"),
}
_BASE_60 = ("|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+", r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*")  # in PyYAML


def _without_base_60(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """The pattern of numbers without the forms that hours and minutes once had."""
    text = pattern.pattern
    for form in _BASE_60:
        text = text.replace(form, "")
    return re.compile(text, re.VERBOSE)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, _without_base_60(pattern) if tag in (f"{_TAG}int", f"{_TAG}float") else pattern)
        for tag, pattern in resolvers
        if tag not in (f"{_TAG}timestamp", f"{_TAG}value")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


@dataclass(kw_only=True)
class Source:
    """A parsed YAML file. `lines` and `spelling` are keyed by the path of keys and indices to a value."""

    path: Path
    text: str
    data: JSON = None
    lines: dict[Where, int] = field(default_factory=dict)
    spelling: dict[Where, str] = field(default_factory=dict)  # scalars as written
    mistakes: list[tuple[int, str]] = field(default_factory=list)
    refused: set[Where] = field(default_factory=set)  # whose value is gone: nothing more is said of them
    moved: dict[Where, Where] = field(default_factory=dict)  # values that are made of others: to where those stand
    variables: dict[str, str] = field(default_factory=dict, repr=False)  # of the environment, as the text names them

    def complain(self, where: Where, problem: str) -> None:
        """Note a mistake at a value; the nearest known ancestor gives the line."""
        where = self.written_at(where)
        if where in self.refused:
            return
        place = where
        while place and place not in self.lines:
            place = place[:-1]
        name = ".".join(str(part) for part in where)
        self.mistakes.append((self.lines.get(place, 1), f"{name}: {problem}" if name else problem))

    def written_at(self, where: Where) -> Where:
        """Where in the file a value stands: that from which it is made."""
        for size in range(len(where) if self.moved else 0, 0, -1):
            if where[:size] in self.moved:
                return self.moved[where[:size]] + where[size:]
        return where

    def spelled(self, where: Where, otherwise: str) -> str:
        """A scalar as it is written in the file."""
        return self.spelling.get(self.written_at(where), otherwise)

    def raise_mistakes(self) -> None:
        """Raise all noted mistakes together, in the order of their lines."""
        if self.mistakes:
            ordered = sorted(dict.fromkeys(self.mistakes))
            redaction = Redaction(secret_variables(self.variables))
            raise SuiteError(f"{self.path.name}:{line}: {redaction.redact(problem)}" for line, problem in ordered)


def read_source(path: Path) -> Source:
    """Parse a YAML file, a folder's or a shipped suite's. Raises SuiteError for a missing file or what is not YAML."""
    path = suite_file(path)
    text = _text_of(path)
    source = Source(path=path, text=text)
    try:
        _parse(source)
    except yaml.MarkedYAMLError as error:
        line = min(error.problem_mark.line + 1 if error.problem_mark else 1, text.count("\n") + 1)
        hint = "; inside {…} write a value with ${…} in quotes" if "${" in text.split("\n")[line - 1] else ""
        raise SuiteError([f"{path.name}:{line}: not YAML: {error.problem}{hint}"]) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        reason = f"the character U+{ord(text[error.position]):04X} is not allowed; delete it"
        raise SuiteError([f"{path.name}:{line}: not YAML: {reason}"]) from error
    except RecursionError as error:
        raise SuiteError([f"{path.name}: not a suite: nested too deeply"]) from error
    return source


def _text_of(path: Path) -> str:
    remedy = (
        "name a suite file such as suites/quickstart/suite.yaml, its folder, or a suite that `harness suites` lists"
    )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe waits for ever, a device may never end
            kind = "a folder without suite.yaml" if stat.S_ISDIR(status.st_mode) else "a pipe, a device or a socket"
            raise SuiteError([f"{path}: is {kind}; {remedy}"])
        if status.st_size > _LARGEST:
            raise SuiteError([f"{path}: has {status.st_size:,} bytes; a suite has at most {_LARGEST:,}"])
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SuiteError(
            [f"{shown_path(path)}: is not UTF-8 from byte {error.start + 1:,} on; save it as UTF-8"]
        ) from error
    except (OSError, ValueError) as error:
        raise SuiteError([f"{shown_path(path)}: cannot be read: {reason_of(error)}; {remedy}"]) from error


def _parse(source: Source) -> None:
    loader = _Loader(source.text)
    try:
        node = loader.get_single_node()
        source.data = _Walk(source, loader).value(node, ()) if node is not None else None
    finally:
        loader.dispose()


class _Walk:
    """Turns YAML nodes into plain data, noting lines, duplicate keys, and what is not plain data."""

    def __init__(self, source: Source, loader: _Loader) -> None:
        self.source = source
        self.loader = loader
        self.open: set[yaml.Node] = set()  # the nodes around the current one
        self.values = self.characters = 0  # of what has been walked, aliases written out
        self.entries_of: dict[yaml.Node, dict[str, tuple[yaml.Node, yaml.Node]]] = {}

    def value(self, node: yaml.Node, where: Where) -> JSON:
        self.source.lines.setdefault(where, node.start_mark.line + 1)
        self._refuse_endless(node)
        self._refuse_too_many(node, 1, len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if node.tag.removeprefix(_TAG) not in _TAGS[type(node)]:
            tag = node.tag.replace(_TAG, "!!")
            self.source.complain(where, f"the tag {tag} has no meaning in a suite; leave it out")
        self.open.add(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, where)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*where, index)) for index, item in enumerate(node.value)]
            value = self._scalar(node, where)
        finally:
            self.open.remove(node)
        self.source.spelling[where] = node.value
        return self._expanded(value, where) if isinstance(value, str) else value

    def _scalar(self, node: yaml.Node, where: Where) -> JSON:
        """Text, a number, true, false or nothing; a value of any other tag is taken as text."""
        kind = node.tag.removeprefix(_TAG)
        if kind == "merge" or kind not in _TAGS[yaml.ScalarNode]:
            return node.value
        if any("\ud800" <= character <= "\udfff" for character in node.value):  # half of a pair; no file can hold it
            self.source.complain(where, "an escape such as \\ud83d is half a character; write the character itself")
            return ""
        try:
            value = self.loader.construct_object(node)
        except (ValueError, LookupError, OverflowError):
            quoted = shortened(node.value, QUOTED)
            self.source.complain(where, f'{quoted} cannot be read as {kind}; write "{quoted}" in quotes')
            return node.value
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            self.source.complain(where, f"a number of {len(node.value)} signs is larger than any number here can be")
            self.source.refused.add(where)
            return 0
        return value

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, JSON]:
        content: dict[str, JSON] = {}
        for name, (key_node, value_node) in self._entries(node, where).items():
            self.source.lines[(*where, name)] = key_node.start_mark.line + 1
            content[name] = self.value(value_node, (*where, name))
        return content

    def _entries(self, node: yaml.MappingNode, where: Where) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """The nodes by name. A mapping's own names override those it merges with `<<`; only own ones can be double."""
        if node in self.entries_of:
            return self.entries_of[node]
        self.entries_of[node] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            name = self._name(key_node, where)
            if name in own:
                first = own[name][0].start_mark.line + 1
                place = ".".join(map(str, (*where, name)))
                line = key_node.start_mark.line + 1
                self.source.mistakes.append((line, f"{place}: duplicate key (first on line {first})"))
            elif name is not None:
                own[name] = (key_node, value_node)
            if key_node.tag == _MERGE:
                merged = self._merged(value_node, where) | merged
        self.entries_of[node] = merged | {name: nodes for name, nodes in own.items() if nodes[0].tag != _MERGE}
        return self.entries_of[node]

    def _merged(self, node: yaml.Node, where: Where) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """What `<<` brings in: of several mappings an earlier one overrides a later one."""
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            self._refuse_endless(source)
            if not isinstance(source, yaml.MappingNode):
                self.source.complain(where, "<< takes another mapping, e.g. <<: *defaults after &defaults {…}")
            else:
                merged = self._entries(source, where) | merged
                self._refuse_too_many(source, len(merged), 0)
        return merged

    def _refuse_endless(self, node: yaml.Node) -> None:
        if node in self.open:
            raise yaml.MarkedYAMLError(
                problem="an alias stands inside the value it repeats; write it out", problem_mark=node.start_mark
            )

    def _refuse_too_many(self, node: yaml.Node, values: int, characters: int) -> None:
        """A few aliases of aliases stand for more than a memory holds."""
        self.values += values
        self.characters += characters
        if self.values > _MOST_VALUES or self.characters > _MOST_CHARACTERS:
            raise SuiteError(
                [
                    f"{self.source.path.name}:{node.start_mark.line + 1}: with its aliases written out the file has "
                    f"more than {_MOST_VALUES:,} values or {_MOST_CHARACTERS:,} characters; use fewer of them"
                ]
            )

    def _name(self, node: yaml.Node, where: Where) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.source.complain(where, "a name must be text; write a value with {{ … }} or […] in quotes")
            return None
        name = self._scalar(node, where)
        if isinstance(name, str):
            return name
        if isinstance(name, bool):  # YAML 1.1 reads on, off, yes and no so; as a name they can only be meant as written
            return str(node.value)
        self.source.lines[where] = node.start_mark.line + 1
        self.source.complain(where, f'the name {node.value} is read as {_kind(name)}; write "{node.value}" in quotes')
        return str(node.value)

    def _expanded(self, text: str, where: Where) -> str:
        variables = variables_in(text)
        for name in names_in(text):
            if name not in variables:
                self.source.complain(
                    where, f"environment variable {name} is not set; for the text ${{{name}}} itself write $${{{name}}}"
                )
        self.source.variables |= variables
        return str(expanded(text))


def _kind(value: object) -> str:
    kinds: Mapping[type, str] = {int: "a number", float: "a number", type(None): "nothing"}
    return kinds.get(type(value), type(value).__name__)
