"""JSON schemas that servers and grammars can hold a reply to: closed objects, and the types that values have."""

from collections.abc import Mapping, Sequence

from harness.errors import HarnessError
from harness.records.inputs import JSON

MOST = 10**15  # numbers are bounded, or a reply could spell one that no reader takes, such as 1e999
_STRING: dict[str, JSON] = {"type": "string"}
_NULL: dict[str, JSON] = {"type": "null"}


def object_schema(properties: Mapping[str, JSON]) -> dict[str, JSON]:
    """An object with these members in this order, all of them and no others."""
    return {
        "type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def schema_of(values: Sequence[JSON], place: str) -> dict[str, JSON]:
    """What all values fit by their types, never by their contents; text where nothing tells.

    Raises HarnessError for objects whose members differ: their names would be contents. `place` names the values.
    """
    kinds = [
        *([_STRING] if any(isinstance(value, str) for value in values) else []),
        *_number([value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]),
        *([{"type": "boolean"}] if any(isinstance(value, bool) for value in values) else []),
        *_list([value for value in values if isinstance(value, list)], place),
        *_object([value for value in values if isinstance(value, dict)], place),
    ]
    if any(value is None for value in values):
        kinds = [*(kinds or [_STRING]), _NULL]
    kinds = kinds or [_STRING]
    return dict(kinds[0]) if len(kinds) == 1 else {"anyOf": kinds}


def _number(values: Sequence[float]) -> list[dict[str, JSON]]:
    if not values:
        return []
    bound = max(MOST, 10 ** len(str(abs(int(max(values, key=abs))))))
    kind = "integer" if all(isinstance(value, int) for value in values) else "number"
    return [{"type": kind, "minimum": -bound, "maximum": bound}]


def _list(values: Sequence[list[JSON]], place: str) -> list[dict[str, JSON]]:
    items = [item for value in values for item in value]
    return [{"type": "array", "items": schema_of(items, f"an entry of {place}")}] if values else []


def _object(values: Sequence[dict[str, JSON]], place: str) -> list[dict[str, JSON]]:
    if not values:
        return []
    names = list(values[0])
    if any(set(value) != set(names) for value in values):
        raise HarnessError(
            f"{place} is an object whose members differ between targets, so that no JSON schema can name them; "
            "write it as text, or leave out constrained"
        )
    return [object_schema({name: schema_of([value[name] for value in values], f"{place}.{name}") for name in names})]
