"""Parts of a YAML text replaced in place, so that everything else, comments included, stays as it was written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

_ANCHOR = re.compile(r"&\S+\s+")
Place = Sequence[str]


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands at a place instead."""

    place: Place  # keys from the top
    text: str  # a value on one line


def keys_at(text: str, place: Place = ()) -> list[str]:
    """The keys of the mapping at a place, merged ones left out; none where there is no mapping."""
    node = _node(yaml.compose(text), place)
    if not isinstance(node, yaml.MappingNode):
        return []
    return [key.value for key, _ in node.value if key.value != "<<"]


def source_at(text: str, place: Place) -> str:
    """The value at a place as it is written."""
    node = _node(yaml.compose(text), place)
    return "" if node is None else text[node.start_mark.index : node.end_mark.index].rstrip()


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with the values replaced; an anchor stays, a place that is not there is passed over."""
    root = yaml.compose(text)
    spans = []
    for edit in edits:
        node = _node(root, edit.place)
        if node is not None:
            begin, source = node.start_mark.index, text[node.start_mark.index : node.end_mark.index].rstrip()
            anchor = _ANCHOR.match(source)
            spans.append((begin, begin + len(source), (anchor[0] if anchor else "") + edit.text))
    for begin, end, replacement in sorted(spans, reverse=True):
        text = text[:begin] + replacement + text[end:]
    return text


def _node(node: yaml.Node | None, place: Place) -> yaml.Node | None:
    for name in place:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for key, value in node.value if key.value == name), None)
    return node
