"""What identifies data, prompts, models, judges and machine of a run: run.json without texts and without paths."""

import re
from collections.abc import Mapping

from harness.records.inputs import JSON
from harness.regression.item_digests import digest
from harness.regression.recorded_components import ANY, named_entries

LONGEST = 60  # characters of a setting that is kept as it is; a longer one, or one of several lines, is a text
FOLDERS = re.compile(r"(?<![\w:/\\.])(?:[A-Za-z]:[\\/]|~?/)(?:[^\s\"'<>|:,;/\\]+[\\/])*")
UNCHANGED = ("seed", "harness", "packages", "judge_ids")
OF_HARDWARE = ("cpu", "cores", "memory_gib", "accelerators", "python", "platform")
OF_MODEL = ("component", "digest", "description", "tells_version", "scoring")


def identities(record: Mapping[str, JSON]) -> dict[str, JSON]:
    """The identities of a run, by the keys of run.json; those of what is identities already are the same."""
    hardware = record.get("hardware") or {}
    return {
        **{key: _plain(record[key]) for key in UNCHANGED if key in record},
        "hardware": {key: _plain(hardware[key]) for key in OF_HARDWARE if key in hardware},
        "data": {name: _data(own) for name, own in (record.get("data") or {}).items()},
        "tasks": _plain(record.get("tasks") or {}),
        "variants": {name: _variant(own) for name, own in (record.get("variants") or {}).items()},
        "knowledge": _plain(record.get("knowledge") or {}),
        "models": {name: _model(own) for name, own in (record.get("models") or {}).items()},
        "judges": {name: _model(own) for name, own in (record.get("judges") or {}).items()},
        "rubrics": {name: _hidden(text) for name, text in (record.get("rubrics") or {}).items()},
    }


def variants_using(identity: Mapping[str, JSON], section: str, name: str) -> tuple[str, ...]:
    """The variants that name an entry of a section, such as a model, or name what names it."""
    uses = {
        f"{kind}.{entry}": set(own["uses"]) for kind in ("models", "variants") for entry, own in identity[kind].items()
    }
    places = {f"{section}.{name}", f"{ANY}.{name}"}
    return tuple(entry for entry in identity["variants"] if _reaches(f"variants.{entry}", places, uses, frozenset()))


def _reaches(entry: str, places: set[str], uses: Mapping[str, set[str]], passed: frozenset[str]) -> bool:
    own = uses.get(entry, set())
    if entry in passed or own & places:
        return entry not in passed
    return any(_reaches(part, places, uses, passed | {entry}) for part in own)


def without_folders(value: JSON) -> JSON:
    """A value in which paths are names of files; its texts stay."""
    if isinstance(value, str):
        return FOLDERS.sub("", value)
    if isinstance(value, Mapping):
        return {str(key): without_folders(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(part) for part in value]
    return value


def _data(own: Mapping[str, JSON]) -> JSON:
    return {"files": _plain(own.get("files") or []), "rows": dict(own.get("rows") or {})}


def _model(own: Mapping[str, JSON]) -> JSON:
    """What tells which model it is; its settings may hold texts and addresses, of which the names are kept."""
    return {**{key: _plain(own[key]) for key in OF_MODEL if key in own}, "uses": _uses("model", own)}


def _variant(own: Mapping[str, JSON]) -> JSON:
    return {**{key: _plain(value) for key, value in own.items()}, "uses": _uses("variant", own)}


def _uses(kind: str, own: Mapping[str, JSON]) -> list[str]:
    """The other entries that it names."""
    settings = own.get("settings") or {}
    return list(own["uses"]) if "uses" in own else sorted(named_entries(kind, str(own.get("component")), settings))


def _plain(value: JSON) -> JSON:
    """A value in which texts are digests and paths are names of files."""
    if isinstance(value, str):
        return _hidden(value) if len(value) > LONGEST or "\n" in value else FOLDERS.sub("", value)
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _hidden(text: str) -> str:
    is_digest = re.fullmatch(r"sha256:[0-9a-f]+|[0-9a-f]{64}", text)
    return text if is_digest else f"sha256:{digest(text)}"
