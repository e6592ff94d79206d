"""Values of run.json as text that people read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.inputs import JSON
from reports.wording import say


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Named facts under one heading; a value may run over several lines."""

    title: str
    rows: tuple[tuple[str, str], ...]
    is_unfolded: bool = False


def named_values(mapping: JSON) -> tuple[tuple[str, str], ...]:
    """A mapping as named facts, without what is not known."""
    return tuple(
        (str(key).replace("_", " "), say("record_text.none") if value == [] else compact(value))
        for key, value in (mapping or {}).items()
        if value not in (None, "")
    )


def compact(value: JSON) -> str:
    """A value as one line; simple lists and mappings without JSON's brackets, because people read this."""
    if isinstance(value, str):
        return value
    if _is_component(value):
        return component_text(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_nested(inner)}" for key, inner in value.items() if inner is not None)
    if isinstance(value, list | tuple):
        return ", ".join(_nested(inner) for inner in value)
    return json.dumps(value, ensure_ascii=False)


def component_text(record: Mapping[str, JSON]) -> str:
    """A component and its settings, e.g. "lora (r: 8)"."""
    settings = compact(record.get("settings") or {})
    return f"{record.get('component', '')}{f' ({settings})' if settings else ''}".strip()


def _nested(value: JSON) -> str:
    is_simple = (isinstance(value, str) and value) or _is_component(value)
    return compact(value) if is_simple else json.dumps(value, ensure_ascii=False)


def _is_component(value: JSON) -> bool:
    """Whether nothing but a component is described; a model's identity names its component among other facts."""
    return isinstance(value, dict) and "component" in value and value.keys() <= {"component", "settings"}
